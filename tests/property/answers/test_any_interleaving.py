"""However requests, replies, corrections and withdrawals interleave, they end in the same ties."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.answers import Kind
from gateway.domain.matter import Matter
from gateway.ledger.store import Ledger
from tests.support.answers import comes, goes, reply, request, view_of
from tests.support.examples import examples
from tests.support.ledger import UNIT, ToldClock, bundle

NAMES = "张王李赵钱孙"


@dataclass(frozen=True)
class Happening:
    """One bundle that is sealed or delivered. number: of its export or bundle; corrects: the bundle it replaces."""

    number: int
    is_ours: bool
    matter: Matter
    corrects: int | None = None


@st.composite
def cases(draw: st.DrawFn) -> list[Happening]:
    """Draw some cases, each with one or two requests for other persons, and whatever answers them."""
    found: list[Happening] = []

    def add(matter: Matter, *, is_ours: bool, corrects: int | None = None) -> int:
        found.append(Happening(len(found) + 1, is_ours, matter, corrects))
        return len(found)

    for case in range(draw(st.integers(1, 2))):
        names = [f"{name}{case}" for name in NAMES]
        has_numbers = draw(st.booleans())
        numbers = (f"A{case}",) if has_numbers else ()
        half = draw(st.integers(1, 4))
        for group in (names[:half], names[half:][: draw(st.integers(0, 2))]):
            if not group:
                continue
            asked = add(request(*group, numbers=numbers), is_ours=True)
            if draw(st.booleans()):
                asked = add(request(*group, numbers=numbers), is_ours=True, corrects=asked)
            for name in group:
                for kind in draw(st.lists(st.sampled_from(Kind), max_size=2, unique=True)):
                    related = bundle(asked) if draw(st.booleans()) else ""
                    said = reply(name, numbers=numbers, kind=kind, result=kind.value, related=related)
                    answer = add(said, is_ours=False)
                    match draw(st.sampled_from(("nothing", "nothing", "correct", "withdraw"))):
                        case "correct":
                            add(reply(name, numbers=numbers, kind=kind, result="other"), is_ours=False, corrects=answer)
                        case "withdraw":
                            add(Matter("package-withdrawal", related=bundle(answer)), is_ours=False)
    return found


def ends(ledger: Ledger, order: Sequence[Happening]) -> list[object]:
    """Let it all happen in this order; return the ties as somebody sees them who knows bundles only."""
    transfers = {
        one.number: (goes if one.is_ours else comes)(ledger, one.number, one.matter, corrects=one.corrects)
        for one in order
    }
    numbers = {transfer.id: number for number, transfer in transfers.items()}
    found: list[object] = []
    for number, transfer in sorted(transfers.items()):
        if ledger.answers.of_request(transfer.id) is None:
            continue
        view = view_of(ledger, transfer)
        its = sorted((numbers[a.reply], a.position, a.kind, a.result, a.void) for a in view.answers)
        standing = [(one.shown, one.answer and (one.answer.kind, one.answer.result)) for one in view.persons]
        corrected = view.asked.corrected and numbers[view.asked.corrected]
        found.append((number, view.asked.open, corrected, its, standing))
    return found


def check(happenings: list[Happening], other: Sequence[Happening]) -> None:
    """Let the same happen in two orders, in two ledgers, and compare."""
    with TemporaryDirectory(prefix="replies-") as folder:
        results = []
        for name, order in (("straight", happenings), ("other", other)):
            place = Path(folder) / name / "ledger.db"
            opened = Ledger.open(place, unit=UNIT, clock=ToldClock(), new_epoch=lambda: 7, durable=False)
            with opened as ledger:
                results.append(ends(ledger, order))
    assert results[0] == results[1]


@settings(max_examples=examples(6), deadline=None)
@given(st.data())
def test_any_interleaving_ends_in_the_same_ties(data: st.DataObject) -> None:
    happenings = data.draw(cases())
    check(happenings, data.draw(st.permutations(happenings)))


@pytest.mark.soak
@settings(max_examples=400, deadline=None)
@given(st.data())
def test_many_interleavings_end_in_the_same_ties(data: st.DataObject) -> None:
    happenings = data.draw(cases())
    check(happenings, data.draw(st.permutations(happenings)))
