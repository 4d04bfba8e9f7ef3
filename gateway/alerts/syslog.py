"""Alerts as syslog messages (RFC 5424; over TCP framed by their length, RFC 6587 3.4.1)."""

import socket
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.alerts.sinks import not_taken
from gateway.alerts.wording import Wording, one_line
from gateway.domain.alerts import Severity

TEXT_MAX: Final = 1800
"""Bytes of text; every receiver must take 2048 bytes in all (RFC 5424 6.1)."""
_SEVERITIES: Final = MappingProxyType({Severity.NOTICE: 5, Severity.WARNING: 4, Severity.CRITICAL: 2})
_DATA_ID: Final = "caseferry@32473"
"""32473 is the enterprise number for examples (RFC 5612); the project has none of its own."""


class Syslog:
    """Sends to one socket. Over unix and UDP nobody says that it came; that is syslog's nature."""

    def __init__(
        self, name: str, way: str, place: Path | tuple[str, int], *, facility: int, host: str, timeout: float
    ) -> None:
        """way: `unix` (place: the path), `udp` or `tcp` (place: host and port). host: how this machine is called.
        timeout: seconds for each wait."""
        self.name = name
        self._way = way
        self._place = place
        self._facility = facility
        self._host = host
        self._timeout = timeout

    def send(self, wording: Wording) -> None:
        """Send it."""
        raw = self._line(wording)
        try:
            if isinstance(self._place, Path):
                self._datagram(socket.AF_UNIX, str(self._place), raw)
            elif self._way == "udp":
                family, _kind, _proto, _name, address = socket.getaddrinfo(*self._place, type=socket.SOCK_DGRAM)[0]
                self._datagram(family, address, raw)
            else:
                with socket.create_connection(self._place, timeout=self._timeout) as connection:
                    connection.sendall(f"{len(raw)} ".encode() + raw)
        except OSError as error:
            raise not_taken(self.name, f"{type(error).__name__} {error.errno or ''}".strip()) from error

    def _datagram(self, family: int, address: object, raw: bytes) -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.settimeout(self._timeout)
            sender.connect(address)  # type: ignore[arg-type]  # what getaddrinfo gave, or a path
            sender.send(raw)

    def _line(self, wording: Wording) -> bytes:
        alert = wording.alert
        priority = self._facility * 8 + _SEVERITIES[alert.severity]
        at = datetime.fromtimestamp(alert.at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        known = {"id": wording.key, "unit": wording.unit, "kind": alert.kind, "name": alert.name}
        known |= {"case": one_line(str(alert.facts.get("case_no") or "")), "flow": str(alert.facts.get("flow") or "")}
        data = " ".join(f'{name}="{_quoted(value)}"' for name, value in known.items() if value)
        head = f"<{priority}>1 {at} {self._host or '-'} caseferry - {alert.kind} [{_DATA_ID} {data}] "
        text = " / ".join(wording.texts.values()).replace("\n", " ").encode()[:TEXT_MAX]
        return head.encode() + b"\xef\xbb\xbf" + text.decode("utf-8", "ignore").encode()


def _quoted(value: str) -> str:
    return "".join("\\" + one if one in '\\"]' else one for one in value if one.isprintable())
