"""Three-way reconciliation between a county, a hub and a procuratorate: every class of difference, made by hand."""

import shutil
from dataclasses import replace

import pytest

from gateway.bundle.names import Kind, inventory_id
from gateway.bundle.statement import sign_paper
from gateway.domain.ids import Digest
from gateway.domain.lifecycle import State
from gateway.domain.records import known
from gateway.domain.statements import Fate, Question, Statement, digest_of
from gateway.ledger import holdings, tallies
from tests.support.hubs import CITY_A, COUNTY, OUT, PROSECUTOR, Province
from tests.support.reconciling import (
    back,
    codes,
    exchanged,
    lose,
    of,
    put_back,
    reconcile,
    report,
    wiped,
    work_until_lost,
)


def test_what_was_delivered_balances_in_all_three_ledgers(small: Province) -> None:
    exchanged(small, "a.txt", "b.txt")
    found = reconcile(small)
    assert (found["outcome"], found["differences"], found["silent"]) == ("balanced", [], [])
    (stream,) = found["streams"]
    assert (stream["given"], stream["delivered"], stream["last"]) == (2, 2, 2)
    assert stream["hubs"] == [small.unit(CITY_A)]
    assert stream["said"] == {small.unit(PROSECUTOR): {"delivered": 2}, small.unit(CITY_A): {"delivered": 2}}
    hub = reconcile(small, CITY_A)
    assert hub["streams"] == []
    (carried,) = hub["carried"]
    assert (carried["origin"], carried["recipient"]) == (small.unit(COUNTY), small.unit(PROSECUTOR))
    assert (carried["delivered"], carried["custody"]) == (2, 0)


def test_what_does_not_fit_into_one_tally_is_counted_all_the_same(
    small: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "_ROWS_MAX", 2)
    exchanged(small, *(f"{number}.txt" for number in range(5)))
    hub = small[CITY_A].ledger
    asked = Question(small.unit(COUNTY), small.unit(PROSECUTOR), small[COUNTY].ledger.epoch, 1, 5, ())
    for ledger in (hub, small[PROSECUTOR].ledger):
        (tally,) = ledger.reconciling.tallies([asked])
        assert (tally.first, tally.last, tally.highest) == (1, 2, 5)
        assert dict(tally.fates) == {Fate.DELIVERED: ((1, 2),)}
    (carried,) = hub.reconciling.carried()
    assert carried.fates == {Fate.DELIVERED: 5}
    assert reconcile(small)["outcome"] == "balanced"


