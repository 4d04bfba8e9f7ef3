"""What a hub answers to a bundle that it does not carry: one signed refusal for each recipient that it knows."""

from collections.abc import Callable

from gateway.bundle.envelope import Envelope
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError, TransientError
from gateway.domain.ids import UnitCode
from gateway.domain.records import ReceiptCode, ReceiptRecord, Transfer
from gateway.ledger.store import Ledger
from gateway.stages.statements import ReceiptPen


class HubRefusals:
    """Signs refusals and keeps them with the arrival, whose step takes the last of them."""

    def __init__(
        self, ledger: Ledger, pen: ReceiptPen, unit_of: Callable[[bytes], UnitCode | None], clock: Clock
    ) -> None:
        """unit_of: who can open what is wrapped to an encryption key, by its 32 bytes."""
        self._ledger = ledger
        self._pen = pen
        self._unit_of = unit_of
        self._clock = clock

    def keep(
        self, arrival: Transfer, envelope: Envelope, origin: UnitCode, code: ReceiptCode, reason: str
    ) -> ReceiptRecord:
        """Keep a refusal for every known recipient but one, and return that one's, to be recorded with the step.

        May be repeated: the sender's transfer is ended by the first. Raises PermanentError `quarantine-unanswerable`
        if no recipient is known.
        """
        now = self._clock.now()
        records = [
            self._pen.sign_for(
                envelope,
                origin=origin,
                recipient=unit,
                sequence=one.sequence,
                code=code,
                reasons=(reason,),
                now=now,
            )
            for one in envelope.recipients
            if (unit := self._unit_of(one.key_id)) is not None
        ]
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
