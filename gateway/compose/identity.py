"""What a node is before it runs: its settings, keys, peers and ledger, opened from the configuration folder."""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.clock import Clock
from gateway.keyring.keyring import Keyring
from gateway.keyring.passphrase import CREDENTIALS_VARIABLE, passphrase_source
from gateway.ledger.store import Ledger
from gateway.plugins import packer_names
from gateway.roster.content import ANY
from gateway.roster.directory import Directory
from gateway.roster.glance import FOLDER
from gateway.roster.peers import PeerBook
from gateway.roster.store import RosterStore
from gateway.settings.complaints import Complaint, refusal
from gateway.settings.crosscheck import Known
from gateway.settings.load import Reading, Settings, load
from gateway.standard.catalogue import Standard
from gateway.standard.loading import FOLDERS, StandardPlace, load_standard, place_of
from gateway.standard.package import UNCLASSIFIED
from gateway.standard.pseudonyms import PseudonymKey


@dataclass(frozen=True, slots=True)
class Identity:
    """A node's configuration and trust, read together so that a reload swaps them together."""

    settings: Settings
    keyring: Keyring
    directory: Directory
    standard: StandardPlace
    """The exchange standard: the packaged one, and what the configuration folder puts in its place."""

    @property
    def pseudonyms(self) -> PseudonymKey:
        """The secret behind the pseudonyms of persons."""
        return PseudonymKey(self.keyring.pseudonyms)


def load_settings(config: Path) -> Settings:
    """Return the settings in `config`, checked as far as that goes without a roster: units to which no link leads are
    let pass. ConfigError with every complaint otherwise."""
    return load(config, Known(packer_names()), beyond=None)


def load_keyring(settings: Settings, environ: Mapping[str, str], prompt: Callable[[], str] | None = None) -> Keyring:
    """Return the node's keys from its systemd credential or its key file; ConfigError otherwise."""
    folder = environ.get(CREDENTIALS_VARIABLE)
    return Keyring.load(
        settings.paths.keys,
        passphrase_source(environ, prompt),
        credentials=Path(folder) if folder else None,
    )


def load_identity(config: Path, environ: Mapping[str, str], prompt: Callable[[], str] | None = None) -> Identity:
    """Return everything that a start or a reload reads, whole or not at all."""
    reading = Reading(config)
    known = Known(packer_names())
    if own := own_standard_complaints(config):
        raise refusal([*own, *reading.checked(known, None).complaints])
    directory = load_directory(reading.settings(known, None))
    # With a roster whom no link leads to today may be reached tomorrow: its exports wait, and `check` says so.
    place = place_of(config)
    known = known_names(directory, load_standard(place))
    settings = reading.settings(known, () if directory.roster is None else None)
    return Identity(settings, load_keyring(settings, environ, prompt), directory, place)


def own_standard_complaints(config: Path) -> tuple[Complaint, ...]:
    """Return what is wrong with the files of the exchange standard in `config`; few nodes have any."""
    if not any((config / kind).exists() for kind in FOLDERS):
        return ()
    # Start-up cost: the models of all those files.
    from gateway.settings.standard_reading import check_own_standard

    return check_own_standard(config).complaints


def known_names(directory: Directory, standard: Standard) -> Known:
    """Return the names of packers and of the exchange standard, and the flows and roles that the node's roster
    has besides."""
    flows = {UNCLASSIFIED, *standard.names()}
    roles = set(standard.roles)
    if directory.roster is not None:
        content = directory.roster.content
        flows |= {one.flow for one in content.permissions} | {one.flow for one in content.classes if one.flow}
        roles |= {one.role for one in content.units}
    return Known(
        packers=packer_names(),
        flows=frozenset(flows - {ANY}),
        roles=frozenset(roles),
        fields=frozenset(standard.fields),
        profiles=frozenset(standard.profiles),
    )


def roster_store(settings: Settings) -> RosterStore:
    """Return the place of the node's roster."""
    return RosterStore(settings.paths.state / FOLDER)


def load_directory(settings: Settings) -> Directory:
    """Return whom the node trusts: its confirmed peers, and the roster, if it was given one. ConfigError otherwise."""
    return Directory(PeerBook.open(settings.paths.peers), trusted=roster_store(settings).load())


def open_ledger(settings: Settings, clock: Clock, *, read_only: bool = False) -> Ledger:
    """Return the node's ledger; made if it is not there, unless `read_only`."""
    return Ledger.open(
        settings.ledger_path, unit=settings.node.unit, clock=clock, new_epoch=new_epoch, read_only=read_only
    )


def new_epoch() -> int:
    """Draw the epoch of a new or restored node: random, so that no two lives of a node share one."""
    return secrets.randbits(52) + 1


def new_umask() -> None:
    """Let nothing this process makes be readable by others unless it says so."""
    os.umask(0o077)
