"""Any order of drops, claims, deaths, releases and recoveries: every export is somewhere, whole, exactly once."""

import shutil
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.domain.ids import ClaimToken, claim_token, route_name
from gateway.folders.claim import ClaimShelf
from gateway.folders.watch import OutboundWatch
from tests.support.claiming import whole_claims
from tests.support.crashing import dies_at
from tests.support.examples import examples
from tests.support.outbound import MarkedZips, SettableClock

NAMES = st.sampled_from(["a", "b", "c"])
EFFECTS = st.integers(min_value=0, max_value=40)
ROUTE = route_name("to-procuratorate")


class ClaimOrders(RuleBasedStateMachine):
    """The case software, the claiming worker and the operator, each acting when hypothesis says so."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.out = self.place / "out"
        self.out.mkdir()
        self.alive: Counter[bytes] = Counter()
        self.number = 0

    def teardown(self) -> None:
        shutil.rmtree(self.place)

    @property
    def shelf(self) -> ClaimShelf:
        return ClaimShelf(self.place / "claims")

    def token(self) -> ClaimToken:
        self.number += 1
        return claim_token(f"{self.number:032x}")

    @rule(name=NAMES)
    def drop(self, name: str) -> None:
        """The case software exports; where its earlier export of that name still lies, it replaces it."""
        zipped, mark = self.out / f"{name}.zip", self.out / f"{name}.ok"
        if zipped.exists():
            self.alive[zipped.read_bytes()] -= 1
        self.number += 1
        content = b"export %d" % self.number
        fresh = self.out / ".writing"
        fresh.write_bytes(content)
        fresh.replace(zipped)
        mark.write_bytes(content)
        self.alive[content] += 1

    @rule(at=EFFECTS)
    def claim_and_perhaps_die(self, at: int) -> None:
        result = OutboundWatch(self.out, MarkedZips(), SettableClock()).scan()
        wanted = [(self.token(), candidate) for candidate in result.settled]
        dies_at(at, partial(self.shelf.claim_all, self.out, wanted, ROUTE, result.entries))

    @rule(at=EFFECTS)
    def recover_and_perhaps_die(self, at: int) -> None:
        dies_at(at, self.shelf.recover)

    @precondition(lambda self: whole_claims(self.shelf))
    @rule(at=EFFECTS, back=st.booleans(), data=st.data())
    def release_and_perhaps_die(self, at: int, back: bool, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(whole_claims(self.shelf))).token
        folder = self.out if back else self.out / "reject"
        dies_at(at, lambda: self.shelf.release(token, folder))

    @precondition(lambda self: whole_claims(self.shelf))
    @rule(at=EFFECTS, data=st.data())
    def discard_and_perhaps_die(self, at: int, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(whole_claims(self.shelf)))
        if all(part.exists() for part in claim.parts):
            self.alive[claim.parts[0].read_bytes()] -= 1
            dies_at(at, lambda: self.shelf.discard(claim.token))
            self.shelf.discard(claim.token)

    @invariant()
    def every_export_is_somewhere_exactly_once(self) -> None:
        """Also half-way through, before any recovery: renames move, they never copy or drop."""
        zips = Counter(path.read_bytes() for path in self.place.rglob("*.zip"))
        assert zips == +self.alive

    @rule()
    def all_is_well_after_recovery(self) -> None:
        assert self.shelf.recover().problems == ()
        for claim in whole_claims(self.shelf):
            assert len({part.read_bytes() for part in claim.parts}) == 1
        for zipped in [*self.out.glob("*.zip"), *self.out.glob("reject/*.zip")]:
            assert zipped.with_suffix(".ok").read_bytes() == zipped.read_bytes()
        assert not list(self.out.rglob(".*"))


ClaimOrders.TestCase.settings = settings(max_examples=examples(20), stateful_step_count=12, deadline=None)
TestClaimOrders = ClaimOrders.TestCase
