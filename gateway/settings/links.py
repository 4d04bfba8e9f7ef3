"""What a file of links.d may say: how this node and one peer reach each other."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, Strict

from gateway.settings.boundaries import BandwidthSettings, GapSettings, Lane, Receipts, RepeatSettings, WindowSettings
from gateway.settings.kinds import Account, FileName, Folder, Host, LinkLabel, Section, Unit
from gateway.settings.quantities import Duration, Size


class Initiate(StrEnum):
    """What this side does by calling the peer; the rest the peer does by calling us."""

    PUSH = "push"  # deposit at the peer's server; collect from the mailbox hosted here
    PULL = "pull"  # collect at the peer's server; leave things in the mailbox hosted here
    BOTH = "both"  # deposit and collect at the peer's server
    NONE = "none"  # the peer calls: everything goes through the mailbox hosted here


class TransportKind(StrEnum):
    """What carries the files."""

    SFTP = "sftp"
    FOLDER = "folder"
    MEDIA = "media"


class SshEngine(StrEnum):
    """What speaks SSH when this side calls."""

    PARAMIKO = "paramiko"  # the library, inside this process
    OPENSSH = "openssh"  # the `ssh` program of this machine, a process for each connection


class SftpSettings(Section):
    """Where the peer's SFTP server is; its host key is known from its card."""

    host: Host = Field(description="name or IP address of the peer's server")
    port: Annotated[int, Strict(), Field(ge=1, le=65535)] = Field(
        default=2222, description="TCP port of the peer's server"
    )
    user: Account | None = Field(default=None, description="our account there; default: the code of our own unit")
    engine: SshEngine = Field(
        default=SshEngine.PARAMIKO,
        description="what speaks SSH: paramiko (a library, inside the gateway) or openssh (this server's ssh program)",
    )


class FolderSettings(Section):
    """Two folders that a gap device, a mounted share or a medium carries across."""

    deposit: Folder | None = Field(
        default=None, description="we leave things here for the peer; absent at the far end of a diode"
    )
    collect: Folder | None = Field(
        default=None, description="the peer's things appear here; absent where nothing can come back"
    )
    sentinel: FileName | None = Field(
        default=None,
        description="name of a file that both folders always hold; without it the mount is taken to be missing",
    )


class TwoPersons(StrEnum):
    """Which trips of a medium need a second person, under another login name, who confirms them."""

    BOTH = "both"
    EXPORT = "export"
    IMPORT = "import"
    NONE = "none"


class MediaSettings(Section):
    """How removable media are handled on this link."""

    two_persons: TwoPersons = Field(
        default=TwoPersons.BOTH,
        description="what a second person must confirm under another login name: export, import, both, none",
    )
    confirm_within: Annotated[float, Duration("1m", "7d")] = Field(
        default=4 * 3600.0, description="a trip that was asked for must be confirmed within this time"
    )


class DeadlineSettings(Section):
    """After these times the peer counts as gone."""

    connect: Annotated[float, Duration("1s", "10m")] = Field(
        default=15.0, description="until the connection stands and we are logged in"
    )
    stall: Annotated[float, Duration("1s", "1h")] = Field(default=60.0, description="without a single byte moving")
    idle: Annotated[float, Duration("1s", "1d")] = Field(
        default=120.0, description="an unused connection is closed after this"
    )


class LinkSettings(Section):
    """One link; one to a file, one to a peer."""

    name: LinkLabel = Field(description="name of the link, used in logs and commands")
    peer: Unit = Field(description="code of the unit at the other end, in quotes")
    enabled: Annotated[bool, Strict()] = Field(default=True, description="false rests the link; its transfers wait")
    transport: TransportKind = Field(default=TransportKind.SFTP, description="what carries the files")
    initiate: Initiate = Field(
        default=Initiate.BOTH,
        description="which side calls: push (we bring), pull (we fetch), both (we do both), none (the peer does both)",
    )
    sftp: SftpSettings | None = Field(default=None, description="the peer's server; needed unless initiate is none")
    folder: FolderSettings | None = Field(default=None, description="the two folders; needed with transport folder")
    media: MediaSettings | None = Field(
        default=None, description="only with transport media: who must confirm, and until when"
    )
    gap: GapSettings | None = Field(
        default=None, description="what a gap device between the two folders lets through; only with transport folder"
    )
    receipts: Receipts = Field(
        default=Receipts.EXPECTED,
        description="expected (none in time: sent again), late (by another way or at some time: sent, unconfirmed "
        "until then), never (this link brings none)",
    )
    repeat: RepeatSettings | None = Field(
        default=None, description="send again without being asked; for diodes and other links that lose things"
    )
    windows: tuple[WindowSettings, ...] = Field(
        default=(), max_length=50, description="when the link may be used, in local time; none given: always"
    )
    bandwidth: tuple[BandwidthSettings, ...] = Field(
        default=(), max_length=24, description="bytes a second by time of day; at other times as fast as it goes"
    )
    max_parallel: Annotated[int, Strict(), Field(ge=1, le=16)] = Field(
        default=2, description="bundles under way at a time, each way"
    )
    priorities: tuple[Lane, ...] = Field(
        default=tuple(Lane), description="lanes that this link carries; a bundle of another is held for a person"
    )
    deadlines: DeadlineSettings = Field(default=DeadlineSettings(), description="when the peer counts as gone")
    max_bundle: Annotated[int, Size("64 KiB", "64 TiB")] | None = Field(
        default=None,
        description="largest bundle that this link takes, if less than limits.bundle; a larger one is held",
    )
    poll_every: Annotated[float, Duration("50ms", "1d")] | None = Field(
        default=None, description="look into this mailbox so often, instead of timing.poll_every"
    )
    receipt_timeout: Annotated[float, Duration("1s", "30d")] | None = Field(
        default=None,
        description="expect receipts within this time, instead of timing.receipt_timeout (14 days by media)",
    )
    give_up_after: Annotated[float, Duration("1m", "3650d")] | None = Field(
        default=None, description="hold for a person what waits for so long here, instead of timing.give_up_after"
    )

    @property
    def calls_to_deposit(self) -> bool:
        """Whether our things leave by calling the peer (else through the mailbox hosted here)."""
        return self.initiate in (Initiate.PUSH, Initiate.BOTH)

    @property
    def calls_to_collect(self) -> bool:
        """Whether the peer's things come by calling the peer (else through the mailbox hosted here)."""
        return self.initiate in (Initiate.PULL, Initiate.BOTH)

    @property
    def by_media(self) -> MediaSettings:
        """How removable media are handled on this link."""
        return self.media or MediaSettings()

    @property
    def sends(self) -> bool:
        """Whether anything can leave by this link."""
        return self.transport is not TransportKind.FOLDER or self.folder is None or self.folder.deposit is not None

    @property
    def hears(self) -> bool:
        """Whether anything can arrive by this link."""
        return self.transport is not TransportKind.FOLDER or self.folder is None or self.folder.collect is not None

    @property
    def takes_convoys(self) -> bool:
        """Whether small bundles may leave by this link many to a file: not where one file that is lost, too large or
        counted would be many bundles that are."""
        is_plain = self.transport is TransportKind.SFTP or (self.transport is TransportKind.FOLDER and self.gap is None)
        return is_plain and self.hears and self.repeat is None and self.receipts is Receipts.EXPECTED

    @property
    def hosts_mailbox(self) -> bool:
        """Whether this node hosts a mailbox for the peer."""
        return self.transport is TransportKind.SFTP and not (self.calls_to_deposit and self.calls_to_collect)
