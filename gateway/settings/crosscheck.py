"""What no single key shows: names used twice, units without a link, folders that contain each other."""

import ipaddress
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, TypeVar

from gateway.domain.records import Order
from gateway.settings.complaints import Complaint, misspelling
from gateway.settings.crossgrants import check_grants, check_profiles
from gateway.settings.crosslinks import boundary, outward
from gateway.settings.crossrules import check_rules, named_units
from gateway.settings.grants import GrantSettings
from gateway.settings.kinds import ANY, Section
from gateway.settings.links import Initiate, LinkSettings, TransportKind
from gateway.settings.marks import Document, Trail
from gateway.settings.node import NodeFile, ServerMode
from gateway.settings.quantities import show_duration, show_size
from gateway.settings.routes import InboundRoute, OutboundRoute

S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True)
class Placed(Generic[S]):
    """A part of the settings and where it was written."""

    value: S
    document: Document
    trail: Trail = ()

    def at(self, *steps: str | int) -> Trail:
        """Return the trail of something below this part."""
        return (*self.trail, *steps)

    def place(self, *steps: str | int) -> str:
        """Return `file:line:column` of something below this part."""
        return self.document.place(self.at(*steps))


@dataclass(slots=True)
class Sources:
    """All parts that could be read."""

    node: Placed[NodeFile] | None = None
    links: list[Placed[LinkSettings]] = field(default_factory=list)
    outbound: list[Placed[OutboundRoute]] = field(default_factory=list)
    inbound: list[Placed[InboundRoute]] = field(default_factory=list)
    grants: list[Placed[GrantSettings]] = field(default_factory=list)
    all_peers_known: bool = True
    """False when a link file is so broken that its peer is unknown: routes must not be blamed for that."""
    unread_peers: set[str] = field(default_factory=set)
    """What faulty link files name as their peer."""


@dataclass(frozen=True, slots=True)
class Known:
    """The names that exist, where the caller knows them: what names another is complained of. None: not known."""

    packers: Collection[str] | None = None
    flows: Collection[str] | None = None
    roles: Collection[str] | None = None
    fields: Collection[str] | None = None
    profiles: Collection[str] | None = None


NOTHING_KNOWN: Final = Known()


def cross_check(sources: Sources, config_dir: Path, known: Known) -> Iterator[Complaint]:
    """Yield every complaint that takes more than one value to see."""
    yield from _node(sources)
    yield from _links(sources)
    yield from _names(sources.links)
    yield from _names([*sources.outbound, *sources.inbound])
    yield from _own(sources)
    yield from _outward(sources)
    yield from _known(sources, known)
    for route in sources.outbound:
        yield from check_rules(route, known.flows, known.roles)
        yield from check_profiles(route, known)
    yield from check_grants(sources.grants, known)
    yield from _ambiguous(sources.inbound)
    yield from _folders(sources, config_dir)


def _node(sources: Sources) -> Iterator[Complaint]:
    if sources.node is None:
        return
    value, document = sources.node.value, sources.node.document
    timing, limits, server = value.timing, value.limits, value.server
    if timing.retry_most < timing.retry_first:
        yield document.at_value(
            ("timing", "retry_most"),
            "order-wrong",
            text=show_duration(timing.retry_most),
            other="timing.retry_first",
            value=show_duration(timing.retry_first),
        )
    if timing.clock_skew_hold < timing.clock_skew_warn:
        yield document.at_value(
            ("timing", "clock_skew_hold"),
            "order-wrong",
            text=show_duration(timing.clock_skew_hold),
            other="timing.clock_skew_warn",
            value=show_duration(timing.clock_skew_warn),
        )
    yield from _malware(value, document)
    paths = value.paths
    if server.mode is ServerMode.OPENSSH and paths.mailboxes.is_relative_to(paths.state):
        yield document.at_value(("server", "mode"), "mailboxes-inside", path=str(paths.mailboxes))
    if server.enabled and server.quota < limits.bundle:
        yield document.at_value(
            ("server", "quota"),
            "order-wrong",
            text=show_size(server.quota),
            other="limits.bundle",
            value=show_size(limits.bundle),
        )


def _malware(value: NodeFile, document: Document) -> Iterator[Complaint]:
    scanner = value.malware
    if scanner is None:
        return
    if (scanner.socket is None) == (scanner.port is None):
        yield document.at_key(("malware",), "scanner-place")
    if not ipaddress.ip_address(scanner.address).is_loopback:
        yield document.at_value(("malware", "address"), "scanner-far", text=scanner.address)


