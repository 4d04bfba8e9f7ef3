"""How flows, terms and quotations of law are told in the reader's language."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

from gateway.standard.calendars import read_duration
from gateway.standard.catalogue import Standard
from gateway.words.catalogue import Words
from gateway.words.language import CHINESE
from gateway.words.templates import mark

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "investigation": mark("investigation"),
        "prosecution": mark("prosecution"),
        "trial": mark("trial"),
        "custody": mark("custody"),
        "property": mark("property"),
        "supervision": mark("legal supervision"),
        "execution": mark("execution of punishments"),
        "defence": mark("defence"),
        "platform": mark("platform"),
    }
)
UNITS: Mapping[str, str] = MappingProxyType(
    {"case": mark("a case"), "person": mark("a person"), "batch": mark("a batch")}
)
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "reply": mark("the other side answers"),
        "send": mark("this side sends"),
        "stage": mark("term of the case, shown only"),
    }
)
CALENDARS: Mapping[str, str] = MappingProxyType(
    {
        "natural": mark("calendar days, a last day that is a holiday moves on"),
        "natural-custody": mark("calendar days in custody, holidays move nothing"),
        "natural-auto": mark("calendar days, in custody without moving"),
        "working-days": mark("working days"),
        "working-hours": mark("working hours"),
        "hours": mark("hours on end"),
    }
)
_CLOCKS: Mapping[str, str] = MappingProxyType(
    {
        "receipt": mark("from the receipt of {name}"),
        "field": mark("from: {name}"),
        "before": mark("back from: {name}"),
        "event": mark("from the event {name}"),
    }
)


class Named(Protocol):
    """What has a name in two languages."""

    @property
    def zh(self) -> str: ...

    @property
    def en(self) -> str: ...


def named(one: Named, words: Words) -> str:
    """Return the name of a flow, document, field or the like in the reader's language."""
    return one.zh if words.language == CHINESE else one.en


def chosen(zh: str, en: str, words: Words) -> str:
    """Return the one of two texts that the reader reads; the Chinese one where there is no other."""
    return zh if words.language == CHINESE or not en else en


def duration_text(limit: str, words: Words) -> str:
    """Return an ISO 8601 duration as people say it."""
    found = read_duration(limit)
    parts = [
        words.text(original, count=count)
        for original, count in (
            (mark("{count} months"), found.months),
            (mark("{count} days"), found.days),
            (mark("{count} hours"), found.minutes // 60),
            (mark("{count} minutes"), found.minutes % 60),
        )
        if count
    ]
    if not parts:
        return words.text(mark("at once"))
    text = " ".join(parts)
    return words.text(mark("{term} before"), term=text) if found.sign < 0 else text


def clock_text(clock: str, standard: Standard, words: Words) -> str:
    """Return what starts a term."""
    kind, _, name = clock.partition(":")
    if kind == "receipt" and not name:
        return words.text(mark("from the delivered receipt"))
    field = standard.fields.get(name.partition(".")[0]) if kind in ("field", "before") else None
    known = field or standard.flow(name) or standard.reply(name) or standard.documents.get(name)
    return words.text(_CLOCKS[kind], name=named(known, words) if known is not None else name)


def basis_text(basis: Iterable[str], standard: Standard, words: Words) -> str:
    """Return quotations of law with the law's name: 中华人民共和国刑事诉讼法 91.3."""
    said = []
    for quoted in basis:
        slug, _, article = quoted.partition(":")
        law = standard.laws.get(slug)
        said.append(f"{named(law, words)} {article}" if law is not None else quoted)
    return "; ".join(said)
