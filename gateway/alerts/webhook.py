"""Alerts by HTTP POST, signed with HMAC-SHA-256 over id, time and body."""

import hashlib
import hmac
import http.client
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gateway.alerts.sinks import not_taken
from gateway.alerts.wording import Wording
from gateway.domain.clock import Clock

ID_HEADER: Final = "X-CaseFerry-Id"
TIME_HEADER: Final = "X-CaseFerry-Time"
SIGNATURE_HEADER: Final = "X-CaseFerry-Signature"
TAKEN: Final = range(200, 300)


def signature(secret: bytes, key: str, time: str, body: bytes) -> str:
    """Return the hexadecimal HMAC-SHA-256 over `<id>.<time>.<body>`: who checks it knows the id and the time unchanged,
    refuses an id that came before and a time that is long past."""
    return hmac.new(secret, f"{key}.{time}.".encode() + body, hashlib.sha256).hexdigest()


class Webhook:
    """Posts to one address. The standard library's client follows no redirect and asks the environment for no proxy."""

    def __init__(
        self, name: str, url: str, secret: bytes, *, timeout: float, clock: Clock, ca_file: Path | None = None
    ) -> None:
        """timeout: seconds for each wait on the server. ca_file: certificates that its must come from."""
        self.name = name
        self._url = urlsplit(url)
        self._secret = secret
        self._timeout = timeout
        self._clock = clock
        self._ca_file = ca_file

    def send(self, wording: Wording) -> None:
        """Post it; any answer of 200 to 299 takes it."""
        body, time = wording.as_json(), str(int(self._clock.now()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "caseferry",
            ID_HEADER: wording.key,
            TIME_HEADER: time,
            SIGNATURE_HEADER: f"sha256={signature(self._secret, wording.key, time, body)}",
        }
        target = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        try:
            connection = self._connection()
            try:
                connection.request("POST", target, body, headers)
                status = connection.getresponse().status
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            raise not_taken(self.name, f"{type(error).__name__}") from error
        if status not in TAKEN:
            raise not_taken(self.name, f"HTTP status {status}")

    def _connection(self) -> http.client.HTTPConnection:
        host = self._url.hostname or ""
        if self._url.scheme == "http":
            return http.client.HTTPConnection(host, self._url.port, timeout=self._timeout)
        context = ssl.create_default_context(cafile=None if self._ca_file is None else str(self._ca_file))
        return http.client.HTTPSConnection(host, self._url.port, timeout=self._timeout, context=context)
