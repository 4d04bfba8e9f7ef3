"""Commands by which a person acts: on a transfer or a link (retry, hold, release, close), on a thing in quarantine."""

from types import MappingProxyType

from gateway.cli.shapes import decision_json, transfer_json
from gateway.cli.terminal import Terminal
from gateway.compose.acting import Operator
from gateway.compose.asides import SHOWN
from gateway.compose.offline import login_name
from gateway.daemon.lock import running_pid
from gateway.domain.clock import SystemClock
from gateway.domain.errors import ConfigError, Scope
from gateway.domain.ids import TransferId
from gateway.domain.records import Action, Transfer
from gateway.settings.load import Settings
from gateway.words.templates import mark

_DECIDED = MappingProxyType(
    {
        Action.RECHECK: mark("{thing} is checked anew; nothing is waived."),
        Action.RELEASE: mark("{thing} is checked anew without the rule that kept it out."),
        Action.REJECT: mark("{thing} is rejected; the sender gets a refusing receipt."),
        Action.CLOSE: mark("{thing} is closed; its bytes stay until timing.keep_quarantine has passed."),
    }
)
_AT_ONCE = mark("The gateway carries it out now: caseferry quarantine list shows the outcome.")
_ONCE_IT_RUNS = mark("The gateway does not run; it is carried out as soon as it does.")


def retry(terminal: Terminal, settings: Settings, transfer: int, why: str) -> None:
    """Have a transfer tried at once."""
    changed = _operator(settings).retry(TransferId(transfer), why.strip())
    _tell(terminal, changed, mark("Transfer {id} is tried again now."))


def retry_link(terminal: Terminal, settings: Settings, link: str, why: str) -> None:
    """Have a link tried at once, with all that waits on it."""
    count = _operator(settings).retry_link(link, why.strip())
    if terminal.as_json:
        terminal.emit({"link": link, "transfers": count})
    else:
        terminal.say(
            mark("Link {link} is tried now; {count} transfers that were to wait go with it."), link=link, count=count
        )


def hold(terminal: Terminal, settings: Settings, transfer: int, why: str) -> None:
    """Stop a transfer."""
    changed = _operator(settings).hold(TransferId(transfer), checked_reason(why))
    _tell(terminal, changed, mark("Transfer {id} is held; it goes on after: caseferry release {id} --why ..."))


def release(terminal: Terminal, settings: Settings, transfer: int, why: str) -> None:
    """Let a held transfer go on."""
    changed = _operator(settings).release(TransferId(transfer), checked_reason(why))
    _tell(terminal, changed, mark("Transfer {id} is released and goes on now."))


def close(terminal: Terminal, settings: Settings, transfer: int, why: str) -> None:
    """End a transfer for good."""
    changed = _operator(settings).close(TransferId(transfer), checked_reason(why))
    _tell(terminal, changed, mark("Transfer {id} is closed; nothing more happens to it."))


def decide(terminal: Terminal, settings: Settings, action: Action, beginning: str, why: str) -> None:
    """Record what is to become of a thing in quarantine."""
    decision = _operator(settings).decide(action, beginning, checked_reason(why))
    if terminal.as_json:
        terminal.emit({"decision": decision_json(decision)})
        return
    terminal.say(_DECIDED[action], thing=str(decision.thing)[:SHOWN])
    if decision.done_at is None:
        running = running_pid(settings.paths.state) is not None
        terminal.say(_AT_ONCE if running else _ONCE_IT_RUNS)


def _operator(settings: Settings) -> Operator:
    return Operator(settings, login_name(), SystemClock())


def checked_reason(why: str) -> str:
    """Return the reason that a person gave; ConfigError `reason-missing` if it says nothing."""
    if not why.strip():
        raise ConfigError("reason-missing", "the reason is empty", scope=Scope.NODE)
    return why.strip()


def _tell(terminal: Terminal, changed: Transfer, text: str) -> None:
    if terminal.as_json:
        terminal.emit({"transfer": transfer_json(changed)})
    else:
        terminal.say(text, id=changed.id)
