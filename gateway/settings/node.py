"""What gateway.yaml may say: the node itself, its folders, its server, its times and limits."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, Strict
from pydantic_core import PydanticCustomError

from gateway.domain.scanning import WhenDown, WhenTooLarge
from gateway.settings.alerts import AlertSettings
from gateway.settings.kinds import Folder, Listen, Section, TimeOfDay, Title, Unit, Zone
from gateway.settings.quantities import Duration, Size
from gateway.settings.zones import CHINA


class Language(StrEnum):
    """Language of what people read."""

    AUTO = "auto"
    ZH_CN = "zh_CN"
    EN = "en"


class LogLevel(StrEnum):
    """Least important entry that the operations log keeps."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogTarget(StrEnum):
    """Where the operations log goes."""

    AUTO = "auto"
    FILE = "file"
    STDERR = "stderr"


class NodeSettings(Section):
    """Who this node is."""

    unit: Unit = Field(description="official code of the unit this node belongs to, in quotes")
    name: Title = Field(description="name of the unit, as people know it")
    language: Language = Field(
        default=Language.AUTO,
        description="language of feedback files, alerts and the command line; auto follows the locale",
    )
    zone: Zone = Field(
        default=CHINA, description="time zone in which terms are counted: their days begin and end there"
    )


class PathSettings(Section):
    """Where things are on this disk; relative paths count from the folder of gateway.yaml."""

    state: Folder = Field(
        default=Path("/var/lib/caseferry"), description="everything the node keeps, unless set apart below"
    )
    spool: Folder = Field(
        default_factory=lambda data: data["state"] / "spool",
        description="claimed exports, bundles on their way, imports before delivery; private; needs room",
    )
    mailboxes: Folder = Field(
        default_factory=lambda data: data["state"] / "mailboxes", description="mailboxes that this node hosts for peers"
    )
    quarantine: Folder = Field(
        default_factory=lambda data: data["state"] / "quarantine", description="untrusted things that wait for a person"
    )
    keys: Folder = Field(
        default_factory=lambda data: data["state"] / "keys", description="this node's own keys, for its account only"
    )
    peers: Folder = Field(
        default_factory=lambda data: data["state"] / "peers",
        description="cards of the peers whose fingerprint was confirmed",
    )
    ledger: Folder = Field(
        default_factory=lambda data: data["state"] / "ledger",
        description="folder of the ledger's database; a local disk",
    )
    log: Folder = Field(
        default_factory=lambda data: data["state"] / "log", description="operations log, if kept in files"
    )


class ServerMode(StrEnum):
    """Which program serves the mailboxes."""

    EMBEDDED = "embedded"  # this node itself
    OPENSSH = "openssh"  # OpenSSH with internal-sftp, beside this node (docs/openssh.md)


class ServerSettings(Section):
    """The SFTP server that hosts mailboxes for peers which call us."""

    enabled: Annotated[bool, Strict()] = Field(default=True, description="false where no peer calls this node")
    mode: ServerMode = Field(
        default=ServerMode.EMBEDDED,
        description="who serves the peers that call: this node itself (embedded), or an sshd beside it (openssh)",
    )
    listen: Listen = Field(
        default="127.0.0.1",
        description="this server's own IP address on the exchange network; the default reaches nobody else",
    )
    port: Annotated[int, Strict(), Field(ge=0, le=65535)] = Field(
        default=2222, description="TCP port; 0 lets the system choose (for trials)"
    )
    max_connections: Annotated[int, Strict(), Field(ge=1, le=10_000)] = Field(
        default=512, description="connections at a time, of all peers together"
    )
    max_connections_per_peer: Annotated[int, Strict(), Field(ge=1, le=1000)] = Field(
        default=8, description="connections at a time of one peer"
    )
    quota: Annotated[int, Size("1 MiB", "64 TiB")] = Field(
        default=512 << 30,
        description="most that one peer may leave waiting in its mailbox; at least the largest bundle",
    )
    login_timeout: Annotated[float, Duration("1s", "5m")] = Field(
        default=20.0, description="a guest must have logged in by then"
    )
    idle_timeout: Annotated[float, Duration("10s", "1d")] = Field(
        default=600.0, description="a silent guest is sent away after this"
    )
    auth_failures: Annotated[int, Strict(), Field(ge=1, le=1000)] = Field(
        default=10, description="refused logins of one address before it is shut out"
    )
    shut_out: Annotated[float, Duration("1s", "7d")] = Field(
        default=600.0, description="how long such an address is shut out"
    )


