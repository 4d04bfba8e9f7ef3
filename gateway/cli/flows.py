"""`caseferry flows`: the exchange standard of this node, told to people, and whether its files are sound."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

from gateway.cli.flow_words import CALENDARS, GROUPS, KINDS, UNITS, basis_text, chosen, clock_text, duration_text, named
from gateway.cli.route import LANES
from gateway.cli.terminal import EXIT_FAILED, Terminal, cell
from gateway.domain.errors import ConfigError, Scope
from gateway.settings.complaints import TEMPLATES, nearest
from gateway.settings.standard_reading import check_files, check_own_standard
from gateway.standard.catalogue import Deadline, Documents, Flow, Reply, Standard
from gateway.standard.loading import load_standard, packaged_files, place_of
from gateway.words.catalogue import Words
from gateway.words.templates import mark


def list_flows(terminal: Terminal, config: Path, day: date, *, role: str, group: str) -> int:
    """List the flows that count on `day`; return 0. `role`, `group`: only those in which it takes part."""
    standard = _standard(config)
    if role:
        _known(role, standard.roles, "role-not-there")
    if group:
        _known(group, GROUPS, "group-not-there")
    found = [
        one
        for one in standard.on(day).flows()
        if (not group or one.group == group) and (not role or role in (*one.senders, *one.receivers, *one.cc))
    ]
    if terminal.as_json:
        terminal.emit({"day": day.isoformat(), "digest": standard.digest, "flows": [_head(one) for one in found]})
        return 0
    words = terminal.words
    table = terminal.table(
        words.text(mark("Class")),
        words.text(mark("Flow")),
        words.text(mark("Name")),
        words.text(mark("From, to")),
        words.text(mark("Lane")),
        right=(0,),
        folded=(2, 3),
    )
    for one in found:
        way = f"{', '.join(one.senders)} > {', '.join(one.receivers)}"
        table.add_row(str(one.number), one.code, cell(named(one, words)), way, words.text(LANES[one.lane]))
    terminal.show(table)
    terminal.say(mark("Flows: {count}."), count=len(found))
    return 0


def show_flow(terminal: Terminal, config: Path, day: date, code: str) -> int:
    """Tell everything of the flow `code`, or of the one that the reply `code` answers; return 0."""
    whole = _standard(config)
    standard = whole.on(day)
    reply = standard.reply(code)
    flow = standard.flow(reply.request if reply is not None else code)
    if flow is None:
        _known(code, standard.names(), "flow-not-there")
        raise _not_there("flow-not-there", code, "-")
    if terminal.as_json:
        terminal.emit(_whole(flow, standard, [one for one in whole.editions if one.code == flow.code]))
    else:
        for line in _lines(flow, standard, terminal.words):
            terminal.line(line)
    return 0


def check_flows(terminal: Terminal, folder: Path | None, config: Path) -> int:
    """Say what is wrong with the files of the standard in `folder`, else in that of the node; return 0 if nothing."""
    home = folder or config
    found = check_own_standard(home)
    # Without files of one's own the question is about the packaged ones.
    own, complaints = (
        found.own,
        found.complaints or (() if found.own else check_files(None, packaged_files()).complaints),
    )
    if terminal.as_json:
        said = [
            {"file": one.file, "line": one.line, "column": one.column, "code": one.code}
            | {"what": terminal.words.text(TEMPLATES[one.code][0], **one.facts)}
            | {"do": terminal.words.text(TEMPLATES[one.code][1], **one.facts)}
            for one in complaints
        ]
        terminal.emit({"ok": not complaints, "own": [str(one) for one in own], "complaints": said})
    else:
        for one in complaints:
            what, do = (terminal.words.text(part, **one.facts) for part in TEMPLATES[one.code])
            terminal.line(f"{one.place}: {what}; {do}")
        if complaints:
            terminal.say(mark("Faults: {count}."), count=len(complaints))
        elif own:
            terminal.say(
                mark("All in order: {count} files of {folder} and the packaged standard."), count=len(own), folder=home
            )
        else:
            terminal.say(mark("All in order: the packaged standard; {folder} adds nothing to it."), folder=home)
    return EXIT_FAILED if complaints else 0


def _standard(config: Path) -> Standard:
    return load_standard(place_of(config))


def _known(name: str, known: Iterable[str], code: str) -> None:
    choices = list(known)
    if name not in choices:
        raise _not_there(code, name, nearest(name, choices) or "-")


def _not_there(code: str, name: str, near: str) -> ConfigError:
    return ConfigError(code, f"there is no {name[:60]}", scope=Scope.NODE, facts={"name": name[:60], "near": near})


# -- for machines -----------------------------------------------------------------------------------------------------


def _head(flow: Flow) -> dict[str, object]:
    return {
        "code": flow.code,
        "zh": flow.zh,
        "en": flow.en,
        "version": flow.life.version,
        "effective_from": flow.life.since.isoformat(),
        "effective_until": flow.life.until.isoformat() if flow.life.until is not None else None,
        "group": flow.group,
        "unit": flow.unit,
        "class": flow.number,
        "lane": flow.lane.name.lower(),
        "profile": flow.profile,
        "senders": list(flow.senders),
        "receivers": list(flow.receivers),
        "cc": list(flow.cc),
        "reply": flow.reply.code if flow.reply is not None else None,
    }


def _whole(flow: Flow, standard: Standard, editions: Sequence[Flow]) -> dict[str, object]:
    return {
        **_head(flow),
        "editions": [
            {
                "version": one.life.version,
                "effective_from": one.life.since.isoformat(),
                "effective_until": one.life.until.isoformat() if one.life.until is not None else None,
            }
            for one in editions
        ],
        "aliases": list(flow.aliases),
        "size_class": flow.size_class,
        "trigger": flow.trigger,
        "trigger_en": flow.trigger_en,
        "business": [{"format": form, "codes": list(codes)} for form, codes in flow.business.items()],
        "key": list(flow.key),
        "grant": flow.grant,
        "documents": [_document_json(row, standard) for row in documents_of(flow.documents)],
        "fields": [_field_json(name, standard, is_required=True) for name in flow.required]
        + [_field_json(name, standard, is_required=False) for name in flow.optional],
        "checks": [
            {"code": name, "severity": severity_of(flow, name, standard), "basis": list(standard.checks[name].basis)}
            for name in flow.checks
        ],
        "deadlines": [_term_json(one) for one in flow.deadlines],
        "answer": _reply_json(flow.reply, standard) if flow.reply is not None else None,
        "notes": flow.notes,
        "notes_en": flow.notes_en,
    }


def _document_json(row: "Paper", standard: Standard) -> dict[str, object]:
    need, code, when, severity = row
    kind = standard.documents[code]
    return {
        "code": code,
        "zh": kind.zh,
        "en": kind.en,
        "need": need,
        "when": when,
        "severity": severity,
        "signed": kind.signed,
        "pii": kind.pii,
    }


def _field_json(name: str, standard: Standard, *, is_required: bool) -> dict[str, object]:
    kind = standard.fields[name]
    return {"code": name, "zh": kind.zh, "en": kind.en, "required": is_required, "pii": kind.pii, "mask": kind.mask}


def _term_json(term: Deadline) -> dict[str, object]:
    return {
        "id": term.id,
        "zh": term.zh,
        "en": term.en,
        "kind": term.kind,
        "owner": term.owner,
        "clock": term.clock,
        "when": term.when,
        "limit": term.limit,
        "calendar": term.calendar,
        "amber": term.amber,
        "red": term.red,
        "extensions": [{"limit": one.limit, "when": one.when} for one in term.extensions],
        "basis": list(term.basis),
        "note": term.note,
    }


def _reply_json(reply: Reply, standard: Standard) -> dict[str, object]:
    return {
        "code": reply.code,
        "zh": reply.zh,
        "en": reply.en,
        "class": reply.number,
        "lane": reply.lane.name.lower(),
        "per": reply.per,
        "business": [{"format": form, "codes": list(codes)} for form, codes in reply.business.items()],
        "cc": list(reply.cc),
        "documents": [_document_json(row, standard) for row in documents_of(reply.documents)],
        "fields": list(reply.fields),
    }


# -- for people -------------------------------------------------------------------------------------------------------

Paper = tuple[str, str, str, str]
"""How a document is needed (`required`, `if`, `one-of-<n>`, `optional`), its slug, the condition, the severity."""

_NEEDS = {"required": mark("required"), "if": mark("required if {when}"), "optional": mark("may be there")}


def documents_of(documents: Documents) -> Iterator[Paper]:
    """Yield every document of a flow or reply with how it is needed."""
    yield from (("required", one, "", "reject") for one in documents.required)
    for some in documents.required_if:
        yield from (("if", one, some.when, some.severity) for one in some.documents)
    for n, some_of in enumerate(documents.one_of, 1):
        yield from ((f"one-of-{n}", one, "", "reject") for one in some_of)
    yield from (("optional", one, "", "") for one in documents.optional)


def severity_of(flow: Flow, check: str, standard: Standard) -> str:
    """Return what a check of the flow does when it strikes."""
    return flow.severities.get(check) or standard.checks[check].severity


def _lines(flow: Flow, standard: Standard, words: Words) -> Iterator[str]:
    def row(label: str, value: str) -> str:
        return f"  {label}: {cell(value)}"

    def roles(codes: Iterable[str]) -> str:
        return ", ".join(named(standard.roles[one], words) for one in codes) or "-"

    yield f"{flow.code}  {named(flow, words)}"
    yield row(words.text(mark("Arises")), chosen(flow.trigger, flow.trigger_en, words))
    yield row(words.text(mark("Group")), words.text(GROUPS.get(flow.group, flow.group)))
    yield row(words.text(mark("One export is about")), words.text(UNITS.get(flow.unit, flow.unit)))
    yield row(words.text(mark("Class, lane")), f"{flow.number}, {words.text(LANES[flow.lane])}")
    yield row(words.text(mark("Edition")), f"{flow.life.version}, {flow.life.since} - {flow.life.until or ''}".rstrip())
    yield row(words.text(mark("From")), roles(flow.senders))
    yield row(words.text(mark("To")), roles(flow.receivers))
    yield row(words.text(mark("Copies")), roles(flow.cc))
    yield row(words.text(mark("Masking")), flow.profile)
    for form, codes in flow.business.items():
        yield row(words.text(mark("Called in format {form}"), form=form), ", ".join(codes))
    yield from _papers(flow.documents, standard, words)
    yield words.text(mark("Fields"))
    yield row(words.text(mark("must be filled")), _fields(flow.required, standard, words))
    yield row(words.text(mark("may be filled")), _fields(flow.optional, standard, words))
    yield words.text(mark("Checks"))
    for name in flow.checks:
        kind = standard.checks[name]
        yield row(f"{name} ({severity_of(flow, name, standard)})", chosen(kind.rule, kind.rule_en, words))
    if flow.deadlines:
        yield words.text(mark("Terms"))
    for term in flow.deadlines:
        yield from _term(term, standard, words)
    if flow.reply is not None:
        reply = flow.reply
        yield words.text(mark("Answer: {code}  {name}"), code=reply.code, name=named(reply, words))
        yield row(words.text(mark("Class, lane")), f"{reply.number}, {words.text(LANES[reply.lane])}")
        yield from _papers(reply.documents, standard, words)
        yield row(words.text(mark("Fields")), _fields(reply.fields, standard, words))
    if flow.notes:
        yield words.text(mark("Remark: {text}"), text=chosen(flow.notes, flow.notes_en, words))


def _papers(documents: Documents, standard: Standard, words: Words) -> Iterator[str]:
    yield words.text(mark("Documents"))
    for need, code, when, _severity in documents_of(documents):
        if need.startswith("one-of-"):
            how = words.text(mark("one of the sets, set {number}"), number=need.removeprefix("one-of-"))
        else:
            how = words.text(_NEEDS[need], when=when)
        yield f"  {cell(named(standard.documents[code], words))} ({code}): {how}"


def _fields(names: Iterable[str], standard: Standard, words: Words) -> str:
    return ", ".join(f"{named(standard.fields[one], words)} ({one})" for one in names) or "-"


def _term(term: Deadline, standard: Standard, words: Words) -> Iterator[str]:
    yield f"  {term.id}: {cell(named(term, words))}"
    calendar = words.text(CALENDARS[term.calendar])
    yield f"    {duration_text(term.limit, words)} {clock_text(term.clock, standard, words)}, {calendar}"
    condition = f", {term.when}" if term.when else ""
    yield f"    {words.text(KINDS[term.kind])} ({term.owner}){condition}"
    yield f"    {basis_text(term.basis, standard, words)}"
    for one in term.extensions:
        yield (
            "    "
            + words.text(mark("may be extended to {limit}"), limit=duration_text(one.limit, words))
            + (f", {one.when}" if one.when else "")
        )
