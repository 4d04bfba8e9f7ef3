"""Alerts by mail."""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from gateway.alerts.sinks import not_taken
from gateway.alerts.wording import Wording


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """Who logs in at the mail server."""

    user: str
    password: str


class Mail:
    """Hands mails to one SMTP server (RFC 5321)."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        *,
        sender: str,
        to: Sequence[str],
        security: str,
        timeout: float,
        account: Account | None = None,
        ca_file: Path | None = None,
    ) -> None:
        """security: `starttls` (refuses a server that cannot), `tls` or `none`. timeout: seconds for each answer."""
        self.name = name
        self._place = host, port
        self._sender = sender
        self._to = to
        self._security = security
        self._timeout = timeout
        self._account = account
        self._ca_file = ca_file

    def send(self, wording: Wording) -> None:
        """Send it to all; refused by one is refused."""
        try:
            with self._server() as server:
                if self._security == "starttls":
                    server.starttls(context=self._context())
                if self._account is not None:
                    server.login(self._account.user, self._account.password)
                refused = server.send_message(self._mail(wording), self._sender, list(self._to))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # What a server answers may repeat what was said to it; only a code of its own is kept.
            code = getattr(error, "smtp_code", "")
            raise not_taken(self.name, f"{type(error).__name__} {code}".strip()) from None
        if refused:
            raise not_taken(self.name, f"{len(refused)} addresses were refused")

    def _server(self) -> smtplib.SMTP:
        host, port = self._place
        if self._security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=self._timeout, context=self._context())
        return smtplib.SMTP(host, port, timeout=self._timeout)

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=None if self._ca_file is None else str(self._ca_file))

    def _mail(self, wording: Wording) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = wording.title
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._to)
        mail["Date"] = format_datetime(datetime.fromtimestamp(wording.alert.at, UTC))
        # The same for every repetition, so that a mailbox shows one.
        mail["Message-ID"] = f"<{wording.key}@{self._sender.partition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content("\n\n".join((*wording.texts.values(), wording.as_json().decode("ascii"))) + "\n", cte="base64")
        return mail
