"""Commands that change one transfer: retry, hold, release, close."""

from gateway.cli.shapes import transfer_json
from gateway.cli.terminal import Terminal
from gateway.compose.acting import Operator
from gateway.compose.offline import login_name
from gateway.domain.clock import SystemClock
from gateway.domain.errors import ConfigError, Scope
from gateway.domain.ids import TransferId
from gateway.domain.records import Transfer
from gateway.settings.load import Settings
from gateway.words.templates import mark


def retry(terminal: Terminal, settings: Settings, transfer: int) -> None:
    """Have a transfer tried at once."""
    changed = _operator(settings).retry(TransferId(transfer))
    _tell(terminal, changed, mark("Transfer {id} is tried again now."))


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
