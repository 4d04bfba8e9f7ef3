"""What a hub answers to a bundle that it does not carry: one signed refusal for each recipient that it knows."""

from collections.abc import Callable

from gateway.bundle.envelope import Envelope
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError, TransientError
from gateway.domain.ids import UnitCode
from gateway.domain.records import ReceiptCode, ReceiptRecord, Transfer, known
from gateway.ledger.store import Ledger
from gateway.stages.onward import Onward
from gateway.stages.statements import ReceiptPen

OFF_THE_WAY = "off-the-way"
"""Code of what a unit brought that is neither its sender nor a hub."""


class HubRefusals:
    """Signs refusals and keeps them with the arrival, whose step takes the last of them."""

    def __init__(
        self,
        *,
        unit: UnitCode,
        ledger: Ledger,
        pen: ReceiptPen,
        onward: Onward,
        unit_of: Callable[[bytes], UnitCode | None],
        clock: Clock,
    ) -> None:
        """unit_of: who can open what is wrapped to an encryption key, by its 32 bytes."""
        self._unit = unit
        self._ledger = ledger
        self._pen = pen
        self._onward = onward
        self._unit_of = unit_of
        self._clock = clock

    def keep(
        self, arrival: Transfer, envelope: Envelope, origin: UnitCode, code: ReceiptCode, reason: str
    ) -> ReceiptRecord:
        """Keep a refusal for all but one of those to whom it would have gone from here, and return that one's, to be
        recorded with the step.

        May be repeated: the sender's transfer is ended by the first. Raises PermanentError `quarantine-unanswerable`
        if no recipient is known, or who brought it had no business with it: a refusal would end a transfer that goes
        its own way.
        """
        if reason == OFF_THE_WAY:
            raise PermanentError("quarantine-unanswerable", "it came off its way", facts={"code": reason})
        now = self._clock.now()
        numbers = {unit: one.sequence for one in envelope.recipients if (unit := self._unit_of(one.key_id)) is not None}
        is_ours = numbers.keys() & {self._unit}
        share = self._onward.share(numbers.keys() - is_ours, known(arrival.link), is_ours=bool(is_ours))
        words = [
            self._pen.about(
                envelope,
                origin=origin,
                recipient=unit,
                sequence=numbers[unit],
                code=code,
                reasons=(reason,),
                now=now,
            )
            for unit in sorted((*share, *is_ours))
        ]
        records = self._pen.signed(words)
        if not records:
            raise PermanentError("quarantine-unanswerable", "no recipient is known", facts={"code": reason})
        for record in records[:-1]:
            self._ledger.keep_receipt(arrival, record)
        return records[-1]


def reaches_further(error: GatewayError) -> bool:
    """Whether the error says nothing against the bundle: the line, our disk, or what our roster does not know yet."""
    return isinstance(error, TransientError) or error.code in OUR_LACK


OUR_LACK = frozenset({"recipient-unknown", "no-way-onward"})
"""What a newer roster or another link of ours may mend: the bundle is held and waits."""
