"""Convoys that come: each is taken apart into the spool, all of its bundles with one commit or none of them."""

from collections.abc import Callable
from functools import partial

from gateway.bundle.convoy import split_bundles
from gateway.bundle.envelope import ENVELOPE_MAX
from gateway.bundle.names import bundle_name
from gateway.domain.clock import Clock
from gateway.domain.ids import BundleId, Digest, LinkName
from gateway.domain.lifecycle import Event, State
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Offer, Stage, Step, Transfer, known
from gateway.folders import disk
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.stages.aside import EQUIVOCATION
from gateway.stages.refusals import waits_for_person
from gateway.stages.suspects import QuarantineDesk, Suspect

Again = Callable[[Transfer, bytes, Callable[[], None]], None]
"""Told of a bundle that we have already: its transfer, its first bytes, and what sets its bytes aside."""


class Unloading:
    """Takes the convoys of one link apart. Used by that link's receiving thread only.

    lacks: whether we have lost the bytes of a bundle that we passed on, and somebody still needs them.
    """

    def __init__(
        self,
        *,
        link: LinkName,
        ledger: Ledger,
        spool: Spool,
        quarantine: QuarantineDesk,
        lacks: Callable[[BundleId, Digest], bool],
        clock: Clock,
        ops: OpsLog,
    ) -> None:
        self._link = link
        self._ledger = ledger
        self._spool = spool
        self._quarantine = quarantine
        self._lacks = lacks
        self._clock = clock
        self._ops = ops

    def take(self, raw: bytes, again: Again) -> None:
        """Bring the bundles of a convoy into the spool and record them as fetched; may be repeated.

        None of them is looked at: each is from here on what it would be if it had come alone. SecurityError
        `convoy-malformed`, and what the ledger and the disk raise; then nothing is recorded and the convoy stays where
        it is.
        """
        started = self._clock.now()
        bundles = dict(split_bundles(raw))
        before = self._ledger.arrived(self._link, bundles)
        fetched: dict[BundleId, memoryview] = {}
        for bundle, body in bundles.items():
            transfer = before.get(bundle)
            if transfer is None or self._is_wanted(transfer):
                fetched[bundle] = body
            elif transfer.state is not State.FETCHED:
                again(transfer, bytes(body[:ENVELOPE_MAX]), partial(self._set_aside, bundle, body))
            elif not self._spool.holds(self._link, bundle, body):
                # One of the two is not what it says, and neither is verified yet.
                self._ops.alert(EQUIVOCATION, transfer=transfer.id, link=self._link)
                self._set_aside(bundle, body)
        # Of what the ledger has never heard of nothing was ever fetched by itself.
        self._spool.keep_unloaded(self._link, fetched, fetched.keys() & before.keys())
        self._ledger.fetched([Offer(self._link, one, len(body)) for one, body in fetched.items()], started)

    def _is_wanted(self, transfer: Transfer) -> bool:
        """Whether the bytes of a bundle that is known are still, or again, to be fetched."""
        if (transfer.state is State.QUARANTINED and not waits_for_person(transfer)) or (
            transfer.state is State.SETTLED and self._lacks(known(transfer.bundle_id), known(transfer.header_hash))
        ):
            self._ledger.advance(Step(transfer, Event.OFFERED_AGAIN, Stage.RECEIVE))
            return True
        return transfer.state is State.OFFERED

    def _set_aside(self, bundle: BundleId, body: memoryview) -> None:
        """Keep the bytes of one bundle for a person to look at."""
        name = bundle_name(bundle)
        part = self._spool.letter(self._link, name)
        disk.write_durably(part, bytes(body))
        self._quarantine.take(part, Suspect(name, self._link, EQUIVOCATION))