def test_what_a_sender_asks_for_again_is_owed_by_as_much_as_one_commit_takes(
    small: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanged(small, *(f"{number}.txt" for number in range(5)))
    monkeypatch.setattr(holdings, "AT_ONCE", 2)
    units = small.unit(COUNTY), small.unit(PROSECUTOR)
    asked = Question(*units, small[COUNTY].ledger.epoch, 1, 5, ((1, 5),))
    for name in (CITY_A, PROSECUTOR):
        assert [small[name].ledger.reconciling.receipt_again([asked]) for _turn in range(4)] == [2, 2, 1, 0]


def test_reports_are_for_the_owner_and_name_no_export(small: Province) -> None:
    exchanged(small, "张三.txt")
    reconcile(small)
    folder = small[COUNTY].state / "reports"
    assert folder.stat().st_mode & 0o777 == 0o700
    paths = sorted(folder.iterdir())
    assert [path.suffix for path in paths] == [".csv", ".json", ".txt"]
    for path in paths:
        assert path.stat().st_mode & 0o777 == 0o600
        assert "张三" not in path.read_text("utf-8-sig")


def test_a_bundle_in_the_custody_of_the_hub_balances(small: Province) -> None:
    small.drop(COUNTY, "a.txt", b"a.txt")
    for _turn in range(60):
        small.work(COUNTY, CITY_A)
        if any(t.state is State.IN_CUSTODY for t in small[COUNTY].transfers(OUT)):
            break
    held = small.root / "held"
    held.mkdir()
    # The recipient's link is down for bundles, as when a large one takes its time.
    for _turn in range(5):
        for path in small.mailbox(CITY_A, PROSECUTOR).glob("*.cfb"):
            path.rename(held / path.name)
        small.work(CITY_A)
    found = reconcile(small)
    assert (found["outcome"], codes(found)) == ("balanced", [])
    assert found["streams"][0]["in_custody"] == 1
    assert found["streams"][0]["said"][small.unit(CITY_A)] == {"custody": 1}


def test_a_bundle_that_the_hub_lost_is_named_and_sent_again(small: Province) -> None:
    exchanged(small, "before.txt")
    small.drop(COUNTY, "a.txt", b"a.txt")
    work_until_lost(small, CITY_A, PROSECUTOR, Kind.BUNDLE)
    for _turn in range(5):
        small.work(COUNTY, CITY_A)
        lose(small, CITY_A, PROSECUTOR, Kind.BUNDLE)
    ours = of(small, "a.txt")
    assert ours.state is State.IN_CUSTODY
    wiped(small, CITY_A)
    found = reconcile(small)
    (one,) = found["differences"]
    assert (one["code"], one["number"], one["bundle"]) == ("reconcile-lost", 2, ours.bundle_id)
    assert (one["transfer"], one["party"], one["mends_itself"]) == (ours.id, small.unit(CITY_A), True)
    assert small[COUNTY].ledger.reconciling.last_done().outcome == "differences"  # type: ignore[union-attr]  # there is one
    small.settle()
    assert set(small.delivered(PROSECUTOR)) == {"before.txt", "a.txt"}
    assert reconcile(small)["outcome"] == "balanced"


def test_a_receipt_that_was_lost_comes_with_the_statement_and_is_named_if_it_does_not(small: Province) -> None:
    small.drop(COUNTY, "a.txt", b"a.txt")
    for _turn in range(12):
        small.work()
        lose(small, CITY_A, COUNTY, Kind.RECEIPTS)
    assert (of(small, "a.txt").state, len(small.delivered(PROSECUTOR))) == (State.SENT, 1)
    wanted = small[COUNTY].ledger.reconciling.want("command", 60)
    for _turn in range(10):
        small.work()
        lose(small, CITY_A, COUNTY, Kind.RECEIPTS)
    assert small[COUNTY].ledger.reconciling.get(wanted.id).outcome == "differences"  # type: ignore[union-attr]  # there is one
    assert codes(report(small[COUNTY])) == ["reconcile-receipt-missing"]
    small.clock.time += 1
    assert reconcile(small)["outcome"] == "balanced"
    assert of(small, "a.txt").state is State.DELIVERED


def test_a_restored_recipient_has_forgotten_and_is_given_its_receipts_back(small: Province) -> None:
    exchanged(small, "before.txt")
    back(small[PROSECUTOR])
    exchanged(small, "after.txt")
    for folder in (small.root / PROSECUTOR / "in").iterdir():
        shutil.rmtree(folder)
    put_back(small, PROSECUTOR)
    found = reconcile(small)
    assert codes(found) == ["reconcile-forgotten-there"]
    small.settle()
    assert reconcile(small)["outcome"] == "balanced"
    assert small.delivered(PROSECUTOR) == {}


@pytest.mark.soak
def test_a_restored_sender_finds_what_it_has_forgotten(small: Province) -> None:
    exchanged(small, "before.txt")
    back(small[COUNTY])
    exchanged(small, "after.txt")
    put_back(small, COUNTY, spool_too=True)
    for _turn in range(3):  # its own questions of the start are answered later
        small.work(COUNTY)
    found = reconcile(small)
    assert set(codes(found)) <= {"reconcile-unknown-here"}
    small.settle()
    assert reconcile(small)["outcome"] == "balanced"
    assert sorted(t.sequence or 0 for t in small[COUNTY].transfers(OUT)) == [1, 2]


def test_a_party_that_never_answers_is_named(small: Province) -> None:
    exchanged(small, "a.txt")
    small[PROSECUTOR].close()
    held = small.houses.pop(PROSECUTOR)
    found = reconcile(small, wait=20)
    small.houses[PROSECUTOR] = held.open()
    assert (found["outcome"], found["silent"]) == ("silent", [small.unit(PROSECUTOR)])
    assert found["streams"][0]["said"][small.unit(PROSECUTOR)] is None
    assert [one["silent"] for one in small[COUNTY].log.of("reconcile-done")] == [1]


def lie(small: Province, change: object) -> dict[str, object]:
    """Have the procuratorate state something else than it knows, by `change` of its statement."""
    house = small[PROSECUTOR]
    wanted = small[COUNTY].ledger.reconciling.want("command", 20)
    small.step(small[COUNTY], "reconcile")
    for _turn in range(6):
        small.step(small[COUNTY], "out-city-a")
        small.step(small[CITY_A], "in-county")
        small.step(small[CITY_A], "out-prosecutor")
    (letter,) = small.mailbox(CITY_A, PROSECUTOR).glob("*.cfs")
    asked = letter.read_bytes()
    letter.unlink()
    streams = small[PROSECUTOR].ledger.reconciling.tallies(_questions(asked))
    true = Statement(house.unit, small.unit(COUNTY), 1, house.ledger.epoch, inventory_id(asked), streams, ())
    raw = sign_paper(change(true), small.keys(PROSECUTOR))  # type: ignore[operator]  # a function of the statement
    (small.mailbox(PROSECUTOR, CITY_A) / f"{inventory_id(raw)}.cfs").write_bytes(raw)
    for _turn in range(20):
        small.work(seconds=2)
    done = small[COUNTY].ledger.reconciling.get(wanted.id)
    assert done is not None
    assert done.done_at is not None
    return report(small[COUNTY])


def _questions(raw: bytes):  # type: ignore[no-untyped-def]  # of an enquiry
    from gateway.bundle.statement import parse_paper

    return parse_paper(raw).streams  # type: ignore[union-attr]  # it is one


def test_a_recipient_that_knows_what_was_never_sent_is_an_alarm(small: Province) -> None:
    exchanged(small, "a.txt")
    strange = "0c" * 16

    def change(true: Statement) -> Statement:
        tally = replace(
            true.streams[0],
            last=5,
            highest=5,
            fates=((Fate.DELIVERED, ((1, 1), (5, 5))),),
            named=((5, strange),),  # type: ignore[arg-type]  # an id
        )
        return replace(true, streams=(tally,))

    found = lie(small, change)
    assert [(one["code"], one["number"], one["bundle"], one["alarm"]) for one in found["differences"]] == [  # type: ignore[attr-defined]  # a list
        ("reconcile-unknown-here", 5, strange, True)
    ]
    assert small[COUNTY].log.of("reconcile-difference")


@pytest.mark.parametrize(
    ("fates", "code"),
    [
        (((Fate.REFUSED, ((1, 1),)),), "reconcile-contradiction"),
        (((Fate.TWICE, ((1, 1),)),), "reconcile-counted-twice"),
        ((), "reconcile-forgotten-there"),
    ],
)
def test_what_contradicts_a_receipt_is_named(small: Province, fates: object, code: str) -> None:
    exchanged(small, "a.txt")

    def change(true: Statement) -> Statement:
        return replace(true, streams=(replace(true.streams[0], fates=fates, digest=digest_of([])),))  # type: ignore[arg-type]  # any fates

    assert codes(lie(small, change)) == [code]


def test_another_bundle_under_a_delivered_number_is_an_equivocation(small: Province) -> None:
    exchanged(small, "a.txt")
    ours = of(small, "a.txt")
    header = known(ours.header_hash)
    other = digest_of([(1, known(ours.bundle_id), Digest(("1" if header[0] == "0" else "0") + header[1:]))])

    def change(true: Statement) -> Statement:
        return replace(true, streams=(replace(true.streams[0], digest=other),))

    assert codes(lie(small, change)) == ["reconcile-equivocation"]


def test_only_the_two_ends_and_hubs_hear_of_a_stream(small: Province) -> None:
    exchanged(small, "a.txt")
    from gateway.bundle.names import paper_name
    from gateway.domain.statements import Enquiry, Question

    question = Question(small.unit(COUNTY), small.unit(CITY_A), 7, 1, 9, ())
    raw = sign_paper(Enquiry(small.unit(PROSECUTOR), small.unit(CITY_A), 1, 1, (question,)), small.keys(PROSECUTOR))
    (small.mailbox(PROSECUTOR, CITY_A) / paper_name(raw, Kind.STATEMENT)).write_bytes(raw)
    small.step(small[CITY_A], "in-prosecutor")
    assert [one["streams"] for one in small[CITY_A].log.of("enquiry-not-permitted")] == [1]
    assert [one["streams"] for one in small[CITY_A].log.of("statement-sent")] == [0]


@pytest.mark.soak
def test_a_clean_reconciliation_takes_the_notice_away(small: Province) -> None:
    from gateway.compose.needs import Need
    from gateway.compose.survey import survey

    exchanged(small, "a.txt")
    ledger = small[COUNTY].ledger
    settings = small[COUNTY].identity.settings
    lie(small, lambda true: replace(true, streams=(replace(true.streams[0], fates=(), digest=digest_of([])),)))
    assert Need.NOT_BALANCED in [one.need for one in survey(settings, ledger, small.clock.now()).notices]
    small.settle()
    reconcile(small)
    assert Need.NOT_BALANCED not in [one.need for one in survey(settings, ledger, small.clock.now()).notices]


def test_it_is_made_every_night_once_and_made_up_for_when_the_night_was_missed(small: Province) -> None:
    exchanged(small, "a.txt")
    house = small[COUNTY]
    for _half_hour in range(49):
        small.clock.time += 1800
        small.step(house, "reconcile")
    assert house.ledger.reconciling.last_wanted("nightly") is not None
    assert len(house.log.of("reconcile-begun")) == 1
    small.clock.time += 3 * 86400
    for _look in range(4):
        small.step(house, "reconcile")
    assert len(house.log.of("reconcile-begun")) == 2
