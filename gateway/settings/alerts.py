"""What gateway.yaml may say about alerts: to whom they go, which, and when not."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, Strict, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from gateway.domain.alerts import AlertKind
from gateway.settings.boundaries import TimeOfDay
from gateway.settings.kinds import Folder, Host, Label, Section
from gateway.settings.quantities import Duration, Size

_URL_MAX = 500
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}", re.ASCII)


def _web(text: str) -> str:
    found = urlsplit(text)
    if (
        found.scheme not in ("http", "https")
        or not found.hostname
        or "@" in found.netloc
        or found.fragment
        or len(text) > _URL_MAX
        or not text.isascii()
    ):
        raise PydanticCustomError("web-malformed", "not a web address")
    return text


def _mail(text: str) -> str:
    if not _MAIL.fullmatch(text):
        raise PydanticCustomError("mail-malformed", "not a mail address")
    return text


WebAddress = Annotated[str, AfterValidator(_web), WithJsonSchema({"type": "string", "pattern": "^https?://"})]
MailAddress = Annotated[str, AfterValidator(_mail), WithJsonSchema({"type": "string", "pattern": f"^{_MAIL.pattern}$"})]
Seconds = Annotated[float, Duration("1s", "1m")]


class Least(StrEnum):
    """From which severity on a sink is told."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


class MailSecurity(StrEnum):
    """How the way to the mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class SyslogWay(StrEnum):
    """How syslog is reached."""

    UNIX = "unix"
    UDP = "udp"
    TCP = "tcp"


class WebhookSettings(Section):
    """JSON by HTTP POST, signed."""

    url: WebAddress = Field(description="where alerts are posted to; https unless the way is safe otherwise")
    secret_file: Folder = Field(
        description="file with the shared secret of the signature, for the service's account only"
    )
    ca_file: Folder | None = Field(
        default=None, description="certificates (PEM) that the server's must come from; default: the system's"
    )
    timeout: Seconds = Field(default=10.0, description="the server must take an alert within this time")


class MailSettings(Section):
    """Mail by SMTP."""

    host: Host = Field(description="name or IP address of the mail server")
    port: Annotated[int, Strict(), Field(ge=1, le=65535)] = Field(default=587, description="its TCP port")
    security: MailSecurity = Field(
        default=MailSecurity.STARTTLS,
        description="starttls (begins in the clear and must turn), tls (from the start), none",
    )
    ca_file: Folder | None = Field(
        default=None, description="certificates (PEM) that the server's must come from; default: the system's"
    )
    sender: MailAddress = Field(description="address that mails come from")
    to: tuple[MailAddress, ...] = Field(min_length=1, max_length=20, description="addresses that mails go to")
    user: str | None = Field(default=None, max_length=100, description="account at the mail server; absent: none")
    password_file: Folder | None = Field(
        default=None, description="file with the account's password, for the service's account only"
    )
    timeout: Seconds = Field(default=10.0, description="the server must answer within this time")


class SyslogSettings(Section):
    """Syslog messages of RFC 5424."""

    way: SyslogWay = Field(default=SyslogWay.UNIX, description="unix (a socket of this machine), udp or tcp")
    path: Folder = Field(default=Path("/dev/log"), description="the socket, with way unix")
    host: Host = Field(default="127.0.0.1", description="name or IP address of the syslog server, with udp or tcp")
    port: Annotated[int, Strict(), Field(ge=1, le=65535)] = Field(default=514, description="its port")
    facility: Annotated[int, Strict(), Field(ge=0, le=23)] = Field(default=16, description="facility; 16 is local0")
    timeout: Seconds = Field(default=5.0, description="the server must take a message within this time")


class FileSettings(Section):
    """JSON lines in a file."""

    path: Folder = Field(description="the file; its folder must be there")
    rotation: Annotated[int, Size("4 KiB", "10 GiB")] = Field(default=10 << 20, description="it is closed at this size")
    keep: Annotated[int, Strict(), Field(ge=1, le=1000)] = Field(default=10, description="closed files that are kept")


class QuietSettings(Section):
    """Hours in which notices wait; warnings and critical alerts never do."""

    after: TimeOfDay = Field(description="from this time of day on, in the node's time zone")
    until: TimeOfDay = Field(description="until this time of day; may be on the next day")


class SinkSettings(Section):
    """One place that alerts go to: exactly one of webhook, mail, syslog, file."""

    name: Label = Field(description="name of the sink, used in logs and commands")
    kinds: tuple[AlertKind, ...] = Field(
        default=(AlertKind.DEADLINE, AlertKind.OPERATION),
        min_length=1,
        description="what it is told of: deadline (terms that are near or past), operation (the gateway itself)",
    )
    least: Least = Field(
        default=Least.NOTICE,
        description="from which severity on: notice (amber), warning (red), critical (overdue, and the gateway's own)",
    )
    quiet: QuietSettings | None = Field(default=None, description="hours in which notices wait")
    webhook: WebhookSettings | None = Field(default=None, description="JSON by HTTP POST, signed")
    mail: MailSettings | None = Field(default=None, description="mail by SMTP")
    syslog: SyslogSettings | None = Field(default=None, description="syslog messages of RFC 5424")
    file: FileSettings | None = Field(default=None, description="JSON lines in a file")

    @model_validator(mode="after")
    def _has_one_aim(self) -> Self:
        if sum(one is not None for one in (self.webhook, self.mail, self.syslog, self.file)) != 1:
            raise PydanticCustomError("sink-aim", "not exactly one aim")
        return self


class AlertSettings(Section):
    """Whom the gateway tells by itself; without a sink alerts stand in `caseferry alerts` alone."""

    sinks: tuple[SinkSettings, ...] = Field(default=(), max_length=16, description="places that alerts go to")

    @model_validator(mode="after")
    def _is_named_once(self) -> Self:
        names = [one.name for one in self.sinks]
        if len(set(names)) != len(names):
            raise PydanticCustomError("sink-twice", "a name twice")
        return self
