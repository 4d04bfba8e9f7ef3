"""A real ledger driven at random beside a model: nothing skipped, nothing twice, nothing committed lost."""

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from gateway.domain.errors import GatewayError, PermanentError, SecurityError, TransientError
from gateway.domain.ids import BundleId, Digest, LinkName, TransferId, UnitCode
from gateway.domain.lifecycle import FIRST, Direction, Event, IllegalStepError, State, after, ends, is_legal
from gateway.domain.records import Facts, ReceiptCode, ReceiptRecord, Stage, Step, Transfer
from gateway.ledger.store import Ledger
from gateway.ledger.streams import Named
from tests.support.examples import examples
from tests.support.ledger import (
    EPOCH,
    LINK,
    OTHER_LINK,
    OTHER_PEER,
    PEER,
    START,
    ToldClock,
    bundle,
    copied_as_if_killed,
    export,
    hexadecimal,
    offer,
    open_ledger,
)

PEERS = st.sampled_from([PEER, OTHER_PEER])
RECEIPTED = {
    Event.CUSTODY_RECEIPTED: ReceiptCode.CUSTODY,
    Event.DELIVERY_RECEIPTED: ReceiptCode.DELIVERED,
    Event.COLLECTION_RECEIPTED: ReceiptCode.COLLECTED,
    Event.REFUSAL_RECEIPTED: ReceiptCode.DAMAGED,
}

APART = frozenset({Event.CLOSED, Event.RECALLED})
"""A rule of its own; and what only follows a restore."""
COUNTED = frozenset({Event.DELIVERED, Event.RECALLED})
"""A bundle is marked as delivered by them, once and for ever."""
HERE = frozenset({State.DELIVERED, State.CONFIRMED, State.COLLECTED})
"""States of what was delivered, and not of what a hub carries on or a person refused."""


