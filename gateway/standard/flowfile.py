"""From one file of a flow, parsed, to the flow and its answer as values."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from gateway.domain.records import Priority
from gateway.standard.catalogue import (
    REPLY_CLASSES,
    Deadline,
    Documents,
    Extension,
    Flow,
    Life,
    Reply,
    RequiredIf,
)


def texts_of(one: Any) -> tuple[str, ...]:
    """Return the items of a list that may be absent."""
    return tuple(one or ())


def _life(raw: Any) -> Life:
    until = raw.get("effective_until")
    return Life(raw["version"], date.fromisoformat(raw["effective_from"]), date.fromisoformat(until) if until else None)


def _documents(raw: Any) -> Documents:
    return Documents(
        texts_of(raw.get("required")),
        tuple(
            RequiredIf(one["when"], tuple(one["docs"]), one.get("severity", "reject"))
            for one in raw.get("required_if") or ()
        ),
        tuple(tuple(one) for one in raw.get("one_of") or ()),
        texts_of(raw.get("optional")),
    )


def _business(raw: Any) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({form: tuple(codes) for form, codes in (raw.get("business") or {}).items()})


def flow_from(raw: Any) -> Flow:
    """Return the flow that one file of config/flows describes; KeyError, ValueError or TypeError if it does not."""
    checks = [one if isinstance(one, str) else next(iter(one)) for one in raw["checks"]]
    return Flow(
        code=raw["code"],
        life=_life(raw),
        zh=raw["zh"],
        en=raw["en"],
        aliases=texts_of(raw.get("aliases")),
        group=raw["group"],
        unit=raw["unit"],
        number=int(raw["class"]),
        lane=Priority[raw["lane"].upper()],
        profile=raw["profile"],
        size_class=raw["size_class"],
        trigger=raw["trigger"],
        senders=tuple(raw["senders"]),
        receivers=tuple(raw["receivers"]),
        cc=texts_of(raw.get("cc")),
        business=_business(raw),
        key=tuple(raw["key"]),
        documents=_documents(raw["docs"]),
        required=tuple(raw["fields"]["required"]),
        optional=texts_of(raw["fields"].get("optional")),
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
        cc=texts_of(raw.get("cc")),
        business=_business(raw),
        returns=texts_of(raw.get("returns")),
        notify=texts_of(raw.get("notify")),
        nodes=texts_of(raw.get("nodes")),
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
