"""Which edition of a flow counts when, and what is looked up for every export: found at once, not by a walk."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.standard.catalogue import DocumentKind, Flow, Reply


def of_day(editions: "Sequence[Flow]", day: date | None, today: date | None = None) -> "Flow | None":
    """Return the edition of one flow that counts on `day`, the newest without a day; None if none does.

    editions: by their first day. One counts until the next begins, or until its own end.
    today: what happened before the first edition is judged by it if it has begun by today: a wrong date must not get
    round the checks.
    """
    if day is None or not editions:
        return editions[-1] if editions else None
    begun = [one for one in editions if one.life.since <= day]
    begun = begun or [one for one in editions[:1] if today is not None and one.life.since <= today]
    return begun[-1] if begun and (begun[-1].life.until is None or day < begun[-1].life.until) else None


class Index:
    """What is looked up for every export, found at once instead of by a walk through the whole standard."""

    __slots__ = ("_changes", "_lengths", "_titles", "beginning", "business", "flows", "replies")

    def __init__(self, editions: "Sequence[Flow]", documents: "Mapping[str, DocumentKind]") -> None:
        self.beginning = min((one.life.since for one in editions), default=date.min)
        """The first day of all; what a wrong clock or date puts before it counts as if it were that day."""
        self.flows: dict[str, tuple[Flow, ...]] = {}
        """Editions of each flow, by their first day."""
        self.replies: dict[str, tuple[Flow, ...]] = {}
        """Reply -> editions of the flow that it answers."""
        for one in sorted(editions, key=lambda one: (one.number, one.life.since)):
            self.flows[one.code] = (*self.flows.get(one.code, ()), one)
            if one.reply is not None:
                self.replies[one.reply.code] = (*self.replies.get(one.reply.code, ()), one)
        self.business: dict[tuple[str, str], str] = {}
        """Export format and its own code -> flow or reply."""
        for newest in (each[-1] for each in self.flows.values()):
            kinds: tuple[Flow | Reply, ...] = (newest, newest.reply) if newest.reply is not None else (newest,)
            for kind in kinds:
                pairs = {(form, code): kind.code for form, codes in kind.business.items() for code in codes}
                self.business = pairs | self.business
        days = {day for one in editions for day in (one.life.since, one.life.until) if day is not None}
        self._changes = sorted(days)
        """The days on which an edition begins or ends."""
        self._titles = {title: kind for kind in documents.values() for title in kind.titles}
        self._lengths = sorted({len(title) for title in self._titles}, reverse=True)

    def span(self, day: date) -> int:
        """Return the number of the span of days in which `day` lies; within one, the same editions count."""
        return bisect_right(self._changes, day)

    def document_titled(self, title: str) -> "DocumentKind | None":
        """Return the kind of document whose title begins `title`, the longest first."""
        for length in self._lengths:
            if length <= len(title) and (found := self._titles.get(title[:length])) is not None:
                return found
        return None
