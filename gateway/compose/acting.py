"""What an operator may do to a transfer, a link, or a thing in quarantine: each is recorded with who and why, and a
running daemon looks at once."""

from collections.abc import Callable

from gateway.compose.offline import ledger_to_change, link_named, ring_bell
from gateway.domain.answers import Word
from gateway.domain.clock import Clock
from gateway.domain.errors import PermanentError
from gateway.domain.ids import LinkName, TransferId
from gateway.domain.lifecycle import Event, State, is_legal
from gateway.domain.records import Action, Decision, Facts, Stage, Step, Transfer
from gateway.folders.quarantine import Quarantine
from gateway.ledger.store import Ledger
from gateway.settings.load import Settings
from gateway.stages.aside import SetAside, everything, one, others
from gateway.stages.deciding import check

BY_PERSON = "held-by-person"
"""Hold code of what a person stopped by hand."""


class Operator:
    """One person at the command line: `actor` is the login name that is recorded with every action."""

    def __init__(self, settings: Settings, actor: str, clock: Clock) -> None:
        self._settings = settings
        self._actor = actor
        self._clock = clock

    def retry(self, transfer: TransferId, why: str = "") -> Transfer:
        """Have the owed effect tried at once, by its link too if that rests; PermanentError `transfer-held`,
        `transfer-ended`, `no-such-transfer`."""
        return self._do(transfer, lambda ledger, found: ledger.retry_now(found, self._actor, why))

    def retry_link(self, link: str, why: str = "") -> int:
        """Have a link tried at once, and with it what backs off on it; return how many transfers those are.

        ConfigError `link-unknown`.
        """
        name = LinkName(link_named(self._settings, link).name)
        with ledger_to_change(self._settings, self._clock) as ledger:
            number = ledger.retry_link(name, self._actor, why)
        ring_bell(self._settings)
        return number

    def decide(self, action: Action, beginning: str, why: str) -> Decision:
        """Record what is to become of the thing in quarantine whose id begins so; the daemon carries it out.

        PermanentError `decision-pending`, as `Quarantine.find`, or as `deciding.check` says.
        """
        quarantine = Quarantine(self._settings.paths.quarantine)
        with ledger_to_change(self._settings, self._clock) as ledger:
            aside = one(quarantine, ledger, beginning)
            check(aside, action)
            note = aside.thing.note
            wanted = Decision(
                0,
                0.0,
                self._actor,
                action,
                aside.thing.id,
                note.subject,
                note.link,
                None if aside.transfer is None else aside.transfer.id,
                note.code,
                why,
            )
            steps = self._closing(aside, quarantine, ledger, why) if action is Action.CLOSE else ()
            decided = ledger.decisions.decide(wanted, steps=steps, done=action is Action.CLOSE)
        ring_bell(self._settings)
        return decided

    def _closing(self, aside: SetAside, quarantine: Quarantine, ledger: Ledger, why: str) -> tuple[Step, ...]:
        """Return the end of the transfer that waits with this thing alone."""
        transfer = aside.transfer
        if transfer is None or transfer.state is not State.QUARANTINED:
            return ()
        if others(aside, everything(quarantine, ledger)):
            return ()
        return (Step(transfer, Event.CLOSED, Stage.OPEN, Facts(note=why), actor=self._actor),)

    def say(self, word: Word, transfer: TransferId, why: str, request: TransferId | None = None) -> Transfer:
        """Say what a reply answers, or that it goes without a request, or back; PermanentError `reply-not-waiting`,
        `reply-request-unfit`, `no-such-transfer`."""

        def work(ledger: Ledger, found: Transfer) -> Transfer:
            ledger.answers.say(found, word, self._actor, why, request)
            return ledger.get(found.id)

        return self._do(transfer, work)

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
