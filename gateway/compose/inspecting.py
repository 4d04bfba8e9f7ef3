"""What would happen to one export: read by its packer, checked, and resolved against a route, without moving a byte."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.bundle.streams import silent
from gateway.bundle.suites import DEFAULT_SUITE
from gateway.compose.identity import load_directory
from gateway.compose.offline import ledger_to_read, missing
from gateway.compose.sharing import grants_of
from gateway.compose.territory import outbound_route, survey_territory, way_to
from gateway.domain.clock import SystemClock
from gateway.domain.errors import ConfigError, GatewayError, Scope
from gateway.domain.ids import UnitCode
from gateway.folders import disk
from gateway.folders.entries import look
from gateway.packing import Candidate, Entry, Reading, Settled, checked
from gateway.plugins import load_packer, packer_names
from gateway.roster.peers import PREFERENCE
from gateway.settings.load import Settings
from gateway.settings.routes import OutboundRoute as RouteSettings
from gateway.stages.contents import read_content
from gateway.stages.pack_work import examined
from gateway.stages.routing import Decision, Territory, decide
from gateway.stages.sharing import Rulebook, leaving
from gateway.stages.sides import context_of
from gateway.standard.business import business_key, is_of_case, same_content
from gateway.standard.catalogue import Standard
from gateway.standard.checking import Context
from gateway.standard.dates import day_at, day_of_export
from gateway.standard.findings import Finding, Place, Verdict, masked, worst
from gateway.standard.loading import load_standard, place_of
from gateway.standard.package import CasePackage, Withheld
from gateway.standard.profiles import FULL
from gateway.standard.pseudonyms import KEY_BYTES, PseudonymKey

_NOBODYS = PseudonymKey(bytes(KEY_BYTES))
"""Nothing that is made with it leaves: only its shape is shown."""

GENERIC = "folder"
"""The packer that takes anything; asked last."""

_ID_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[0-9Xx]|\d{15})(?![0-9A-Za-z])")
_SECRET = frozenset({"id_no", "phone"})
"""Last names of fields that are shown in part only, whatever they hold."""
_STEP = re.compile(r"([a-z_]+)(?:\[(\d+)\])?")
_PLAIN = (
    "business",
    "business_name",
    "sender_code",
    "sender_name",
    "receiver_code",
    "receiver_name",
    "case_no",
    "case_name",
)
"""What is shown of an export whose packer says of no value where it stood."""


@dataclass(frozen=True, slots=True)
class FieldRead:
    """One value that the packer found. `label`: as its handlers call it; identity numbers are masked in `value`."""

    name: str
    label: str
    value: str
    file: str = ""
    line: int = 0
    leaves: str = ""
    """How it would leave; the same as `value` where nothing is masked."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """The answer. `size`: bytes of all members together.

    decision: where it goes, the recipient first, then copies; None where no route was asked.
    """

    export: str
    packer: str
    route: str | None
    decision: Decision | None
    ways: Mapping[UnitCode, tuple[UnitCode, ...]]
    """Recipient -> the units on the way to it by the roster, both ends included; empty where it is a neighbour."""
    package: CasePackage
    fields: tuple[FieldRead, ...]
    members: int
    size: int
    findings: tuple[Finding, ...]
    profile: str = FULL
    """The masking profile by which it would leave."""
    withheld: tuple[Withheld, ...] = ()
    """Documents that would stay here."""

    @property
    def verdict(self) -> Verdict:
        """The gravest answer of all findings."""
        return worst(self.findings)


def inspect_export(
    export: Path, settings: Settings | None, config: Path | None = None, *, packer: str = "", route: str = ""
) -> Inspection:
    """Return what the daemon would find in `export`, which is only read; may be repeated.

    config: the node's configuration folder, which may hold a standard of its own.
    packer: its name; else that of the route, else the first installed packer that takes an entry of this name.
    route:  its name; else the one whose outbound folder holds the export, if there is one.
    Raises PermanentError `file-not-there`, `entry-unsafe`, `export-too-many-files`, ConfigError `packer-unknown`,
    `packer-broken`, `route-unknown`, TransientError `local-io`.
    """
    path = export.absolute()
    chosen = _route(path, settings, route)
    entries = _entries(path)
    now = SystemClock().now()
    whole, today = load_standard(place_of(config)), day_at(now)
    name = packer or (chosen.packer if chosen else "") or _packer_for(path, entries, whole.on(today))
    candidate = _candidate(name, path.name, entries)
    parts = [path.parent / part for part in candidate.parts]
    with disk.mapped(path.parent), load_packer(name).read(parts, whole.on(today)) as read:
        standard = whole.on(day_of_export(read.package.exported_at, today), today)
        decision, ways, left = None, {}, None
        if settings is None or chosen is None:
            reading = checked(read, standard, Context(today=today))
            findings = reading.findings
        else:
            territory, by = _territory(settings, whole), outbound_route(chosen)
            decision = decide(by, territory, read.package.flow, read.package.receiver_code, now)
            reading = checked(read, standard, context_of(decision, territory, now))
            findings = examined(reading, decision)
            left = leaving(
                reading,
                findings,
                decision,
                route=by,
                territory=territory,
                standard=standard,
                rulebook=Rulebook(grants_of(settings.grants), _NOBODYS),
                at=now,
                progress=silent,
            )
            findings = (*findings, *left.findings)
            ways = {one.unit: way_to(settings, territory, one) for one in decision.recipients}
            if decision.choices and worst(findings) is not Verdict.REJECT:
                findings += _compared(reading, chosen.name, decision.recipients[0].unit, settings, standard)
        return Inspection(
            export=candidate.name,
            packer=name,
            route=chosen.name if chosen else None,
            decision=decision,
            ways=ways,
            package=reading.package,
            fields=tuple(_fields(reading.package, left.package if left is not None else reading.package)),
            members=len(reading.members),
            size=sum(member.size for member in reading.members),
            findings=(*_unfinished(candidate, entries), *findings),
            profile=left.profile.code if left is not None else FULL,
            withheld=left.package.withheld if left is not None else (),
        )


def guarded(text: str) -> str:
    """Return `text` with every identity number in it masked."""
    return _ID_NUMBER.sub(lambda match: masked(match[0]), text)


def _route(path: Path, settings: Settings | None, wanted: str) -> RouteSettings | None:
    routes = settings.outbound if settings is not None else ()
    if not wanted:
        return next((one for one in routes if one.folder.absolute() == path.parent), None)
    for one in routes:
        if one.name == wanted:
            return one
    known = ", ".join(one.name for one in routes) or "-"
    raise ConfigError(
        "route-unknown", f"no outbound route {wanted}", scope=Scope.ROUTE, facts={"route": wanted[:60], "known": known}
    )


def _entries(path: Path) -> list[Entry]:
    """Return the export as a scan would see it, with what stands beside it under its name and more (a mark)."""
    if not disk.exists(path):
        raise missing(path)
    with disk.mapped(path.parent):
        folded = path.name.casefold()
        beside = [one for one in path.parent.iterdir() if _belongs(one.name.casefold(), folded)]
        return [look(one) for one in sorted(beside)]


def _belongs(name: str, export: str) -> bool:
    """Whether an entry may be part of the export: its name and more, less, or with another ending (a table's mark)."""
    stem = export.rpartition(".")[0]
    same = bool(stem) and name.rpartition(".")[0] == stem
    return same or name == export or name.startswith(export + ".") or export.startswith(name + ".")


def _packer_for(path: Path, entries: Sequence[Entry], standard: Standard) -> str:
    """Return the packer that takes an export of this name. Of a folder, which several would take: who understands it,
    else who finds its own completion mark on it."""
    claims: dict[str, Candidate] = {}
    for name in sorted(packer_names(), key=lambda one: (one == GENERIC, one)):
        if own := [one for one in load_packer(name).candidates(entries) if path.name in one.parts]:
            claims[name] = own[0]
    if not path.is_dir():
        return next(iter(claims), GENERIC)
    for name, one in claims.items():
        with load_packer(name).read([path.parent / part for part in one.parts], standard) as reading:
            if reading.is_understood:
                return name
    return next((name for name, one in claims.items() if one.settled is Settled.COMPLETE), GENERIC)


def _candidate(packer: str, export: str, entries: Sequence[Entry]) -> Candidate:
    """Return the candidate that holds the export; what the packer passes over is read as it stands, to say why."""
    for one in load_packer(packer).candidates(entries):
        if export in one.parts:
            return one
    return Candidate(export, (export,), Settled.STABLE)


def _unfinished(candidate: Candidate, entries: Sequence[Entry]) -> tuple[Finding, ...]:
    """Return why the daemon would wait: the completion mark is missing."""
    if candidate.settled is not Settled.INCOMPLETE:
        return ()
    is_folder = any(entry.is_folder for entry in entries if entry.name == candidate.name)
    place = Place(file=candidate.name)
    if is_folder:
        return (Finding("FS-INCOMPLETE", Verdict.WAIT, place, mender="vendor"),)
    return (Finding("FS-NO-MARKER", Verdict.WAIT, place, mender="vendor"),)


def _compared(
    reading: Reading, route: str, recipient: UnitCode, settings: Settings, standard: Standard
) -> tuple[Finding, ...]:
    """Return what the node's ledger knows of an export like this; nothing where there is no ledger that may be read."""
    from gateway.stages.repeats import different, sent_time

    key = business_key(reading.package, recipient, route, standard)
    name = reading.package.source.name
    try:
        with ledger_to_read(settings, SystemClock()) as ledger:
            last = ledger.last_sent(key)
            if last is None:
                return ()
            if last.content_hash == read_content(reading.members, DEFAULT_SUITE, silent):
                return (same_content(name, sent_time(ledger, last), last.bundle_id or "-"),)
            return (different(ledger, last, name),) if is_of_case(key) else ()
    except GatewayError as error:
        if error.code.startswith("ledger-"):
            return ()
        raise


def _territory(settings: Settings, standard: Standard) -> Territory:
    """Return what routing knows: a receiver without a card is one still, whose exports wait."""
    return survey_territory(settings, load_directory(settings), PREFERENCE, SystemClock().now(), standard=standard)


def _fields(package: CasePackage, left: CasePackage) -> Iterator[FieldRead]:
    for origin in package.origins:
        value = _value(package, origin.value)
        if value:
            leaves = _value(left, origin.value, package)
            shown = _shown(origin.value, value)
            # What is shown here is guarded anyway: only what masking changed is shown as it leaves.
            after = shown if leaves == value else leaves
            yield FieldRead(origin.value, origin.label, shown, origin.file, origin.line, after)
    if not package.origins:
        for name in _PLAIN:
            value = str(getattr(package, name))
            if value:
                leaves = str(getattr(left, name))
                yield FieldRead(
                    name, "", _shown(name, value), leaves=_shown(name, value) if leaves == value else leaves
                )


def _shown(name: str, value: str) -> str:
    return masked(value) if name.rpartition(".")[2] in _SECRET else guarded(value)


def _value(package: CasePackage, name: str, whole: CasePackage | None = None) -> str:
    """Return the value called e.g. `persons[0].id_no`; empty if there is none of that name.

    whole: the case package of which `package` is what leaves: a list that has lost rows has none of the same name.
    """
    found: object = package
    beside: object = package if whole is None else whole
    for step in name.split("."):
        match = _STEP.fullmatch(step)
        if match is None:
            return ""
        found, beside = getattr(found, match[1], ""), getattr(beside, match[1], "")
        if match[2] is not None:
            if isinstance(found, tuple) and isinstance(beside, tuple) and len(found) != len(beside):
                return ""
            beside = beside[int(match[2])] if isinstance(beside, tuple) and int(match[2]) < len(beside) else ""
            found = found[int(match[2])] if isinstance(found, tuple) and int(match[2]) < len(found) else ""
    return str(found) if isinstance(found, str | int) else ""
