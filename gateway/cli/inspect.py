"""`caseferry inspect`: what would happen to an export; what was read, every finding, who mends it."""

from pathlib import Path

from gateway.cli.terminal import EXIT_FAILED, EXIT_REFUSED, Terminal, cell
from gateway.cli.times import size_text
from gateway.compose.inspecting import Inspection, guarded, inspect_export
from gateway.settings.load import Settings
from gateway.stages.routing import Choice
from gateway.standard.business import SAME
from gateway.standard.defects import rows_of
from gateway.standard.findings import Finding, Verdict, by_mender
from gateway.words.catalogue import Words
from gateway.words.language import LANGUAGES
from gateway.words.templates import mark

VALUE_MAX = 80
"""Characters of a value that the table shows; JSON has all of it."""

_OUTCOMES = (
    (Verdict.REJECT, "refused", EXIT_REFUSED, mark("It would be refused and given back.")),
    (Verdict.HOLD, "held", EXIT_FAILED, mark("It would be held until a named person releases it.")),
    (Verdict.WAIT, "waits", EXIT_FAILED, mark("It would wait: the export is not complete yet.")),
    (Verdict.WARN, "sendable", 0, mark("It would be sent, with marks for the recipient.")),
    (Verdict.FIX, "sendable", 0, mark("It would be sent, put in order.")),
    (Verdict.PASS, "sendable", 0, mark("It would be sent.")),
)


def inspect(
    terminal: Terminal, settings: Settings | None, config: Path | None, export: Path, *, packer: str, route: str
) -> int:
    """Show what would happen to `export` on the node of `config`; return 0 sendable, 1 held or waiting, 2 refused."""
    found = inspect_export(export, settings, config, packer=packer, route=route)
    outcome, code, sentence = next(
        (name, code, sentence) for verdict, name, code, sentence in _OUTCOMES if verdict is found.verdict
    )
    if outcome == "sendable" and any(finding.code == SAME for finding in found.findings):
        outcome, sentence = "duplicate", mark("It would not be sent again: the same was sent before.")
    if terminal.as_json:
        terminal.emit(_json(found, outcome, terminal.words))
    else:
        _print(terminal, found, sentence)
    return code


def _json(found: Inspection, outcome: str, words: Words) -> dict[str, object]:
    package = found.package
    choices = found.decision.choices if found.decision else ()
    recipient = choices[0].recipient if choices else None
    return {
        "export": found.export,
        "packer": found.packer,
        "route": found.route,
        "recipient": recipient.unit if recipient else None,
        "link": recipient.link if recipient else None,
        "recipients": [
            {"unit": one.recipient.unit, "link": one.recipient.link, "how": one.how, "rule": one.place}
            | {"way": list(found.ways.get(one.recipient.unit, ()))}
            for one in choices
        ],
        "outcome": outcome,
        "verdict": found.verdict,
        "flow": package.flow,
        "case_no": package.case_no,
        "case_name": guarded(package.case_name),
        "sender": package.sender_code,
        "receiver": package.receiver_code,
        "persons": len(package.persons),
        "documents": len(package.documents),
        "volumes": len(package.volumes),
        "members": found.members,
        "size": found.size,
        "fields": [
            {"name": one.name, "label": one.label, "value": one.value, "file": one.file, "line": one.line}
            for one in found.fields
        ],
        "findings": [_finding_json(finding, words) for finding in found.findings],
        "menders": {
            mender: [one.code for one in found.findings if one.mender == mender]
            for mender in dict.fromkeys(one.mender for one in by_mender(found.findings))
        },
    }


def _finding_json(finding: Finding, words: Words) -> dict[str, object]:
    explained, place = words.finding(finding), finding.place
    return {
        "code": finding.code,
        "rows": list(rows_of(finding.code)),
        "verdict": finding.verdict,
        "what": guarded(explained.what),
        "why": guarded(explained.why),
        "do": guarded(explained.do),
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "field": place.field,
        "value": guarded(finding.value),
        "expected": guarded(finding.expected),
        "mender": finding.mender,
        "alarm": finding.alarm,
        "sentences": {
            language: guarded(str((words if words.language == language else Words(language)).finding(finding)))
            for language in LANGUAGES
        },
    }


def _print(terminal: Terminal, found: Inspection, sentence: str) -> None:
    words, package = terminal.words, found.package
    choices = found.decision.choices if found.decision else ()
    terminal.line(words.text(sentence), style="bold" if found.verdict in (Verdict.PASS, Verdict.FIX) else "bold red")
    for label, value in (
        (words.text(mark("Export")), found.export),
        (words.text(mark("Packer")), found.packer),
        (words.text(mark("Route")), found.route),
        (words.text(mark("Recipient")), "; ".join(_reached(found, one) for one in choices[:1])),
        (words.text(mark("Copies")), "; ".join(_reached(found, one) for one in choices[1:])),
        (words.text(mark("Flow")), package.flow),
        (words.text(mark("Case")), " ".join(filter(None, (package.case_no, guarded(package.case_name))))),
        (
            words.text(mark("Content")),
            words.text(
                mark("{members} files, {size}; {persons} persons, {documents} documents, {volumes} volumes"),
                members=found.members,
                size=size_text(found.size),
                persons=len(package.persons),
                documents=len(package.documents),
                volumes=len(package.volumes),
            ),
        ),
    ):
        if value:
            terminal.line(f"  {label}: {cell(value)}")
    told = ""
    for number, finding in enumerate(by_mender(found.findings), start=1):
        if finding.mender != told:
            told = finding.mender
            terminal.line(words.text(mark("To be mended by: {mender}"), mender=words.mender(told)), style="bold")
        _print_finding(terminal, number, finding)
    if found.fields:
        _print_fields(terminal, found)


def _reached(found: Inspection, choice: Choice) -> str:
    """Return a recipient with the link and, where it is no neighbour, the way by which it is reached."""
    recipient = choice.recipient
    way = found.ways.get(recipient.unit, ())
    shown = (recipient.unit, recipient.link and f"({recipient.link})", " > ".join(way) if len(way) > 2 else "")
    return " ".join(filter(None, shown))


def _print_fields(terminal: Terminal, found: Inspection) -> None:
    words = terminal.words
    table = terminal.table(
        words.text(mark("Field")), words.text(mark("Value")), words.text(mark("Place")), folded=(0, 1, 2)
    )
    for one in found.fields:
        value = one.value if len(one.value) <= VALUE_MAX else f"{one.value[: VALUE_MAX - 1]}…"
        place = f"{one.file}:{one.line}" if one.line else one.file
        table.add_row(cell(f"{one.label} {one.name}".strip()), cell(value), cell(place))
    terminal.show(table)


def _print_finding(terminal: Terminal, number: int, finding: Finding) -> None:
    words = terminal.words
    explained = words.finding(finding)
    code = " ".join((finding.code, *rows_of(finding.code)))
    alarm = words.text(mark("the security administrator is told")) if finding.alarm else ""
    verdict = ", ".join(filter(None, (words.verdict(finding.verdict), alarm)))
    terminal.line(f"{number}. {code}  {verdict}", style="bold")
    place = words.place(finding.place)
    value = "  ->  ".join(filter(None, (guarded(finding.value), guarded(finding.expected))))
    for text in (guarded(explained.what), guarded(explained.why), place, value, guarded(explained.do)):
        if text:
            terminal.line(f"   {text}")
