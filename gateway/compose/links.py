"""The transport of each link: hosted here, hosted by the peer, or one half each; a folder where nobody calls."""

from collections.abc import Iterable
from pathlib import Path

from gateway.compose.room import mailbox_floors
from gateway.domain.clock import Clock
from gateway.domain.errors import PermanentError, Scope
from gateway.domain.ids import LinkName
from gateway.keyring.keyring import Keyring
from gateway.roster.directory import Directory
from gateway.settings.boundaries import GapSettings
from gateway.settings.links import FolderSettings, LinkSettings, SshEngine, TransportKind
from gateway.settings.load import Settings
from gateway.settings.node import ServerMode
from gateway.transport.accounts import public_blob
from gateway.transport.api import Transport
from gateway.transport.channel import Deadlines
from gateway.transport.folder import FolderTransport
from gateway.transport.gap import LEFTOVER_SECONDS, GapTransport
from gateway.transport.hosted import IN, HostedTransport, Mailboxes
from gateway.transport.media import MediaTransport, media_mailbox
from gateway.transport.openssh_channel import OpensshChannel, is_installed
from gateway.transport.paramiko_channel import ParamikoChannel, SshPeer
from gateway.transport.parts import Letters, Shape
from gateway.transport.sftp import Engine, SftpTransport
from gateway.transport.shared import SharedMailbox
from gateway.transport.split import SplitTransport

NOTES_FOLDER = "gaps"
"""Below paths.state: what the transports of folder links remember, by link."""


def mail_folders(settings: Settings, links: Iterable[LinkSettings]) -> dict[Path, LinkName]:
    """Return the folders that somebody else than our own server fills for us, and the link of each.

    It may be a gap device, a share, a person with a medium, or an sshd.
    """
    found = {}
    for link in links:
        if link.transport is TransportKind.MEDIA:
            found[media_mailbox(settings.paths.state, link.name) / IN] = LinkName(link.name)
        elif link.hosts_mailbox and settings.server.mode is ServerMode.OPENSSH:
            found[settings.paths.mailboxes / link.peer / IN] = LinkName(link.name)
        elif link.folder is not None and link.folder.collect is not None and link.transport is TransportKind.FOLDER:
            found[link.folder.collect] = LinkName(link.name)
    return found


class Transports:
    """Makes transports from settings, keys and cards; each call makes a new one, to be closed by the caller."""

    def __init__(self, settings: Settings, keyring: Keyring, directory: Directory, clock: Clock) -> None:
        self._settings = settings
        self._keyring = keyring
        self._directory = directory
        self._clock = clock
        self._mailboxes = Mailboxes(settings.paths.mailboxes)

    def to(self, link: LinkSettings) -> Transport:
        """Return the transport of `link`; raises PermanentError `peer-unknown`, `peer-revoked`, `ssh-missing`."""
        if link.folder is not None and link.transport is TransportKind.FOLDER:
            return self._folders(link, link.folder)
        if link.transport is TransportKind.MEDIA:
            return MediaTransport(self._settings.paths.state, link.name, mailbox_floors(self._settings))
        hosted = self._hosted(link) if link.hosts_mailbox else None
        remote = self.remote(link)
        if hosted is None or remote is None:
            whole: Transport | None = hosted or remote
            if whole is None:
                raise ValueError("a link neither calls nor is called")
            return whole
        if link.calls_to_deposit:
            return SplitTransport(outgoing=remote, incoming=hosted)
        return SplitTransport(outgoing=hosted, incoming=remote)

    def keep_mailboxes(self) -> None:
        """Make the mailboxes of all transports so far durable at once, else each costs as much when it is first used.

        Raises `mailbox-*`.
        """
        self._mailboxes.keep()

    def _hosted(self, link: LinkSettings) -> FolderTransport:
        floors = mailbox_floors(self._settings)
        if self._settings.server.mode is ServerMode.OPENSSH:
            return SharedMailbox(self._settings.paths.mailboxes, link.peer, floors)
        return HostedTransport(self._mailboxes, link.peer, floors)

    def _folders(self, link: LinkSettings, folder: FolderSettings) -> Transport:
        gap = link.gap
        return GapTransport(
            folder.deposit,
            folder.collect,
            notes=self._settings.paths.state / NOTES_FOLDER / link.name,
            clock=self._clock,
            shape=None if gap is None else _shape(gap),
            leftover=LEFTOVER_SECONDS if gap is None else gap.leftovers,
            sentinel=folder.sentinel,
        )

    def remote(self, link: LinkSettings) -> SftpTransport | None:
        """Return the half of `link` that the peer hosts; None if the peer hosts nothing. Raises as `to`."""
        if link.sftp is None or not (link.calls_to_deposit or link.calls_to_collect):
            return None
        peer = SshPeer(
            link.sftp.host,
            link.sftp.port,
            link.sftp.user or self._settings.node.unit,
            self._keyring.ssh_user.to_openssh(),
            tuple(public_blob(key) for key in self._directory.ssh_host_keys(link.peer)),
        )
        deadlines = Deadlines(connect=link.deadlines.connect, idle=link.deadlines.stall, reuse=link.deadlines.idle)
        return SftpTransport.over(_engine(link.sftp.engine), peer, deadlines, self._clock)


def _engine(chosen: SshEngine) -> Engine:
    if chosen is SshEngine.PARAMIKO:
        return ParamikoChannel
    if not is_installed():
        raise PermanentError("ssh-missing", "the link asks for the ssh program", scope=Scope.LINK)
    return OpensshChannel


def _shape(gap: GapSettings) -> Shape:
    return Shape(gap.max_file, gap.ending, Letters(gap.letters), gap.longest, gap.max_files)
