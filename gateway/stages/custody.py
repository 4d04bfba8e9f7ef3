"""Whether a hub still has the bytes that it signed for; what it lost it no longer claims to hold, and takes again."""

from collections.abc import Iterable

from gateway.domain.clock import Clock
from gateway.domain.errors import PermanentError
from gateway.domain.ids import BundleId, Digest
from gateway.domain.records import Stage, known
from gateway.domain.statements import Question
from gateway.folders import disk
from gateway.folders.spool import Spool
from gateway.ledger.relaying import BYTES_GONE
from gateway.ledger.store import Ledger
from gateway.stages.recording import Recorder

BY_ARRIVAL = "relay"
"""Stands where the record names a person: the bytes came again, so nobody is needed."""


class Custody:
    """Compares what the ledger says of relayed bundles with what lies in the spool."""

    def __init__(self, *, ledger: Ledger, spool: Spool, recorder: Recorder, clock: Clock) -> None:
        self._ledger = ledger
        self._spool = spool
        self._recorder = recorder
        self._clock = clock

    def look(self, questions: Iterable[Question]) -> int:
        """Hold what we carry in these streams and have no bytes of, so that it is not stated as held; return how many.

        May be repeated. One look into a folder entry for each bundle that is on its way.
        """
        started, gone = self._clock.now(), 0
        for relay in self._ledger.relays.on_the_way({(one.origin, one.recipient) for one in questions}):
            if not disk.exists(self._spool.relayed_bundle(known(relay.bundle_id), known(relay.header_hash))):
                error = PermanentError(BYTES_GONE, "the relayed bundle is no longer in the spool")
                self._recorder.fail(relay, Stage.RELAY, error, started)
                gone += 1
        return gone

    def lacks(self, bundle: BundleId, header: Digest) -> bool:
        """Whether somebody still needs the bytes of a relayed bundle, and they are gone."""
        return self._ledger.relays.is_needed(bundle, header) and not disk.exists(
            self._spool.relayed_bundle(bundle, header)
        )

    def is_missed(self, bundle: BundleId, header: Digest) -> bool:
        """Whether what goes on of a relayed bundle stands still, or soon will, since its bytes are or were gone."""
        return self.lacks(bundle, header) or self._ledger.relays.is_held_for_bytes(bundle)

    def came_again(self, bundle: BundleId, header: Digest) -> int:
        """Let go on what stood still because the bytes were gone, if they are there; return how many."""
        if not disk.exists(self._spool.relayed_bundle(bundle, header)):
            return 0
        return self._ledger.relays.bytes_are_back(bundle, header, BY_ARRIVAL, "the bundle came again")
