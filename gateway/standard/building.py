"""From the values of the standard's files, each of which is text, to the values of the standard."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from gateway.domain.records import Priority
from gateway.standard.catalogue import (
    REPLY_CLASSES,
    CheckKind,
    Code,
    CodeTable,
    Deadline,
    DocumentKind,
    Documents,
    Extension,
    FieldKind,
    Flow,
    Holidays,
    Law,
    Life,
    Reply,
    RequiredIf,
)
from gateway.standard.charges import Chapter, ChargeRule, Charges
from gateway.standard.profiles import RULES, Profile

_SPAN = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?")


def _texts_of(one: Any) -> tuple[str, ...]:
    return tuple(one or ())


def _life(raw: Any) -> Life:
    until = raw.get("effective_until")
    return Life(raw["version"], date.fromisoformat(raw["effective_from"]), date.fromisoformat(until) if until else None)


def _documents(raw: Any) -> Documents:
    return Documents(
        _texts_of(raw.get("required")),
        tuple(
            RequiredIf(one["when"], tuple(one["docs"]), one.get("severity", "reject"))
            for one in raw.get("required_if") or ()
        ),
        tuple(tuple(one) for one in raw.get("one_of") or ()),
        _texts_of(raw.get("optional")),
    )


def _business(raw: Any) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({form: tuple(codes) for form, codes in (raw.get("business") or {}).items()})


def flow(raw: Any) -> Flow:
    """Return the flow that one file describes."""
    checks = [one if isinstance(one, str) else next(iter(one)) for one in raw["checks"]]
    return Flow(
        code=raw["code"],
        life=_life(raw),
        zh=raw["zh"],
        en=raw["en"],
        aliases=_texts_of(raw.get("aliases")),
        group=raw["group"],
        unit=raw["unit"],
        number=int(raw["class"]),
        lane=Priority[raw["lane"].upper()],
        profile=raw["profile"],
        size_class=raw["size_class"],
        trigger=raw["trigger"],
        senders=tuple(raw["senders"]),
        receivers=tuple(raw["receivers"]),
        cc=_texts_of(raw.get("cc")),
        business=_business(raw),
        key=tuple(raw["key"]),
        documents=_documents(raw["docs"]),
        required=tuple(raw["fields"]["required"]),
        optional=_texts_of(raw["fields"].get("optional")),
        checks=tuple(checks),
        severities=MappingProxyType(
            {k: v for one in raw["checks"] if not isinstance(one, str) for k, v in one.items()}
        ),
        reply=_reply(raw) if raw.get("reply") else None,
        deadlines=tuple(_deadline(one) for one in raw.get("deadlines") or ()),
        grant=raw.get("grant") == "true",
        notes=raw.get("notes", ""),
        reference_count=int(raw.get("reference_count", 0)),
        trigger_en=raw.get("trigger_en", ""),
        notes_en=raw.get("notes_en", ""),
    )


def _reply(flow: Any) -> Reply:
    raw = flow["reply"]
    return Reply(
        code=raw["code"],
        request=flow["code"],
        zh=raw["zh"],
        en=raw["en"],
        number=int(flow["class"]) + REPLY_CLASSES,
        lane=Priority[raw["lane"].upper()],
        documents=_documents(raw["docs"]),
        fields=tuple(raw["fields"]),
        per=raw.get("per", ""),
        senders=(*flow["receivers"], *(flow.get("cc") or ())),
        receivers=tuple(flow["senders"]),
        cc=_texts_of(raw.get("cc")),
        business=_business(raw),
        returns=_texts_of(raw.get("returns")),
        notify=_texts_of(raw.get("notify")),
        nodes=_texts_of(raw.get("nodes")),
    )


def _deadline(raw: Any) -> Deadline:
    return Deadline(
        id=raw["id"],
        zh=raw["zh"],
        en=raw["en"],
        kind=raw["kind"],
        owner=raw["owner"],
        clock=raw["clock"],
        when=raw.get("when", ""),
        limit=raw["limit"],
        calendar=raw["calendar"],
        amber=raw["amber"],
        red=raw["red"],
        extensions=tuple(Extension(one["limit"], one.get("when", "")) for one in raw.get("extension") or ()),
        basis=tuple(raw["basis"]),
        note=raw.get("note", ""),
        note_en=raw.get("note_en", ""),
        interim=raw.get("interim") == "true",
    )


def document(key: str, raw: Any) -> DocumentKind:
    """Return one kind of document."""
    return DocumentKind(
        key, raw["zh"], raw["en"], raw["issuer"], raw["signed"], int(raw["pii"]), _texts_of(raw.get("aliases"))
    )


def field(key: str, raw: Any) -> FieldKind:
    """Return one field of the dictionary."""
    return FieldKind(key, raw["zh"], raw["en"], raw["type"], int(raw["pii"]), raw.get("mask", ""), raw.get("codes", ""))


def profile(key: str, raw: Any) -> Profile:
    """Return one masking profile."""
    rules = dict(raw.get("rules") or {})
    if unknown := set(rules.values()) - RULES:
        raise ValueError(f"{key}: no rule is called {', '.join(sorted(unknown))}")
    return Profile(
        code=key,
        zh=raw["zh"],
        en=raw["en"],
        level=int(raw["level"]),
        masks_from=int(raw["masks_from"]),
        documents_to=int(raw["documents_to"]),
        asked_only=raw.get("asked_only") == "true",
        looks_inside=raw.get("looks_inside") == "true",
        rules=MappingProxyType(rules),
    )


def check(key: str, raw: Any) -> CheckKind:
    """Return one check."""
    return CheckKind(key, raw["severity"], raw["rule"], raw["rule_en"], _texts_of(raw.get("basis")))


def law(key: str, raw: Any) -> Law:
    """Return one legal text."""
    watch = raw.get("watch", "")
    return Law(key, raw["zh"], raw["en"], raw["version"], raw.get("evidence", ""), watch, raw.get("watch_en", watch))


def code_table(name: str, raw: Any) -> CodeTable:
    """Return one code table."""

    def code(key: str, one: Any) -> Code:
        schemes = {scheme: tuple(codes) for scheme, codes in one.items() if scheme not in {"zh", "en"}}
        return Code(key, one["zh"], one["en"], MappingProxyType(schemes))

    return CodeTable(name, MappingProxyType({key: code(key, one) for key, one in raw.items()}))


def chapter(key: str, raw: Any) -> Chapter:
    """Return one chapter of the Criminal Law."""
    return Chapter(key, raw["zh"], raw["en"], int(raw["first"]), int(raw["last"]))


def charges(rows: Iterable[Any], chapters: tuple[Chapter, ...]) -> Charges:
    """Return the table of offences."""
    return Charges(
        tuple(
            ChargeRule(
                id=one["id"],
                name=one["zh"],
                article=one["article"],
                age=int(one["age"]),
                by=one["by"],
                with_approval=int(one.get("with_approval", 0)),
                severe=one.get("severe") == "true",
                privacy=one.get("privacy") == "true",
                since=date.fromisoformat(one["since"]) if one.get("since") else None,
                codes=MappingProxyType(dict(one.get("codes") or {})),
                note=one.get("note", ""),
                former=_texts_of(one.get("former")),
            )
            for one in rows
        ),
        chapters,
    )


def holidays(years: Mapping[str, Any], raw: Any) -> Holidays:
    """Return the days off and worked of all years, and the hours."""
    morning, afternoon = (tuple(_minutes(at) for at in raw["hours"][part]) for part in ("morning", "afternoon"))
    return Holidays(
        frozenset(day for one in years.values() for span in one["off"] for day in _days(span)),
        frozenset(day for one in years.values() for span in one["worked"] for day in _days(span)),
        frozenset(map(int, years)),
        (morning[0], morning[1]),
        (afternoon[0], afternoon[1]),
    )


def _days(span: str) -> Iterator[date]:
    match = _SPAN.fullmatch(span)
    if match is None:
        raise ValueError(f"{span} is neither a day nor a span of days")
    first = date.fromisoformat(match[1])
    last = date.fromisoformat(match[2]) if match[2] else first
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
