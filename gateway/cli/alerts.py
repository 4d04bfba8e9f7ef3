"""`caseferry alerts`: what was told to whom, and whether a sink takes what it is sent."""

from gateway.alerts.wording import Writer
from gateway.cli.terminal import EXIT_FAILED, Terminal, cell
from gateway.cli.times import clock_text
from gateway.compose.alerting import sinks_of
from gateway.compose.offline import ledger_to_read
from gateway.domain.alerts import Alert, AlertKind, Severity, Told
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, GatewayError, Scope
from gateway.settings.load import Settings
from gateway.words.catalogue import Words
from gateway.words.templates import mark

SHOWN_MAX = 50


def show_alerts(terminal: Terminal, settings: Settings, clock: Clock) -> int:
    """Show the sinks and the newest alerts."""
    with ledger_to_read(settings, clock) as ledger:
        newest, waiting = ledger.alerts.newest(SHOWN_MAX), ledger.alerts.waiting()
        writer = Writer(settings.node.unit, ledger.epoch)
    if terminal.as_json:
        sinks = [
            {
                "name": one.name,
                "kinds": list(one.kinds),
                "least": one.least,
                "waiting": waiting.get(one.name, (0, ""))[0],
            }
            for one in settings.alerts.sinks
        ]
        terminal.emit({"sinks": sinks, "alerts": [_json(alert, told, writer) for alert, told in newest]})
        return 0
    words = terminal.words
    if not settings.alerts.sinks:
        terminal.say(mark("No sink is configured: alerts stand here alone (docs/alerts.md)."))
    for sink in settings.alerts.sinks:
        count, error = waiting.get(sink.name, (0, ""))
        said = mark("Sink {sink}: {count} waiting. {error}")
        terminal.line(words.text(said, sink=sink.name, count=count, error=error).strip())
    if newest:
        table = terminal.table(
            words.text(mark("No.")),
            words.text(mark("Time")),
            words.text(mark("Severity")),
            words.text(mark("What it says")),
            words.text(mark("Taken by")),
            right=(0,),
            folded=(3, 4),
        )
        for alert, told in newest:
            text = writer.wording(alert).texts["en" if words.language == "en" else "zh"]
            severity = alert.severity.name.lower()
            table.add_row(str(alert.id), clock_text(alert.at), severity, cell(text), cell(_taken(told, words)))
        terminal.show(table)
    return 0


def try_sink(terminal: Terminal, settings: Settings, name: str, clock: Clock) -> int:
    """Send one alert that says it is a test; exit 1 if the sink does not take it. The ledger is not asked."""
    sink = next((one for one in sinks_of(settings, clock) if one.name == name), None)
    if sink is None:
        raise ConfigError("sink-unknown", f"no sink {name!r}", scope=Scope.NODE, facts={"sink": name[:63]})
    now = clock.now()
    alert = Alert(now, AlertKind.TEST, Severity.NOTICE, "test", "test", {}, id=int(now))
    try:
        sink.send(Writer(settings.node.unit, 0).wording(alert))
    except GatewayError as error:
        terminal.fail(error, EXIT_FAILED)
    if terminal.as_json:
        terminal.emit({"sink": name, "taken": True})
    terminal.say(mark("Sink {sink} has taken the test alert."), sink=name)
    return 0


def _taken(told: tuple[Told, ...], words: Words) -> str:
    waits = words.text(mark("waits"))
    return ", ".join(one.sink if one.done_at is not None else f"{one.sink} ({one.last_error or waits})" for one in told)


def _json(alert: Alert, told: tuple[Told, ...], writer: Writer) -> dict[str, object]:
    return {
        "id": alert.id,
        "at": alert.at,
        "kind": alert.kind,
        "severity": alert.severity.name.lower(),
        "name": alert.name,
        "text": dict(writer.wording(alert).texts),
        "facts": dict(alert.facts),
        "sinks": [
            {"name": o.sink, "done_at": o.done_at, "attempts": o.attempts, "next_at": o.next_at, "error": o.last_error}
            for o in told
        ],
    }
