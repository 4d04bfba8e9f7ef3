"""`caseferry check`: walks the start-up path without becoming the daemon, and collects everything that is wrong."""

import errno
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from gateway.compose.checksharing import look_at_grants, look_at_scanner
from gateway.compose.identity import known_names, load_directory, load_keyring, own_standard_complaints, roster_store
from gateway.compose.links import Transports
from gateway.compose.offline import ledger_to_read
from gateway.compose.relaying import check_hub
from gateway.compose.territory import forbidden, unreachable
from gateway.daemon.lock import running_pid
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, GatewayError, PermanentError, Scope, TransientError
from gateway.folders.space import SpaceGuard
from gateway.keyring.keyring import Keyring
from gateway.keyring.passphrase import CREDENTIALS_VARIABLE
from gateway.plugins import load_packer, packer_names
from gateway.roster.directory import Directory
from gateway.roster.glance import SOON_SECONDS as ENDING_SECONDS
from gateway.roster.peers import PREFERENCE, PeerBook
from gateway.roster.store import Trusted
from gateway.settings.complaints import Complaint
from gateway.settings.crosscheck import Known
from gateway.settings.links import TransportKind
from gateway.settings.load import Checked, Settings
from gateway.settings.load import check as check_settings
from gateway.settings.node import ServerMode
from gateway.standard.loading import load_standard, place_of
from gateway.transport.hosted import IN
from gateway.transport.media import media_mailbox

SOON_SECONDS = 30 * 86400
"""Keys that end within this time are told of: renewing them needs a telephone call with every peer."""


class Part(StrEnum):
    """What was looked at."""

    SETTINGS = "settings"
    KEYS = "keys"
    PEERS = "peers"
    ROSTER = "roster"
    FOLDERS = "folders"
    LEDGER = "ledger"
    PACKERS = "packers"
    SPACE = "space"
    SERVER = "server"
    LINKS = "links"
    GRANTS = "grants"
    MALWARE = "malware"


