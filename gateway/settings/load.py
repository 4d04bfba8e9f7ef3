"""The configuration folder read whole: typed settings, or every complaint of all files at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError

from gateway.domain.ids import RouteName
from gateway.domain.records import Order
from gateway.settings.complaints import Complaint, refusal
from gateway.settings.crosscheck import NOTHING_KNOWN, Known, Placed, Sources, cross_check, precision, strangers
from gateway.settings.explain import WIDE_QUOTES, explain
from gateway.settings.grants import GrantSettings, GrantsFile
from gateway.settings.kinds import ANY, ROSTER, Section
from gateway.settings.links import LinkSettings
from gateway.settings.marks import Document, Trail, read_file
from gateway.settings.node import NodeFile
from gateway.settings.routes import InboundRoute, OutboundRoute, RoutesFile

FILES_MAX = 4096
"""Files in links.d, routes.d or grants.d; a province has some 500 units."""

NODE_FILE = "gateway.yaml"
LINKS_FOLDER = "links.d"
ROUTES_FOLDER = "routes.d"
GRANTS_FOLDER = "grants.d"

S = TypeVar("S", bound=Section)


class Settings(NodeFile):
    """Everything a node is told, checked. Durations in seconds, sizes in bytes, paths absolute."""

    links: tuple[LinkSettings, ...] = Field(default=(), description="links.d, by file name")
    outbound: tuple[OutboundRoute, ...] = Field(default=(), description="outbound routes, by file name and order")
    inbound: tuple[InboundRoute, ...] = Field(default=(), description="inbound routes, the most specific first")
    grants: tuple[GrantSettings, ...] = Field(default=(), description="grants.d, by file name and order")

    def link_to(self, unit: str) -> LinkSettings | None:
        """Return the link to the neighbour `unit`, None if there is none."""
        return next((link for link in self.links if link.peer == unit), None)

    @property
    def orders(self) -> Mapping[RouteName, Order]:
        """The outbound routes that keep an order."""
        return {RouteName(route.name): route.order for route in self.outbound if route.order is not Order.NONE}

    def orderly_links(self) -> list[LinkSettings]:
        """Return the links by which routes that keep an order send."""
        orderly = [route for route in self.outbound if route.name in self.orders]
        units = frozenset().union(*(route.named for route in orderly))
        # Whom the roster or a role stands for may be behind any link.
        is_any = any(ROSTER in route.receivers.values() or route.finds_by_role for route in orderly)
        return [link for link in self.links if link.enabled and (is_any or link.peer in units)]

    def unlinked(self) -> frozenset[str]:
        """Return the units that routes name and that are no neighbours."""
        named: set[str] = {unit for sink in self.inbound for unit in sink.senders if unit != ANY}
        named |= {unit for route in self.outbound for unit in route.named}
        return frozenset(named - {link.peer for link in self.links})

    @property
    def ledger_path(self) -> Path:
        """The ledger's database file."""
        return Path(self.ledger.url.removeprefix("sqlite:///")) if self.ledger.url else self.paths.ledger / "ledger.db"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at a configuration folder gave: settings, or what keeps them from being used."""

    settings: Settings | None
    complaints: tuple[Complaint, ...]
    cautions: tuple[Complaint, ...] = ()
    """What works, or may work one day, and should be looked at."""


def load(config_dir: Path, known: Known = NOTHING_KNOWN, *, beyond: Collection[str] | None = ()) -> Settings:
    """Return the settings in `config_dir` (gateway.yaml, links.d, routes.d, grants.d); may be repeated.

    known: the names that exist, as far as the caller knows them; who names another is complained of. beyond: units that
    can be reached though no link leads to them; None: any may be, nothing is said of them.
    Raises SettingsError (a ConfigError) with the complaints of all files, each `file:line:column: what; what to do`.
    """
    return Reading(config_dir).settings(known, beyond)


def check(
    config_dir: Path,
    known: Known = NOTHING_KNOWN,
    *,
    beyond: Collection[str] | None = (),
    is_cautious: bool = False,
) -> Checked:
    """Return the settings in `config_dir`, or all complaints about them; raises nothing for bad input. See `load`.

    is_cautious: units that cannot be reached are cautions and no complaints: a roster changes from day to day.
    """
    return Reading(config_dir).checked(known, beyond, is_cautious=is_cautious)


class Reading:
    """A configuration folder as it was read once; it may be checked as often as more is known."""

    def __init__(self, config_dir: Path) -> None:
        """Read the folder `config_dir`; raises nothing for bad input."""
        self._folder = config_dir
        self._context = {"base": str(config_dir.absolute())}
        self.sources = Sources()
        self.complaints: list[Complaint] = []
        self._read()

    def settings(self, known: Known, beyond: Collection[str] | None) -> Settings:
        """Return the settings, see `load`; SettingsError with all complaints otherwise."""
        checked = self.checked(known, beyond)
        if checked.settings is None:
            raise refusal(checked.complaints)
        return checked.settings

    def checked(self, known: Known, beyond: Collection[str] | None, *, is_cautious: bool = False) -> Checked:
        """Return the settings, or all complaints about them, see `check`."""
        sources = self.sources
        complaints = [*self.complaints, *cross_check(sources, self._folder, known)]
        unreached = tuple(sorted(strangers(sources, beyond)))
        if not is_cautious:
            complaints += unreached
        if complaints or sources.node is None:
            return Checked(None, tuple(sorted(complaints)))
        node = sources.node.value
        settings = Settings(
            **{name: getattr(node, name) for name in NodeFile.model_fields},
            links=tuple(link.value for link in sources.links),
            outbound=tuple(route.value for route in sources.outbound),
            inbound=tuple(sorted((route.value for route in sources.inbound), key=precision)),
            grants=tuple(grant.value for grant in sources.grants),
        )
        return Checked(settings, (), unreached if is_cautious else ())

    def _read(self) -> None:
        document = read_file(self._folder / NODE_FILE)
        node = self._parsed(document, NodeFile)
        self.sources.node = Placed(node, document) if node else None
        for document in self._documents(LINKS_FOLDER):
            link = self._parsed(document, LinkSettings)
            if link is None:
                self._unread(document)
            else:
                self.sources.links.append(Placed(link, document))
        for document in self._documents(ROUTES_FOLDER):
            self._parsed(document, RoutesFile)
            self.sources.outbound += self._sound(document, "outbound", OutboundRoute)
            self.sources.inbound += self._sound(document, "inbound", InboundRoute)
        for document in self._documents(GRANTS_FOLDER):
            self._parsed(document, GrantsFile)
            self.sources.grants += self._sound(document, "grants", GrantSettings)

    def _unread(self, document: Document) -> None:
        peer = document.value.get("peer") if isinstance(document.value, Mapping) else None
        if peer is None:
            self.sources.all_peers_known = False
        else:
            self.sources.unread_peers.add(document.spot(("peer",)).raw.strip(WIDE_QUOTES))

    def _documents(self, name: str) -> list[Document]:
        folder = self._folder / name
        try:
            names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
        except FileNotFoundError:
            return []
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self.complaints.append(Complaint(str(folder), 1, 1, "file-unreadable", {"reason": reason}))
            return []
        for other in names:
            # `.yml` would silently be left out; backups (`~`, `.bak`, `.rpmsave`) are meant to be.
            if other.casefold().endswith((".yml", ".yaml", ".yaml.txt")) and not other.endswith(".yaml"):
                wanted = other.split(".")[0] + ".yaml"
                self.complaints.append(Complaint(str(folder / other), 1, 1, "file-ending", {"wanted": wanted}))
        chosen = [one for one in names if one.endswith(".yaml")]
        if len(chosen) > FILES_MAX:
            self.complaints.append(Complaint(str(folder), 1, 1, "files-too-many", {"most": str(FILES_MAX)}))
        return [read_file(folder / one) for one in chosen[:FILES_MAX]]

    def _parsed(self, document: Document, model: type[S]) -> S | None:
        self.complaints += document.complaints
        if document.value is None:
            if not document.complaints:
                self.complaints.append(Complaint(document.file, 1, 1, "file-empty"))
            return None
        try:
            return model.model_validate(document.value, context=self._context)
        except ValidationError as error:
            self.complaints += explain(document, model, error)
            return None

    def _sound(self, document: Document, kind: str, model: type[S]) -> list[Placed[S]]:
        """Return the routes or grants without faults, those of a file with a faulty one included."""
        listed = document.value.get(kind) if isinstance(document.value, Mapping) else None
        sound = []
        for position, one in enumerate(listed if isinstance(listed, list) else ()):
            trail: Trail = (kind, position)
            try:
                sound.append(Placed(model.model_validate(one, context=self._context), document, trail))
            except ValidationError:
                continue  # `_parsed` has complained of it
        return sound
