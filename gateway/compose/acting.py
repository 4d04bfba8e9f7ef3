"""What an operator may do to a transfer: each is recorded with who and why, and a running daemon looks at once."""

from collections.abc import Callable

from gateway.compose.offline import ledger_to_change, ring_bell
from gateway.domain.clock import Clock
from gateway.domain.errors import PermanentError
from gateway.domain.ids import TransferId
from gateway.domain.lifecycle import Event, is_legal
from gateway.domain.records import Transfer
from gateway.ledger.store import Ledger
from gateway.settings.load import Settings

BY_PERSON = "held-by-person"
"""Hold code of what a person stopped by hand."""


class Operator:
    """One person at the command line: `actor` is the login name that is recorded with every action."""

    def __init__(self, settings: Settings, actor: str, clock: Clock) -> None:
        self._settings = settings
        self._actor = actor
        self._clock = clock

    def retry(self, transfer: TransferId) -> Transfer:
        """Have the owed effect tried at once; PermanentError `transfer-held`, `transfer-ended`, `no-such-transfer`."""
        return self._do(transfer, lambda ledger, found: ledger.retry_now(found, self._actor))

    def hold(self, transfer: TransferId, why: str) -> Transfer:
        """Stop a transfer until somebody releases it; PermanentError `transfer-ended`, `no-such-transfer`."""
        return self._do(transfer, lambda ledger, found: ledger.hold(found, BY_PERSON, self._actor, why))

    def release(self, transfer: TransferId, why: str) -> Transfer:
        """Take the hold off; PermanentError `transfer-not-held`, `no-such-transfer`."""

        def work(ledger: Ledger, found: Transfer) -> Transfer:
            if found.hold_code is None:
                raise PermanentError("transfer-not-held", f"transfer {found.id} is not held", facts={"id": found.id})
            return ledger.release(found, self._actor, why)

        return self._do(transfer, work)

    def close(self, transfer: TransferId, why: str) -> Transfer:
        """End a transfer for good; PermanentError `transfer-unclosable` where its state does not allow it."""

        def work(ledger: Ledger, found: Transfer) -> Transfer:
            if not is_legal(found.direction, found.state, Event.CLOSED):
                raise PermanentError(
                    "transfer-unclosable",
                    f"transfer {found.id} is {found.state}",
                    facts={"id": found.id, "state": found.state},
                )
            return ledger.close_transfer(found, self._actor, why)

        return self._do(transfer, work)

    def _do(self, transfer: TransferId, work: Callable[[Ledger, Transfer], Transfer]) -> Transfer:
        with ledger_to_change(self._settings, self._clock) as ledger:
            changed = work(ledger, ledger.get(transfer))
        ring_bell(self._settings)
        return changed