class Grade(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"  # works now; somebody should look
    ERROR = "error"  # keeps the node, a route or a link from working


@dataclass(frozen=True, slots=True)
class Result:
    """One answer. `subject`: the file, folder, peer or link; `error` or `complaint` says what is wrong, if anything."""

    part: Part
    grade: Grade
    subject: str
    error: GatewayError | None = None
    complaint: Complaint | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """What a check works with. `prompt`: asks for the key file's passphrase; None: nobody is there to ask."""

    environ: Mapping[str, str]
    clock: Clock
    prompt: Callable[[], str] | None = None
    probe_links: bool = False


@dataclass(slots=True)
class _Found:
    """What the later checks build on."""

    keyring: Keyring | None = None
    directory: Directory | None = None
    results: list[Result] = field(default_factory=list)

    def ok(self, part: Part, subject: str) -> None:
        self.results.append(Result(part, Grade.OK, subject))

    def error(self, part: Part, subject: str, error: GatewayError) -> None:
        self.results.append(Result(part, Grade.ERROR, subject, error))

    def warn(self, part: Part, subject: str, error: GatewayError) -> None:
        self.results.append(Result(part, Grade.WARNING, subject, error))

    def doubt(self, part: Part, subject: str, error: GatewayError | None) -> None:
        self.results.append(Result(part, Grade.OK if error is None else Grade.WARNING, subject, error))


def check_node(config: Path, means: Means) -> tuple[Result, ...]:
    """Return everything that was looked at, in the order of the start; raises nothing for what is wrong with a node.

    Without settings nothing else can be looked at. Nothing is made or changed.
    """
    checked = _read(config)
    if checked.settings is None:
        return tuple(
            Result(Part.SETTINGS, Grade.ERROR, complaint.place, complaint=complaint) for complaint in checked.complaints
        )
    settings = checked.settings
    found = _Found()
    found.ok(Part.SETTINGS, str(config))
    found.results += [
        Result(Part.SETTINGS, Grade.WARNING, caution.place, complaint=caution) for caution in checked.cautions
    ]
    _rules(settings, found)
    _keys(settings, means, found)
    _peers(settings, means, found)
    _folders(settings, found)
    _ledger(settings, means, found)
    _packers(settings, found)
    _space(settings, found)
    _server(settings, found)
    for subject, error in look_at_grants(settings, means.clock.now()):
        found.doubt(Part.GRANTS, subject, error)
    found.doubt(Part.MALWARE, *look_at_scanner(settings))
    if means.probe_links:
        _links(settings, means, found)
    return tuple(found.results)


def _read(config: Path) -> Checked:
    """Return the settings, checked against what the node's roster knows; what is wrong with the roster itself is said
    where the peers are looked at."""
    first = check_settings(config, Known(packer_names()), beyond=None)
    if (own := own_standard_complaints(config)) or first.settings is None:
        return Checked(None, tuple(sorted((*own, *first.complaints))))
    try:
        directory = load_directory(first.settings)
    except GatewayError:
        return first
    known, reached = known_names(directory, load_standard(place_of(config))), None
    if directory.roster is not None:
        unlinked = first.settings.unlinked()
        reached = unlinked - set(unreachable(first.settings, directory, unlinked))
    return check_settings(config, known, beyond=reached or (), is_cautious=reached is not None)


def _rules(settings: Settings, found: _Found) -> None:
    try:
        directory = load_directory(settings)
    except GatewayError:
        return  # what is wrong with the roster is said where the peers are looked at
    for route, place, flow in forbidden(settings, directory):
        facts: dict[str, str | int] = {"route": route, "rule": place, "flow": flow}
        found.warn(Part.SETTINGS, f"{route} {place}", ConfigError("rule-not-permitted", flow, facts=facts))
    try:
        check_hub(settings, directory)
    except ConfigError as error:
        found.error(Part.SETTINGS, "relay.enabled", error)


def _keys(settings: Settings, means: Means, found: _Found) -> None:
    place = str(settings.paths.keys)
    try:
        keyring = load_keyring(settings, means.environ, means.prompt)
        keyring.signing_keys(means.clock.now())
    except GatewayError as error:
        found.error(Part.KEYS, place, error)
        return
    found.keyring = keyring
    found.ok(Part.KEYS, place)
    if keyring.is_clear and CREDENTIALS_VARIABLE not in means.environ:
        found.warn(Part.KEYS, place, ConfigError("keys-clear", "no passphrase", facts={"path": place}))
    days = _days_left(max(pair.not_after for pair in keyring.pairs), means)
    if days is not None:
        found.warn(Part.KEYS, place, ConfigError("keys-ending", f"{days} days left", facts={"days": days}))


def _peers(settings: Settings, means: Means, found: _Found) -> None:
    try:
        peers = PeerBook.open(settings.paths.peers)
    except GatewayError as error:
        found.error(Part.PEERS, str(settings.paths.peers), error)
        return
    directory = found.directory = Directory(peers, trusted=_roster(settings, means, found))
    for link in settings.links:
        if not link.enabled:
            continue
        try:
            directory.recipient_keys(link.peer, means.clock.now(), PREFERENCE)
            found.ok(Part.PEERS, link.peer)
        except GatewayError as error:
            found.error(Part.PEERS, link.peer, error)
            continue
        days = _days_left(max(directory.key_ends(link.peer), default=0), means)
        if days is not None:
            facts: dict[str, str | int] = {"unit": link.peer, "days": days}
            found.warn(Part.PEERS, link.peer, ConfigError("card-ending", f"{days} days left", facts=facts))
    linked = {link.peer for link in settings.links}
    for peer in peers.peers():
        if peer.unit not in linked and not peer.is_revoked:
            facts = {"unit": peer.unit}
            found.warn(Part.PEERS, peer.unit, ConfigError("peer-unlinked", "a card, but no link", facts=facts))


def _roster(settings: Settings, means: Means, found: _Found) -> Trusted | None:
    """Return the accepted roster, if there is one that can be read."""
    store = roster_store(settings)
    try:
        trusted = store.load()
    except GatewayError as error:
        found.error(Part.ROSTER, str(store.path), error)
        return None
    if trusted is None:
        return None
    subject, left = str(trusted.version), trusted.expires_at - means.clock.now()
    facts: dict[str, str | int] = {"version": trusted.version}
    if left <= 0:
        found.error(Part.ROSTER, subject, ConfigError("roster-expired", "expired", facts=facts))
    elif left < ENDING_SECONDS:
        found.warn(Part.ROSTER, subject, ConfigError("roster-ending", f"{int(left // 86400)} days left", facts=facts))
    else:
        found.ok(Part.ROSTER, subject)
    if settings.node.unit not in trusted.roster.units:
        found.warn(
            Part.ROSTER, subject, ConfigError("roster-without-us", "not listed", facts={"unit": settings.node.unit})
        )
    elif trusted.roster.has_revoked(settings.node.unit, means.clock.now()):
        unit = {"unit": settings.node.unit}
        found.error(Part.ROSTER, subject, ConfigError("own-keys-revoked", "no key of ours counts", facts=unit))
    return trusted


def _days_left(not_after: int, means: Means) -> int | None:
    """Return the whole days until then if they are few, else None."""
    left = not_after - means.clock.now()
    return max(0, int(left // 86400)) if left < SOON_SECONDS else None


def _folders(settings: Settings, found: _Found) -> None:
    paths = settings.paths
    # Where OpenSSH is the server root makes the mailboxes (`caseferry openssh check`).
    mailboxes = () if settings.server.mode is ServerMode.OPENSSH else (paths.mailboxes,)
    for private in (paths.state, paths.spool, paths.quarantine, *mailboxes, paths.ledger, paths.log):
        _private(private, found)
    for outbound in settings.outbound:
        if outbound.enabled:
            _shared(outbound.folder, found, outbound.sentinel)
    for inbound in settings.inbound:
        if inbound.enabled:
            _shared(inbound.folder, found, inbound.sentinel)
    for link in settings.links:
        if link.enabled and link.folder is not None and link.transport is TransportKind.FOLDER:
            for side in (link.folder.deposit, link.folder.collect):
                if side is not None:
                    _shared(side, found, link.folder.sentinel)


def _private(folder: Path, found: _Found) -> None:
    """A folder of ours: the start makes it if it can."""
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        found.error(Part.FOLDERS, str(folder), _denied(nearest))
    else:
        found.ok(Part.FOLDERS, str(folder))


def _shared(folder: Path, found: _Found, sentinel: str | None) -> None:
    """A folder that others fill or empty: it must be there already, or its share is not mounted."""
    if not folder.is_dir():
        found.error(
            Part.FOLDERS,
            str(folder),
            PermanentError("folder-missing", "not there", scope=Scope.ROUTE, facts={"folder": str(folder)}),
        )
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        found.error(Part.FOLDERS, str(folder), _denied(folder))
    elif sentinel is not None and not (folder / sentinel).exists():
        facts = {"folder": str(folder)}
        error = TransientError("mount-missing", f"{sentinel} is not there", scope=Scope.ROUTE, facts=facts)
        found.error(Part.FOLDERS, str(folder), error)
    else:
        found.ok(Part.FOLDERS, str(folder))


def _denied(folder: Path) -> PermanentError:
    return PermanentError("folder-denied", "not writable", scope=Scope.ROUTE, facts={"folder": str(folder)})


def _ledger(settings: Settings, means: Means, found: _Found) -> None:
    place = str(settings.ledger_path)
    try:
        with closing(ledger_to_read(settings, means.clock)) as ledger:
            ledger.check()
    except GatewayError as error:
        # A node that was never started has none, and one of an older program is brought up to date by the start.
        report = found.warn if error.code in ("ledger-missing", "ledger-older") else found.error
        report(Part.LEDGER, place, error)
    else:
        found.ok(Part.LEDGER, place)


def _packers(settings: Settings, found: _Found) -> None:
    named = {route.packer for route in settings.outbound} | {route.packer for route in settings.inbound}
    for name in sorted(named):
        try:
            load_packer(name)
            found.ok(Part.PACKERS, name)
        except GatewayError as error:
            found.error(Part.PACKERS, name, error)


def _space(settings: Settings, found: _Found) -> None:
    spool = settings.paths.spool
    nearest = next(path for path in (spool, *spool.parents) if path.is_dir())
    try:
        SpaceGuard(nearest, floor_bytes=settings.limits.free_space).may_accept(0)
        found.ok(Part.SPACE, str(spool))
    except TransientError as error:
        found.warn(Part.SPACE, str(spool), error)
    except GatewayError as error:
        found.error(Part.SPACE, str(spool), error)


def _server(settings: Settings, found: _Found) -> None:
    server = settings.server
    if not server.enabled:
        return
    place = f"{server.listen}:{server.port}"
    if server.mode is ServerMode.OPENSSH or running_pid(settings.paths.state) is not None:
        found.ok(Part.SERVER, place)
        return
    family = socket.AF_INET6 if ":" in server.listen else socket.AF_INET
    try:
        socket.create_server((server.listen, server.port), family=family).close()
        found.ok(Part.SERVER, place)
    except OSError as error:
        found.error(Part.SERVER, place, _unbindable(error, server.listen, server.port))


def _unbindable(error: OSError, address: str, port: int) -> ConfigError:
    facts: dict[str, str | int] = {"address": address, "port": port}
    said = error.strerror or type(error).__name__
    if error.errno == errno.EADDRINUSE:
        return ConfigError("port-taken", said, scope=Scope.NODE, facts=facts)
    if error.errno == errno.EADDRNOTAVAIL:
        return ConfigError("address-foreign", said, scope=Scope.NODE, facts=facts)
    return ConfigError("port-denied", said, scope=Scope.NODE, facts=facts)


# -- live links -------------------------------------------------------------------------------------------------------


def _links(settings: Settings, means: Means, found: _Found) -> None:
    if found.keyring is None or found.directory is None:
        return  # an error above says why
    transports = Transports(settings, found.keyring, found.directory, means.clock)
    for link in settings.links:
        if not link.enabled:
            continue
        try:
            # Mailboxes of ours are made at the start; making one here could leave it to the wrong account.
            is_made = not link.hosts_mailbox or (settings.paths.mailboxes / link.peer / IN).is_dir()
            if link.transport is TransportKind.MEDIA:
                is_made = (media_mailbox(settings.paths.state, link.name) / IN).is_dir()
            transport = transports.to(link) if is_made else transports.remote(link)
            if transport is None:
                continue
            with closing(transport):
                transport.probe()
            found.ok(Part.LINKS, link.name)
        except GatewayError as error:
            found.error(Part.LINKS, link.name, error)
