"""What a node has seen of one case, asked as terms ask it: who is who, what answers what, which notices came."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from gateway.domain.answers import STRANGER, WHOLE
from gateway.domain.deadlines import CASE, Answering, SeenPackage
from gateway.domain.ids import TransferId
from gateway.domain.matter import Matter, PersonMatter
from gateway.standard.catalogue import Standard
from gateway.standard.dates import read_when

STAGE_FLOW: Final = "stage-status-notice"
CUSTODY_FLOW: Final = "custody-term-change"
EXTENDED, SUSPENDED, RESUMED, CLOSED = "extended", "suspended", "resumed", "closed"
"""Codes of the stage table (config/codes/tables.yaml) that move or end a term."""
STAGE_CODE: Final = "stage-code"
STAGE_DUE: Final = "stage-due"
BASIS: Final = "extension-basis"
YEARS: Final = range(1900, 2200)
"""Days of other years are no statement."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment that somebody stated. `is_day`: only the day; then `at` is its beginning (local time)."""

    at: datetime
    is_day: bool


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Everything that passed here of one case, oldest first."""

    seen: tuple[SeenPackage, ...]
    standard: Standard
    zone: tzinfo

    def answers(self, request: SeenPackage, position: int, *, interim: bool = True) -> Iterator[SeenPackage]:
        """Return the replies to `request`, or to what took its place, for the person at `position` (CASE: for the
        case), oldest first; with `interim` those too after which the answer itself is still owed."""
        versions = self._versions(request)
        for one in self.seen:
            if any(
                tie.request in versions
                and (interim or not tie.is_interim)
                and _answers_for(tie, versions[tie.request], request, position)
                for tie in one.answering
            ):
                yield one

    def sendings(
        self, flows: Sequence[str], after: SeenPackage, position: int, *, outbound: bool
    ) -> Iterator[SeenPackage]:
        """Return what was sent under one of `flows` since `after` for that person, oldest first."""
        for one in self.seen:
            if (
                one.matter.flow in flows
                and _is_of_side(one, after, outbound=outbound)
                and one.transfer != after.transfer
                and self._follows(one, after)
                and self.concerns(one, after, position, only=True)
            ):
                yield one

    def notices(self, about: SeenPackage, position: int, *, outbound: bool) -> Iterator[SeenPackage]:
        """Return the notices of stage and custody since `about` that came from one side, oldest first."""
        for one in self.seen:
            if (
                one.matter.flow in (STAGE_FLOW, CUSTODY_FLOW)
                and _is_of_side(one, about, outbound=outbound)
                and self._follows(one, about)
                and self.concerns(one, about, position)
            ):
                yield one

    def withdrawal(self, of: SeenPackage) -> SeenPackage | None:
        """Return what withdrew a package; None if nothing did."""
        return next((one for one in self.seen if one.transfer == of.withdrawn), None)

    def concerns(self, one: SeenPackage, of: SeenPackage, position: int, *, only: bool = False) -> bool:
        """Whether `one` is about the person at `position` of `of`. One that names nobody is about the whole case; with
        `only`, about a single person only where there is no other."""
        if position == CASE:
            return True
        if not one.matter.persons:
            return not only or len(of.matter.persons) == 1
        return any(is_same(of.matter.persons[position], other) for other in one.matter.persons)

    def fact(self, name: str, of: SeenPackage, position: int, later: Sequence[SeenPackage] = ()) -> str:
        """Return the newest statement of `name` about that person or the case, in `of` or what came `later`."""
        for one in (*reversed(later), of):
            if value := _stated(one.matter, name, self._person(one, of, position)):
                return value
        return ""

    def moment(self, text: str) -> Moment | None:
        """Return the moment that `text` states (of a span its beginning); None unless it names a day, and one that a
        term can be counted from: `9999-12-31` stands for no day."""
        when = read_when(text.split("/", maxsplit=1)[0])
        if when is None or when.first != when.last or when.first.year not in YEARS:
            return None
        return Moment(datetime.fromisoformat(when.iso).replace(tzinfo=self.zone), "T" not in when.iso)

    def _versions(self, request: SeenPackage) -> dict[TransferId, SeenPackage]:
        """Return a request and what took its place, one after the other: who answers the last answers all."""
        by_id = {one.transfer: one for one in self.seen}
        found = {request.transfer: request}
        following = request.corrected
        while following is not None and following in by_id and following not in found:
            found[following] = by_id[following]
            following = by_id[following].corrected
        return found

    def _follows(self, one: SeenPackage, earlier: SeenPackage) -> bool:
        if one.at < earlier.at:
            return False
        return one.matter.related == earlier.bundle or bool(set(one.matter.numbers) & set(earlier.matter.numbers))

    def _person(self, one: SeenPackage, of: SeenPackage, position: int) -> PersonMatter | None:
        if position == CASE:
            return None
        wanted = of.matter.persons[position]
        if one is of:
            return wanted
        return next((other for other in one.matter.persons if is_same(wanted, other)), None)


def _answers_for(tie: Answering, tied: SeenPackage, request: SeenPackage, position: int) -> bool:
    """Whether what is tied to `tied` answers for the person at `position` of `request`, which `tied` is or corrects."""
    if tie.position == STRANGER or position == CASE:
        return tie.position != STRANGER
    if tie.position == WHOLE:
        return len(request.matter.persons) == 1 or request.matter.per != "person"
    if tied is request:
        return tie.position == position
    return is_same(request.matter.persons[position], tied.matter.persons[tie.position])


def _is_of_side(one: SeenPackage, about: SeenPackage, *, outbound: bool) -> bool:
    """Whether we sent `one`, or (not `outbound`) the unit that `about` was exchanged with: of what it owes no third
    one tells."""
    return one.is_outbound is outbound and (outbound or one.peer == about.peer)


def is_same(one: PersonMatter, other: PersonMatter) -> bool:
    """Whether two rows are one person: by identity number, or by name where one of them has no number."""
    if one.number_key and other.number_key:
        return one.number_key == other.number_key
    return bool(one.name_key) and one.name_key == other.name_key


def _stated(matter: Matter, name: str, person: PersonMatter | None) -> str:
    return (person.fact(name) if person is not None else "") or matter.fact(name)
