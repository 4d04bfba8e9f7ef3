"""Has a running node reconcile at once, and waits for the report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.compose.offline import ledger_to_change, ledger_to_read, ring_bell
from gateway.compose.outlook import look_at_daemon
from gateway.compose.reconciling import REPORTS_FOLDER
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, GatewayError, PermanentError, Scope
from gateway.domain.ids import TransferId
from gateway.settings.load import Settings
from gateway.stages.reconcile_report import read

ON_COMMAND = "command"
"""Why a round is made, in the ledger."""
GRACE_SECONDS = 30.0
"""Beyond the time for answers: for the daemon to begin, to compare and to write."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a round is: parties that were asked (0: not yet), and papers that were answered."""

    asked: int
    answered: int


def reconcile(
    settings: Settings, clock: Clock, wait: float, *, pause: Callable[[], None], tell: Callable[[Progress], None]
) -> Mapping[str, object]:
    """Have a round made, wait for its end and return its report (`reconcile_report.as_json`).

    wait: seconds that the parties have to answer.   pause: sleeps a moment.   tell: shows how far it is.
    Raises ConfigError `gateway-not-running`, PermanentError `reconcile-unfinished`, `report-missing`.
    """
    if look_at_daemon(settings, clock.now()).pid is None:
        raise ConfigError("gateway-not-running", "no daemon runs that could ask anybody", scope=Scope.NODE)
    with ledger_to_change(settings, clock) as ledger:
        wanted = ledger.reconciling.want(ON_COMMAND, wait)
    ring_bell(settings)
    until = clock.monotonic() + wait + GRACE_SECONDS
    with ledger_to_read(settings, clock) as ledger:
        while True:
            current = ledger.reconciling.get(wanted.id)
            if current is not None and current.done_at is not None:
                break
            asked = ledger.reconciling.answers(wanted.id)
            tell(Progress(len(asked), sum(one.answered_at is not None for one in asked)))
            if clock.monotonic() > until:
                raise PermanentError("reconcile-unfinished", "the daemon has not ended the round in time")
            pause()
    found = read(settings.paths.state / REPORTS_FOLDER, current.done_at, None, wanted.id)
    if found is None:
        raise PermanentError("report-missing", f"no report of round {wanted.id} is there")
    return found


def export_names(settings: Settings, clock: Clock, transfers: list[int]) -> Mapping[int, str]:
    """Return by transfer the name of its export, which the report leaves out; what the ledger has lost is left out."""
    found: dict[int, str] = {}
    with ledger_to_read(settings, clock) as ledger:
        for number in transfers:
            try:
                found[number] = ledger.get(TransferId(number)).export_name
            except GatewayError:
                continue
    return found
