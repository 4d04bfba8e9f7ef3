"""What no single key of a link shows: one-way folders, names that are too short, hours that overlap."""

from collections.abc import Iterator

from gateway.settings.boundaries import STEM_LEAST, BandwidthSettings, Receipts, minutes
from gateway.settings.complaints import Complaint
from gateway.settings.links import LinkSettings, TransportKind
from gateway.settings.marks import Document, Trail

_DAY = 24 * 60


def boundary(value: LinkSettings, document: Document, trail: Trail) -> Iterator[Complaint]:
    """Yield what is wrong between the keys of one link."""
    if value.transport is not TransportKind.FOLDER and value.gap is not None:
        why = f"transport {value.transport}"
        yield document.at_key((*trail, "gap"), "section-idle", section="gap", why=why)
    folder = value.folder
    if value.transport is TransportKind.FOLDER and folder is not None:
        if folder.deposit is None and folder.collect is None:
            yield document.at_key((*trail, "folder"), "folder-aimless")
        elif folder.collect is None and value.receipts is Receipts.EXPECTED:
            yield document.at_key((*trail, "folder"), "receipts-impossible")
    if value.gap is not None and value.gap.longest < (least := STEM_LEAST + len(value.gap.ending)):
        place = (*trail, "gap", "longest")
        facts = {"text": str(value.gap.longest), "ending": value.gap.ending, "least": str(least)}
        yield document.at_value(place, "names-short", **facts)
    if not value.priorities:
        yield document.at_value((*trail, "priorities"), "too-short", least="1")
    yield from _hours(value, document, (*trail, "bandwidth"))


def _hours(value: LinkSettings, document: Document, trail: Trail) -> Iterator[Complaint]:
    taken: dict[int, int] = {}
    for position, span in enumerate(value.bandwidth):
        where = (*trail, position)
        covered = _minutes(span)
        if not covered:
            yield document.at_key(where, "hours-empty")
        rival = next((taken[minute] for minute in covered if minute in taken), None)
        if rival is not None:
            yield document.at_key(where, "hours-overlap", other=document.place((*trail, rival)))
        for minute in covered:
            taken.setdefault(minute, position)


def _minutes(span: BandwidthSettings) -> list[int]:
    begin, end = minutes(span.begin), minutes(span.end)
    if begin == end:
        return []
    return [minute % _DAY for minute in range(begin, end if end > begin else end + _DAY)]


def outward(
    links: dict[str, LinkSettings], unit: str, *, keeps_order: bool, route: str
) -> tuple[str, dict[str, str]] | None:
    """Return the code and facts of what keeps an outbound route from sending to `unit` as it is meant to."""
    link = links.get(unit)
    if link is None:
        return None
    if not link.sends and link.hears:
        return "link-one-way", {"unit": unit}
    if keeps_order and link.receipts is not Receipts.EXPECTED:
        return "order-unconfirmed", {"unit": unit, "name": route}
    return None