def _links(sources: Sources) -> Iterator[Complaint]:
    node = sources.node.value if sources.node else None
    by_peer: dict[str, str] = {}
    for link in sources.links:
        value, document = link.value, link.document
        yield from _sections(link)
        yield from boundary(value, document, link.trail)
        if value.peer in by_peer:
            yield document.at_value(link.at("peer"), "peer-twice", unit=value.peer, other=by_peer[value.peer])
        by_peer.setdefault(value.peer, link.place("peer"))
        if node is None:
            continue
        if value.peer == node.node.unit:
            yield document.at_value(link.at("peer"), "unit-own", unit=value.peer)
        if value.hosts_mailbox and value.enabled and not node.server.enabled:
            yield document.at_value(link.at("initiate"), "server-needed")
        if (
            value.sftp
            and node.server.enabled
            and (value.sftp.host, value.sftp.port)
            == (
                node.server.listen,
                node.server.port,
            )
        ):
            yield document.at_value(link.at("sftp", "host"), "server-itself")


def _sections(link: Placed[LinkSettings]) -> Iterator[Complaint]:
    value, document = link.value, link.document
    if value.transport is not TransportKind.MEDIA and value.media is not None:
        yield document.at_key(link.at("media"), "section-idle", section="media", why=f"transport {value.transport}")
    if value.transport is TransportKind.MEDIA:
        yield from _media(link)
        return
    if value.transport is TransportKind.FOLDER:
        why = "transport folder"
        wanted, idle = "folder", "sftp"
        if value.initiate is not Initiate.BOTH:
            yield document.at_value(link.at("initiate"), "initiate-folder", text=value.initiate)
    elif value.initiate is Initiate.NONE:
        why, wanted, idle = "transport sftp and initiate none", "", "folder"
        if value.sftp is not None:
            yield document.at_key(link.at("sftp"), "section-idle", section="sftp", why="initiate none")
    else:
        why, wanted, idle = "transport sftp", "sftp", "folder"
    if wanted and getattr(value, wanted) is None:
        yield document.at_key(link.at("transport"), "section-wanted", section=wanted, why=why)
    if getattr(value, idle) is not None:
        yield document.at_key(link.at(idle), "section-idle", section=idle, why=why)


def _media(link: Placed[LinkSettings]) -> Iterator[Complaint]:
    value, document = link.value, link.document
    if value.initiate is not Initiate.BOTH:
        yield document.at_value(link.at("initiate"), "initiate-folder", text=value.initiate)
    for section in ("sftp", "folder"):
        if getattr(value, section) is not None:
            yield document.at_key(link.at(section), "section-idle", section=section, why="transport media")


def _names(parts: Iterable[Placed[LinkSettings] | Placed[OutboundRoute] | Placed[InboundRoute]]) -> Iterator[Complaint]:
    seen: dict[str, str] = {}
    for part in parts:
        name = part.value.name
        if name in seen:
            yield part.document.at_value(part.at("name"), "name-twice", name=name, other=seen[name])
        seen.setdefault(name, part.place("name"))


def _named(sources: Sources) -> Iterator[tuple[Document, Trail, str]]:
    for route in sources.outbound:
        yield from ((route.document, trail, unit) for trail, unit in named_units(route))
    for sink in sources.inbound:
        yield from ((sink.document, sink.at("senders", i), unit) for i, unit in enumerate(sink.value.senders))


def _own(sources: Sources) -> Iterator[Complaint]:
    own = sources.node.value.node.unit if sources.node else None
    for document, trail, unit in _named(sources):
        if unit == own:
            yield document.at_value(trail, "unit-own", unit=unit)


def strangers(sources: Sources, beyond: Collection[str] | None) -> Iterator[Complaint]:
    """Yield what is said of units to which no link leads and that are not `beyond` one; None: nothing."""
    if beyond is None or not sources.all_peers_known:
        return
    linked = {str(link.value.peer) for link in sources.links} | sources.unread_peers
    own = {str(sources.node.value.node.unit)} if sources.node else set()
    for document, trail, unit in _named(sources):
        if unit != ANY and unit not in linked | own and unit not in beyond:
            code, facts = misspelling("unit-unlinked", unit, sorted(linked))
            yield document.at_value(trail, code, **facts)