class TimingSettings(Section):
    """How often things are looked at, and how long they may take."""

    scan_every: Annotated[float, Duration("50ms", "1h")] = Field(
        default=2.0, description="outbound folders are scanned this often; events only make it sooner"
    )
    stable_scans: Annotated[int, Strict(), Field(ge=2, le=100)] = Field(
        default=3, description="an export without completion mark is claimed once unchanged over this many scans"
    )
    poll_every: Annotated[float, Duration("50ms", "1d")] = Field(
        default=10.0, description="mailboxes are looked into this often"
    )
    receipt_timeout: Annotated[float, Duration("1s", "30d")] = Field(
        default=3600.0,
        description="a receipt is expected within this time; then the bundle is sent again and somebody told",
    )
    custody_timeout: Annotated[float, Duration("1m", "90d")] = Field(
        default=86_400.0,
        description="the recipient's receipt of what a hub holds is expected within this time; it is not sent again",
    )
    resync_every: Annotated[float, Duration("1s", "7d")] = Field(
        default=3600.0, description="nodes compare so often what they hold of each other's streams"
    )
    gap_patience: Annotated[float, Duration("0s", "7d")] = Field(
        default=60.0, description="a number that is missing for so long is asked for"
    )
    retry_first: Annotated[float, Duration("50ms", "1h")] = Field(
        default=5.0, description="wait before the second attempt"
    )
    retry_most: Annotated[float, Duration("1s", "1d")] = Field(
        default=900.0, description="longest wait between attempts"
    )
    give_up_after: Annotated[float, Duration("1m", "3650d")] = Field(
        default=14 * 86400.0,
        description="what has owed the same step for so long is held for a person; nothing of it is lost",
    )
    orphan_patience: Annotated[float, Duration("0s", "30d")] = Field(
        default=72 * 3600.0,
        description="a business reply waits so long for the request that it answers, then for a person",
    )
    drain: Annotated[float, Duration("100ms", "60s")] = Field(
        default=8.0, description="time to finish in when told to stop"
    )
    clock_skew_warn: Annotated[float, Duration("1s", "1d")] = Field(
        default=300.0, description="a peer's clock that differs by more is reported"
    )
    clock_skew_hold: Annotated[float, Duration("1m", "30d")] = Field(
        default=86400.0,
        description="a bundle dated further into the future is held, for a person or until its date has come",
    )
    reconcile_at: TimeOfDay = Field(
        default="02:30",
        description="sender, hubs and recipients are compared every night within half an hour from then, by this "
        "machine's clock; never: only by caseferry reconcile",
    )
    keep_originals: Annotated[float, Duration("0s", "3650d")] = Field(
        default=30 * 86400.0, description="claimed originals and bundles stay this long after the final receipt"
    )
    keep_quarantine: Annotated[float, Duration("1d", "3650d")] = Field(
        default=180 * 86400.0, description="decided things stay this long in quarantine"
    )
    keep_reports: Annotated[float, Duration("1d", "36500d")] = Field(
        default=1095 * 86400.0, description="reports of reconciliations stay this long"
    )


class LimitSettings(Section):
    """What is too much."""

    bundle: Annotated[int, Size("1 MiB", "64 TiB")] = Field(
        default=256 << 30, description="largest bundle that is taken or sent"
    )
    refuse_unasked: Annotated[bool, Strict()] = Field(
        default=True,
        description="true: an expired, too large or wrongly dated bundle is refused at once; false: a person decides",
    )
    members: Annotated[int, Strict(), Field(ge=1, le=1_000_000)] = Field(
        default=100_000, description="most files in one export or bundle"
    )
    free_space: Annotated[int, Size("0 B", "1 TiB")] = Field(
        default=2 << 30,
        description="disk space that is never used up; what does not fit above it waits (small things leave an eighth)",
    )


