"""Bundles that were sealed before our ledger was put back from a backup, and which it does not know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.bundle.envelope import ENVELOPE_MAX, Envelope, parse_envelope
from gateway.domain.errors import PermanentError, TransientError
from gateway.domain.ids import ClaimToken, UnitCode
from gateway.domain.records import Transfer, known
from gateway.folders import disk
from gateway.stages.packed import PackOutcome
from gateway.stages.routes import Recipient
from gateway.stages.routing import Territory


@dataclass(frozen=True, slots=True)
class SealedBefore:
    """`bundles`: by the export they were made of; `reader_of`: whose encryption key it is, by its id."""

    bundles: Mapping[ClaimToken, Path]
    territory: Territory
    reader_of: Callable[[bytes], UnitCode | None]

    def of(self, transfer: Transfer) -> Path | None:
        """Return where the bundle of an export lies; None for most."""
        return self.bundles.get(known(transfer.claim))

    def read(self, bundle: Path, outcome: PackOutcome) -> tuple[Envelope, list[tuple[Recipient, int]]]:
        """Return the envelope of `bundle`, whom it was sealed to and under which numbers, the one first that its export
        is for today.

        Raises PermanentError `recipient-unknown`, why a recipient is not reached, or as `disk.failure` says.
        """
        with disk.mapped(bundle.parent), bundle.open("rb") as source:
            envelope = parse_envelope(source.read(ENVELOPE_MAX))
        readers = [(self.reader_of(one.key_id), one.sequence) for one in envelope.recipients]
        found = [(self.territory.recipient(unit), number) for unit, number in readers if unit is not None]
        if not found:
            raise PermanentError("recipient-unknown", "nobody is known that this bundle was sealed to")
        for one, _number in found:
            if one.link is None:
                raise TransientError(one.lacking, f"no link leads to {one.unit}", facts={"unit": one.unit})
        today = {one.unit: place for place, one in enumerate(outcome.recipients)}
        return envelope, sorted(found, key=lambda one: today.get(one[0].unit, len(today)))
