"""Three-way reconciliation: asks every hub and recipient of our streams what it knows, compares, reports and mends."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from gateway.bundle.keys import NodeKeys
from gateway.bundle.names import Kind as PaperKind
from gateway.bundle.names import inventory_id
from gateway.bundle.statement import parse_paper, sign_paper
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import State
from gateway.domain.oplog import OpsLog
from gateway.domain.reconciling import (
    ALARMS,
    MENDED,
    REMARKS,
    Difference,
    Kind,
    Own,
    OwnStream,
    Word,
    compare,
    strange_epochs,
)
from gateway.domain.records import Transfer
from gateway.domain.statements import Enquiry, Fate, Question, Statement, Tally, in_parts
from gateway.ledger.reconciling import Asked, Carried, Round
from gateway.ledger.store import Ledger
from gateway.ledger.tallies import open_ranges
from gateway.stages.courier import Courier
from gateway.stages.wayfinding import Ways

NIGHTLY = "nightly"
"""Why a round is made that nobody asked for."""
SPREAD_SECONDS = 1800.0
"""Nodes begin their nightly round within so long, each at its own moment."""
NIGHTLY_WAIT = 3600.0
"""Seconds that a nightly round waits for answers; a gap device takes minutes in each direction."""
LOOK_SECONDS = 3600.0
"""The next night is looked for at least so often."""
ALERTED_MAX = 20
"""Differences that are named in the log, one line each; the report names all."""


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """One stream in the report: our record, and what each party said of it (None: did not answer)."""

    stream: OwnStream
    theirs: Mapping[UnitCode, Mapping[Fate, int] | None]


@dataclass(frozen=True, slots=True)
class Findings:
    """What one round found. Times are seconds since 1970 UTC."""

    round: Round
    at: float
    streams: tuple[StreamFigures, ...]
    differences: tuple[Difference, ...]
    silent: tuple[UnitCode, ...]
    carried: tuple[Carried, ...]

    @property
    def outcome(self) -> str:
        """Return `balanced`, `differences` or `silent`."""
        if any(one.kind not in REMARKS for one in self.differences):
            return "differences"
        return "silent" if self.silent else "balanced"


class ReconcileStage:
    """One round at a time: ask, wait, compare. May be killed anywhere: the next run ends what was begun."""

    name = "reconcile"

    def __init__(
        self,
        *,
        unit: UnitCode,
        ledger: Ledger,
        ways: Ways,
        courier: Courier,
        keys: NodeKeys,
        report: Callable[[Findings], None],
        ring: Callable[[UnitCode], None],
        is_unconfirmed: Callable[[UnitCode], bool],
        at: float | None,
        zone: tzinfo | None,
        clock: Clock,
        ops: OpsLog,
    ) -> None:
        """report: writes down what was found, and may be repeated.   ring: wakes what carries things to a unit.
        is_unconfirmed: whether receipts come late or never from there, so that silence is what is to be expected.
        at: seconds after midnight in `zone` (None: this machine's) at which the nightly round is due; None: never."""
        self._unit = unit
        self._ledger = ledger
        self._ways = ways
        self._courier = courier
        self._keys = keys
        self._report = report
        self._ring = ring
        self._is_unconfirmed = is_unconfirmed
        lot = int.from_bytes(hashlib.sha256(f"reconcile {unit}".encode()).digest()[:4], "big") / 2**32
        self._at = None if at is None else at + SPREAD_SECONDS * lot
        self._zone = zone
        self._clock = clock
        self._ops = ops
        self._started_at = clock.now()

    def step(self) -> float | None:
        """Do what a round owes; return the seconds until more may be due."""
        until_night = self._nightly()
        current = self._ledger.reconciling.under_way()
        if current is None:
            return until_night
        if current.asked_at is None:
            self._ask(current)
            return 0.0
        asked = self._ledger.reconciling.answers(current.id)
        remaining = current.asked_at + current.wait - self._clock.now()
        if remaining > 0 and any(one.answered_at is None for one in asked):
            return min(remaining, LOOK_SECONDS)
        self._conclude(current, asked)
        return 0.0

    # -- when ---------------------------------------------------------------------------------------------------------

    def _nightly(self) -> float:
        """Have a round made if its time has come since the last; return the seconds until the next may be due."""
        if self._at is None:
            return LOOK_SECONDS
        now = self._clock.now()
        local = datetime.fromtimestamp(now, self._zone).astimezone(self._zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        due = midnight.timestamp() + self._at
        if due > now:
            due = (midnight - timedelta(days=1)).timestamp() + self._at
        # A night that passed while the node was switched off is made up for; one before its first start is not.
        last = self._ledger.reconciling.last_wanted(NIGHTLY)
        if due > (self._started_at if last is None else last):
            self._ledger.reconciling.want(NIGHTLY, NIGHTLY_WAIT)
            return 0.0
        return min(LOOK_SECONDS, max(1.0, due + 86_400 - now))

    # -- asking -------------------------------------------------------------------------------------------------------

    def _streams(self) -> list[OwnStream]:
        found = []
        for recipient, epoch, last in self._ledger.reconciling.own_streams():
            numbers = self._ledger.reconciling.own_numbers(recipient, epoch, last)
            first = numbers[0].number if numbers else 1
            hubs = self._ways.hubs_to(recipient)
            unconfirmed = self._is_unconfirmed(recipient)
            found.append(OwnStream(self._unit, recipient, epoch, first, last, numbers, hubs, unconfirmed))
        return found

    def _ask(self, current: Round) -> None:
        by_party: dict[UnitCode, list[Question]] = defaultdict(list)
        for stream in self._streams():
            question = Question(
                self._unit, stream.recipient, stream.epoch, stream.first, stream.last, open_ranges(stream.numbers)
            )
            for party in (stream.recipient, *stream.hubs):
                by_party[party].append(question)
        papers = [
            (party, sign_paper(Enquiry(self._unit, party, int(self._clock.now()), current.id, tuple(some)), self._keys))
            for party, questions in by_party.items()
            for some in in_parts(questions)
        ]
        self._ledger.reconciling.begin(current.id, [(party, inventory_id(raw)) for party, raw in papers])
        for party, raw in papers:
            if not self._courier.send(raw, PaperKind.STATEMENT, to=party):
                self._ops.warn("enquiry-undeliverable", to=party)
        self._ops.info("reconcile-begun", why=current.why, parties=len(by_party), papers=len(papers))

    # -- comparing ----------------------------------------------------------------------------------------------------

    def _conclude(self, current: Round, asked: Sequence[Asked]) -> None:
        statements = _answered(asked)
        unheard = {one.party for one in asked if one.answered_at is None}
        silent = tuple(sorted(party for party in unheard if not self._is_unconfirmed(party)))
        streams = self._streams()
        epochs: dict[UnitCode, set[int]] = defaultdict(set)
        for stream in streams:
            epochs[stream.recipient].add(stream.epoch)
        differences: list[Difference] = []
        figures: list[StreamFigures] = []
        for stream in streams:
            parties = (stream.recipient, *stream.hubs)
            words = {party: _word(statements[party], stream.recipient) for party in parties if party in statements}
            differences += compare(stream, words)
            figures.append(StreamFigures(stream, {party: _figures(words.get(party), stream) for party in parties}))
        for recipient, known in epochs.items():
            words = {party: _word(several, recipient) for party, several in statements.items()}
            differences += strange_epochs(self._unit, recipient, known, words)
        found = Findings(
            current, self._clock.now(), tuple(figures), tuple(differences), silent, self._ledger.reconciling.carried()
        )
        self._mend(found, {party: min(at for at, _one in several) for party, several in statements.items()})
        self._report(found)
        self._alert(found)
        counted = [one for one in found.differences if one.kind not in REMARKS]
        self._ledger.reconciling.finish(current.id, found.outcome, differences=len(counted), silent=len(found.silent))

    def _mend(self, found: Findings, asked_at: Mapping[UnitCode, float]) -> None:
        """Let what was lost be sent again, and have inventories exchanged about the rest."""
        lost = [one for one in found.differences if one.kind is Kind.LOST]
        again = [self._still_lost(one, asked_at.get(one.party, 0.0)) for one in lost]
        count = self._ledger.reconciling.send_again([one for one in again if one is not None])
        for recipient in sorted({one.recipient for one in found.differences if one.kind in MENDED}):
            self._ledger.resync.want(recipient, "reconcile")
            self._ring(recipient)
        if count:
            self._ops.warn("reconcile-sent-again", count=count)

    def _still_lost(self, one: Difference, asked_at: float) -> Transfer | None:
        if one.transfer is None:
            return None
        transfer = self._ledger.get(one.transfer)
        is_open = transfer.state in (State.SENT, State.IN_CUSTODY)
        return transfer if is_open and transfer.changed_at <= asked_at else None

    def _alert(self, found: Findings) -> None:
        counted = [one for one in found.differences if one.kind not in REMARKS]
        for one in counted[:ALERTED_MAX]:
            tell = self._ops.alert if one.kind in ALARMS else self._ops.warn
            tell(
                "reconcile-difference",
                code=one.kind.value,
                recipient=one.recipient,
                epoch=one.epoch,
                number=one.number,
                bundle=one.bundle,
                transfer=one.transfer,
                party=one.party,
            )
        if found.outcome == "balanced":
            self._ops.info("reconcile-done", outcome=found.outcome, streams=len(found.streams))
        else:
            self._ops.alert(
                "reconcile-done",
                outcome=found.outcome,
                streams=len(found.streams),
                differences=len(counted),
                silent=len(found.silent),
            )


def _answered(asked: Sequence[Asked]) -> dict[UnitCode, list[tuple[float, Statement]]]:
    """Return what each party stated, and when it was asked; of a party that was asked several times, all."""
    found: dict[UnitCode, list[tuple[float, Statement]]] = defaultdict(list)
    for one in asked:
        if one.raw is None:
            continue
        try:
            paper = parse_paper(one.raw)
        except GatewayError:
            continue  # written by a newer program
        if isinstance(paper, Statement):
            found[one.party].append((one.at, paper))
    return found


def _word(several: Sequence[tuple[float, Statement]], recipient: UnitCode) -> Word:
    tallies: dict[int, Tally] = {}
    for _at, statement in several:
        tallies |= {one.epoch: one for one in statement.streams if one.recipient == recipient}
    in_hand = frozenset(bundle for _at, statement in several for bundle in statement.in_hand)
    return Word(min(at for at, _one in several), tallies, in_hand)


def _figures(word: Word | None, stream: OwnStream) -> Mapping[Fate, int] | None:
    if word is None:
        return None
    tally = word.tallies.get(stream.epoch)
    if tally is None:
        return {}
    return {fate: sum(final - first + 1 for first, final in among) for fate, among in tally.fates}


def sums(stream: OwnStream) -> Mapping[Own, int]:
    """Return the headings of our record of a stream; AssertionError (a bug) unless they add up."""
    counts = stream.counts()
    if sum(counts.values()) != max(0, stream.last - stream.first + 1):
        raise AssertionError("a number of a stream is counted twice or not at all")
    return counts