class WorkerSettings(Section):
    """Processes that seal, open and hash."""

    processes: Annotated[int, Strict(), Field(ge=1, le=64)] = Field(
        default=2, description="worker processes; more than the machine has cores gains nothing"
    )


class RelaySettings(Section):
    """Carrying bundles for others, which this node cannot open."""

    enabled: Annotated[bool, Strict()] = Field(
        default=False, description="true makes this node a hub; the roster must name it one as well"
    )
    keep: Annotated[float, Duration("0s", "3650d")] = Field(
        default=7 * 86_400.0,
        description="a relay is closed so long after its final receipt; its bytes go when the last receipt comes",
    )


class LogSettings(Section):
    """The operations log (not the transfer record, which is the ledger)."""

    to: LogTarget = Field(default=LogTarget.AUTO, description="auto: stderr under systemd, else files in paths.log")
    level: LogLevel = Field(default=LogLevel.INFO, description="least important entry that is kept")
    rotation: Annotated[int, Size("64 KiB", "10 GiB")] = Field(
        default=20 << 20, description="a file is closed at this size"
    )
    keep: Annotated[int, Strict(), Field(ge=1, le=1000)] = Field(default=20, description="closed files that are kept")


def _url(text: str) -> str:
    # Only SQLite is served so far; a URL with a password must not be accepted and then shown in a log.
    if not text.startswith("sqlite:///") or len(text) == len("sqlite:///") or "@" in text or "?" in text:
        raise PydanticCustomError("url-malformed", "not a ledger URL")
    return text


class MalwareSettings(Section):
    """The virus scanner (clamd) that looks at everything before it is sealed and before it is delivered."""

    socket: Folder | None = Field(default=None, description="unix socket of clamd; instead of port")
    address: Listen = Field(default="127.0.0.1", description="IP address of clamd on this machine")
    port: Annotated[int, Strict(), Field(ge=1, le=65535)] | None = Field(
        default=None, description="TCP port of clamd; instead of socket"
    )
    timeout: Annotated[float, Duration("1s", "1h")] = Field(
        default=120.0, description="the scanner has failed if it neither takes nor says anything for so long"
    )
    largest: Annotated[int, Size("64 KiB", "4 GiB")] = Field(
        default=25 << 20, description="largest file that is handed to the scanner: StreamMaxLength of clamd.conf"
    )
    when_down: WhenDown = Field(default=WhenDown.WAIT, description="what happens while no scanner answers")
    when_too_large: WhenTooLarge = Field(
        default=WhenTooLarge.HOLD, description="what happens to a file above malware.largest"
    )
    alarm_after: Annotated[float, Duration("0s", "7d")] = Field(
        default=600.0, description="somebody is told once no scanner has answered for so long"
    )


class LedgerSettings(Section):
    """The database of transfers."""

    url: Annotated[str, AfterValidator(_url)] | None = Field(
        default=None, description="sqlite:///path of the database; default: ledger.db in paths.ledger"
    )


class NodeFile(Section):
    """The whole of gateway.yaml."""

    node: NodeSettings = Field(description="who this node is")
    paths: PathSettings = Field(default=PathSettings(), description="where things are on this disk")
    server: ServerSettings = Field(default=ServerSettings(), description="the SFTP server for peers that call us")
    timing: TimingSettings = Field(default=TimingSettings(), description="how often and how long")
    limits: LimitSettings = Field(default=LimitSettings(), description="what is too much")
    workers: WorkerSettings = Field(default=WorkerSettings(), description="processes that seal, open and hash")
    relay: RelaySettings = Field(default=RelaySettings(), description="carrying bundles for others")
    alerts: AlertSettings = Field(default=AlertSettings(), description="whom the gateway tells by itself")
    log: LogSettings = Field(default=LogSettings(), description="the operations log")
    ledger: LedgerSettings = Field(default=LedgerSettings(), description="the database of transfers")
    malware: MalwareSettings | None = Field(
        default=None, description="the virus scanner; without this section nothing is scanned"
    )