class LedgerMachine(RuleBasedStateMachine):
    """The model: the last value the ledger returned for each transfer, what was given out, and what was seen."""

    transfers = Bundle("transfers")

    @initialize()
    def start(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="ledger-machine-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
        self.folder = self.root / "0"
        self.folder.mkdir()
        self.clock = ToldClock()
        self.ledger: Ledger = open_ledger(self.folder, self.clock)
        self.model: dict[TransferId, Transfer] = {}
        self.exports = 0
        self.given_out: dict[UnitCode, list[int]] = {PEER: [], OTHER_PEER: []}
        self.seen: dict[tuple[UnitCode, BundleId], tuple[Digest, int]] = {}
        self.changed: set[TransferId] = set()

    def teardown(self) -> None:
        try:
            for identifier, transfer in self.model.items():
                self.tells_a_legal_story(identifier, transfer)
            self.ledger.check()
        finally:
            self.ledger.close()
            shutil.rmtree(self.root)

    def tells_a_legal_story(self, identifier: TransferId, transfer: Transfer) -> None:
        state = FIRST[transfer.direction]
        events = [
            entry for entry in self.ledger.timeline(identifier) if entry.kind == "event" and entry.what != "retry"
        ]
        assert events[0].what == state
        for entry in events[1:]:
            state = after(transfer.direction, state, Event(entry.what))
            assert state == entry.state
        assert state is transfer.state

    def know(self, transfer: Transfer) -> None:
        self.model[transfer.id] = transfer
        self.changed.add(transfer.id)

    # Births

    @rule(target=transfers)
    def find(self) -> TransferId:
        self.exports += 1
        (transfer,) = self.ledger.found([export(self.exports)])
        assert (transfer.state, transfer.version) == (State.FOUND, 1)
        self.know(transfer)
        return transfer.id

    @rule(target=transfers, number=st.integers(1, 4), link=st.sampled_from([LINK, OTHER_LINK]))
    def offer(self, number: int, link: LinkName) -> object:
        (transfer,) = self.ledger.offered([offer(number, link=link)])
        if transfer.id in self.model:
            assert transfer == self.model[transfer.id]
            return multiple()
        assert (transfer.state, transfer.version) == (State.OFFERED, 1)
        self.know(transfer)
        return transfer.id

    @rule(
        target=transfers,
        numbers=st.lists(st.integers(1, 4), min_size=1, unique=True),
        link=st.sampled_from([LINK, OTHER_LINK]),
    )
    def fetch_together(self, numbers: list[int], link: LinkName) -> object:
        """Bundles that came as one file are fetched at once, whatever was known of each."""
        self.clock.time += 1
        new = []
        for now in self.ledger.fetched([offer(number, link=link) for number in numbers], self.clock.time):
            before = self.model.get(now.id)
            if before is None or before.state is State.OFFERED:
                assert now.state is State.FETCHED
                assert now.version == (before.version if before else 1) + 1
            else:
                assert now == before
            new += [] if before else [now.id]
            self.know(now)
        return multiple(*new)

    # Steps

    @rule(
        identifier=transfers,
        event=st.sampled_from(Event),
        peer=PEERS,
        sequence=st.integers(1, 3),
        wrong=st.integers(0, 5),
        stale=st.booleans(),
    )
    def claim_anything(
        self, identifier: TransferId, event: Event, peer: UnitCode, sequence: int, wrong: int, *, stale: bool
    ) -> None:
        before = self.model[identifier]
        self.take(before, event, peer, sequence, wrong == 1 and not stale, stale=stale)

    @rule(
        identifier=transfers,
        choice=st.randoms(use_true_random=False),
        peer=PEERS,
        sequence=st.integers(1, 3),
        wrong=st.booleans(),
    )
    def take_a_possible_step(
        self, identifier: TransferId, choice: Random, peer: UnitCode, sequence: int, *, wrong: bool
    ) -> None:
        before = self.model[identifier]
        possible = [e for e in Event if is_legal(before.direction, before.state, e) and e not in APART]
        if possible:
            self.take(before, choice.choice(possible), peer, sequence, wrong, stale=False)

    @rule(
        number=st.integers(1, 4),
        link=st.sampled_from([LINK, OTHER_LINK]),
        peer=PEERS,
        sequence=st.integers(1, 3),
        wrong=st.booleans(),
    )
    def bring_in(self, number: int, link: LinkName, peer: UnitCode, sequence: int, *, wrong: bool) -> None:
        """Take a bundle from the mailbox to its delivery, if that is the way it still has to go."""
        (transfer,) = self.ledger.offered([offer(number, link=link)])
        self.know(transfer)
        for event in (Event.FETCHED, Event.VERIFIED, Event.DELIVERED):
            before = self.model[transfer.id]
            if is_legal(Direction.INBOUND, before.state, event):
                self.take(before, event, peer, sequence, wrong, stale=False)

    def take(self, before: Transfer, event: Event, peer: UnitCode, sequence: int, wrong: bool, *, stale: bool) -> None:
        self.clock.time += 1
        step = self.step(before, event, peer, sequence, wrong)
        if stale:
            step = replace(step, transfer=replace(before, version=before.version - 1))
        expected = self.refusal(before, step, stale=stale)
        if expected is not None:
            try:
                self.ledger.advance(step)
            except (GatewayError, IllegalStepError, ValueError) as error:
                assert isinstance(error, expected), error  # noqa: PT017 - the kind depends on the model
            else:
                raise AssertionError(f"{step} was taken")
            return
        now = self.ledger.advance(step)
        assert now.state is after(before.direction, before.state, event)
        assert (now.version, now.attempts) == (before.version + 1, 0)
        if event is Event.SEALED:
            self.given_out[peer].append(now.sequence or 0)
        if event in COUNTED:
            self.mark(now)
        self.know(now)

    def step(self, before: Transfer, event: Event, peer: UnitCode, sequence: int, wrong: bool) -> Step:
        facts, receipt = Facts(), None
        if event is Event.SEALED:
            number = len(self.given_out[peer]) + 1 + wrong
            name = 0x1000 + before.id
            facts = Facts(LINK, None, peer, bundle(name), Digest(hexadecimal(name, 64)), EPOCH, number)
        if event is Event.VERIFIED and before.sequence is None:
            # The origin decides header and number of a bundle; a dishonest one repeats them.
            header = Digest(hexadecimal(0xE0 + wrong, 64))
            facts = Facts(origin=peer, header_hash=header, epoch=9, sequence=sequence)
        if event in RECEIPTED and before.bundle_id is not None and before.header_hash is not None:
            header = Digest("f" * 64) if wrong else before.header_hash
            raw = f"{event} {before.version}".encode()
            receipt = ReceiptRecord(before.bundle_id, header, RECEIPTED[event], peer, START, raw)
        return Step(before, event, Stage.OPERATE, facts, receipt, started_at=self.clock.time)

    def refusal(self, before: Transfer, step: Step, *, stale: bool) -> type[Exception] | None:
        """Return the error that the model expects, None if the step must be taken."""
        if stale:
            return TransientError
        if not is_legal(before.direction, before.state, step.event):
            return IllegalStepError
        if step.event is Event.SEALED and step.facts.recipient is not None:
            return None if step.facts.sequence == len(self.given_out[step.facts.recipient]) + 1 else TransientError
        if step.receipt is not None and step.receipt.header_hash != before.header_hash:
            return SecurityError
        if step.event in COUNTED:
            if before.origin is None or before.bundle_id is None:
                return ValueError  # to count what was never verified is a mistake of the caller
            known = self.seen.get((before.origin, before.bundle_id))
            if known is not None:
                return PermanentError if known[0] == before.header_hash else SecurityError
            numbers = {number for (origin, _), (_, number) in self.seen.items() if origin == before.origin}
            return SecurityError if before.sequence in numbers else None
        return None

    @rule(identifiers=st.lists(transfers, min_size=1, max_size=3, unique=True), spoil=st.booleans())
    def close_several_or_none(self, identifiers: list[TransferId], *, spoil: bool) -> None:
        befores = [self.model[identifier] for identifier in identifiers]
        steps = [Step(before, Event.CLOSED, Stage.OPERATE, actor="wang") for before in befores]
        if spoil:
            steps[-1] = replace(steps[-1], transfer=replace(befores[-1], version=0))
        try:
            moved = self.ledger.advance_many(steps)
        except (IllegalStepError, TransientError):
            assert spoil or not all(is_legal(b.direction, b.state, Event.CLOSED) for b in befores)
            self.changed.update(identifiers)
        else:
            assert not spoil
            for transfer in moved:
                assert transfer.state is State.CLOSED
                self.know(transfer)

    @rule()
    def deliver_all_or_none(self) -> None:
        """Deliver in one change what waits for that; what one of them has delivered the next may not deliver again."""
        befores = [t for t in self.model.values() if is_legal(t.direction, t.state, Event.DELIVERED)]
        self.clock.time += 1
        steps = [self.step(before, Event.DELIVERED, PEER, 1, wrong=False) for before in befores]
        seen, expected = dict(self.seen), list[type[Exception]]()
        for before, step in zip(befores, steps, strict=True):
            refused = self.refusal(before, step, stale=False)
            if refused is not None:
                expected.append(refused)
            else:
                self.mark(before)
        try:
            moved = self.ledger.advance_many(steps)
        except (GatewayError, ValueError) as error:
            assert isinstance(error, tuple(expected)), error  # noqa: PT017 - the kind depends on the model
            self.seen = seen
            self.changed.update(before.id for before in befores)
        else:
            assert not expected
            for now in moved:
                assert now.state is State.DELIVERED
                self.know(now)

    def mark(self, transfer: Transfer) -> None:
        assert transfer.origin is not None
        assert transfer.bundle_id is not None
        assert transfer.header_hash is not None
        self.seen[transfer.origin, transfer.bundle_id] = (transfer.header_hash, transfer.sequence or 0)

    # What does not move a transfer

    @rule(identifier=transfers, pause=st.none() | st.integers(1, 50))
    def fail(self, identifier: TransferId, pause: int | None) -> None:
        before = self.model[identifier]
        retry_at = None if pause is None else self.clock.time + pause
        now = self.ledger.fail(
            before, Stage.SEND, TransientError("link-timeout"), started_at=self.clock.time, retry_at=retry_at
        )
        assert (now.state, now.attempts, now.sequence) == (before.state, before.attempts + 1, before.sequence)
        assert now.hold_code == ("link-timeout" if pause is None else before.hold_code)
        self.know(now)

    @rule(identifier=transfers)
    def hold_or_release(self, identifier: TransferId) -> None:
        before = self.model[identifier]
        if before.hold_code is not None:
            now = self.ledger.release(before, "wang", "go")
            assert (now.hold_code, now.state) == (None, before.state)
            self.know(now)
        elif before.state not in ends(before.direction):
            now = self.ledger.hold(before, "asked", "wang", "wait")
            assert (now.hold_code, now.state) == ("asked", before.state)
            self.know(now)

    @rule(identifier=consumes(transfers))
    def forget_to_touch_it_again(self, identifier: TransferId) -> None:
        assert self.ledger.get(identifier) == self.model[identifier]

    # The file

    @rule(killed=st.booleans())
    def reopen(self, *, killed: bool) -> None:
        if killed:
            folder = copied_as_if_killed(self.folder, self.root / str(int(self.folder.name) + 1))
            self.ledger.close()
            self.folder = folder
        else:
            self.ledger.close()
        self.ledger = open_ledger(self.folder, self.clock)
        self.changed.update(self.model)

    @invariant()
    def what_was_returned_is_recorded(self) -> None:
        for identifier in self.changed:
            assert self.ledger.get(identifier) == self.model[identifier]
        self.changed.clear()

    @invariant()
    def numbers_have_no_gaps(self) -> None:
        for peer, numbers in self.given_out.items():
            assert numbers == list(range(1, len(numbers) + 1))
            assert self.ledger.next_sequence(peer) == len(numbers) + 1

    @invariant()
    def each_bundle_was_delivered_once(self) -> None:
        for (origin, name), (header, number) in self.seen.items():
            assert self.ledger.seen(origin, name) == header
            named = Named(origin, name, 9, number)
            seen = self.ledger.deliveries.seen_among([named])
            assert (seen.as_named(named), seen.as_numbered(named)) == (header, name)
        visible = [
            (t.origin, t.bundle_id) for t in self.model.values() if t.direction is Direction.INBOUND and t.state in HERE
        ]
        assert len(visible) == len(set(visible))
        assert set(visible) <= set(self.seen)

    @invariant()
    def nothing_held_and_nothing_ended_is_due(self) -> None:
        for transfer in self.ledger.due(list(State), now=self.clock.time, limit=100):
            assert self.model[transfer.id] == transfer
            assert transfer.hold_code is None
            assert transfer.state not in ends(transfer.direction)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=examples(25), stateful_step_count=30)