def _outward(sources: Sources) -> Iterator[Complaint]:
    links = {str(link.value.peer): link.value for link in sources.links}
    for route in sources.outbound:
        keeps_order = route.value.order is not Order.NONE
        for trail, unit in named_units(route):
            said = outward(links, unit, keeps_order=keeps_order, route=route.value.name)
            if said is not None:
                yield route.document.at_value(trail, said[0], **said[1])


def _known(sources: Sources, known: Known) -> Iterator[Complaint]:
    packers, flows = known.packers, known.flows
    routes: list[Placed[OutboundRoute] | Placed[InboundRoute]] = [*sources.outbound, *sources.inbound]
    for route in routes:
        packer = route.value.packer
        if packers is not None and packer not in packers:
            code, facts = misspelling("packer-unknown", packer, sorted(packers))
            yield route.document.at_value(route.at("packer"), code, **facts)
        for position, flow in enumerate(route.value.flows):
            if flows is not None and flow != ANY and flow not in flows:
                code, facts = misspelling("flow-unknown", flow, sorted(flows))
                yield route.document.at_value(route.at("flows", position), code, **facts)


def precision(route: InboundRoute) -> tuple[bool, bool]:
    """Sort key that puts named senders before any sender, then named flows before any flow."""
    return ANY in route.senders, ANY in route.flows


def _ambiguous(inbound: Iterable[Placed[InboundRoute]]) -> Iterator[Complaint]:
    taken: dict[tuple[str, str], Placed[InboundRoute]] = {}
    for route in inbound:
        any_sender, any_flow = precision(route.value)
        rivals: dict[str, Placed[InboundRoute]] = {}
        for sender in (ANY,) if any_sender else route.value.senders:
            for flow in (ANY,) if any_flow else route.value.flows:
                first = taken.setdefault((sender, flow), route)
                if first is not route:
                    rivals[first.value.name] = first
        for rival in rivals.values():
            yield route.document.at_value(
                route.trail, "route-ambiguous", name=rival.value.name, other=rival.place("name")
            )


@dataclass(frozen=True, slots=True)
class _Use:
    path: Path
    document: Document
    trail: Trail
    shareable: str = ""
    """Two uses with the same word here may be the same folder."""

    def place(self) -> str:
        return self.document.place(self.trail)


def _folders(sources: Sources, config_dir: Path) -> Iterator[Complaint]:
    private = list(_private(sources))
    public = list(_public(sources))
    seen: dict[str, _Use] = {}
    kept: list[tuple[str, _Use]] = []
    for use in [*private, *public]:
        real = os.path.realpath(use.path)
        earlier = seen.get(real)
        if earlier is None:
            seen[real] = use
            kept.append((real, use))
        elif not (use.shareable and use.shareable == earlier.shareable):
            yield use.document.at_value(use.trail, "folder-twice", other=earlier.place())
    ours = [os.path.realpath(config_dir)]
    if sources.node:
        ours.append(os.path.realpath(sources.node.value.paths.state))
    holders = set()
    for use in public:
        real_use = os.path.realpath(use.path)
        for real in ours:
            if Path(real).is_relative_to(real_use):
                holders.add(real_use)
                yield use.document.at_value(use.trail, "folder-holds", path=real)
    for real, use in kept:
        outer = next((str(parent) for parent in Path(real).parents if str(parent) in seen), None)
        # Who holds paths.state holds all below it: said once.
        if outer is not None and outer not in holders:
            yield use.document.at_value(use.trail, "folder-nested", other=seen[outer].place())


def _private(sources: Sources) -> Iterator[_Use]:
    if sources.node is None:
        return
    paths = sources.node.value.paths
    for name in type(paths).model_fields:
        if name != "state":
            yield _Use(getattr(paths, name), sources.node.document, ("paths", name))


def _public(sources: Sources) -> Iterator[_Use]:
    for route in sources.outbound:
        yield _Use(route.value.folder, route.document, route.at("folder"))
    for sink in sources.inbound:
        # Several routes may deliver side by side as long as one packer names what lies there.
        yield _Use(sink.value.folder, sink.document, sink.at("folder"), f"inbound {sink.value.packer}")
    for link in sources.links:
        if link.value.folder is not None:
            for side in ("deposit", "collect"):
                if (path := getattr(link.value.folder, side)) is not None:
                    yield _Use(path, link.document, link.at("folder", side))
