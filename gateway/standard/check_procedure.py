"""Checks of single steps of the procedure: rounds, interrogators, bookings, terms stated, property."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final

from gateway.standard.check_documents import is_there
from gateway.standard.checking import Case
from gateway.standard.dates import read_when
from gateway.standard.fields import values
from gateway.standard.numerals import read_digits
from gateway.standard.registry import Check

_ROUNDS_MAX = 2
"""刑诉法 175.3."""
_INTERROGATORS_MIN = 2
"""刑诉法 118."""
_BETWEEN = re.compile(r"[、,，;；]")
_SLOT = re.compile(r"(?P<from>[^/]{16,19})/(?P<to>[^/]{16,19})")
_PROPERTY_LIST = "property-list"


def check_rounds(case: Case) -> None:
    """D79."""
    for one in values(case.package, "supplementary-round"):
        if (read_digits(one.value) or 0) > _ROUNDS_MAX:
            place = case.place(one.place, "supplementary-round")
            case.add("FLOW-SUPP-3RD", place, value=one.value, expected=f"<= {_ROUNDS_MAX}")


def check_interrogators(case: Case) -> None:
    """Two at least question a suspect."""
    found = [
        name for one in values(case.package, "interrogators") for name in _BETWEEN.split(one.value) if name.strip()
    ]
    if len(found) < _INTERROGATORS_MIN:
        place = case.place("interrogators", "interrogators")
        case.add("INTERROGATORS", place, value=str(len(found)), expected=f">= {_INTERROGATORS_MIN}")


def check_slot(case: Case) -> None:
    """A booking is a span within one day (ISO 8601, `2026-03-12T09:00/2026-03-12T10:00`) after it was written.

    The hours of the house are not known here.
    """
    written = _moment(case.package.exported_at)
    for one in values(case.package, "booking-slot"):
        match = _SLOT.fullmatch(one.value)
        begins, ends = (_moment(match["from"]), _moment(match["to"])) if match else (None, None)
        is_over = begins is not None and written is not None and begins < written
        if begins is None or ends is None or begins >= ends or begins.date() != ends.date() or is_over:
            case.add("BOOKING-SLOT", case.place(one.place, "booking-slot"), value=one.value[:40])


def _moment(text: str) -> datetime | None:
    when = read_when(text if text.count(":") == 2 else f"{text}:00")
    return datetime.fromisoformat(when.iso) if when is not None and "T" in when.iso else None


def check_reply_deadline(case: Case) -> None:
    """A notice of supervision says by when it is answered."""
    if not any(one.value for one in values(case.package, "reply-deadline")):
        case.add("REPLY-DEADLINE", case.place("reply_deadline", "reply-deadline"))


def check_property_list(case: Case) -> None:
    """刑诉法 245: seized property travels with its list."""
    asked = {code for one in case.documents.required_if for code in one.documents}
    if _PROPERTY_LIST in asked or _PROPERTY_LIST in case.documents.required:
        return  # where the flow itself asks for the document, that check tells
    if case.ask("seized-property") not in {"", "0"} and not is_there(case, _PROPERTY_LIST):
        case.add("PROPERTY-LIST", "property")


def check_property_sum(case: Case) -> None:
    """The items are as many, and worth as much, as the list says where it states a sum."""
    items = case.package.property
    counted: dict[str, list[str]] = {
        "property-count": [item.quantity or "1" for item in items],
        "property-value": [item.value or "0" for item in items],
    }
    for name, parts in counted.items():
        for stated, total in _sums(case, name, parts):
            case.add("PROPERTY-SUM", "property", {"total": str(total)}, value=str(stated), expected=str(total))


def _sums(case: Case, name: str, parts: list[str]) -> Iterator[tuple[Decimal, Decimal]]:
    """Yield what is stated and what it adds up to, where the two differ."""
    for one in values(case.package, name):
        try:
            stated, total = Decimal(one.value), sum((Decimal(part) for part in parts), Decimal(0))
        except InvalidOperation:
            continue  # what is no number cannot be added; it is shown as it is
        if stated.is_finite() and total.is_finite() and stated != total:
            yield stated, total


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "supplementary-max-two": check_rounds,
        "interrogators-two": check_interrogators,
        "booking-slot": check_slot,
        "reply-deadline-present": check_reply_deadline,
        "property-list-required": check_property_list,
        "property-list-sum": check_property_sum,
    }
)
