"""From what a packer read to what its node notes of it: which fields are empty, what is unknown, what was found."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from gateway.domain.sources import LACKS, REJECTED, UNKNOWN, Look
from gateway.standard.catalogue import Standard
from gateway.standard.fields import values
from gateway.standard.findings import SECRET, Finding, Verdict
from gateway.standard.package import CasePackage

UNKNOWN_MAX: Final = 20
"""Unknown elements noted of one export; a new layout shows in the first few."""
ELEMENT_MAX: Final = 60
VERSION_MAX: Final = 40
"""Characters kept of names that others gave."""


def look_of(package: CasePackage, findings: Sequence[Finding], verdict: Verdict, standard: Standard) -> Look:
    """Return what is noted of an export; pure. Names of fields and elements, never a value.

    A field without any place to stand in lacks as well: where the persons are gone, so are their fields. Of marked
    material (SEC-LEVEL) nothing is known, so it says nothing about its software.
    """
    codes = Counter(f"{one.verdict}:{one.code}" for one in findings)
    source = package.source
    is_secret = any(one.code == SECRET for one in findings)
    flow, reply = standard.flow(package.flow), standard.reply(package.flow)
    wanted = flow.required if flow is not None else reply.fields if reply is not None else ()
    found = {} if is_secret else {field: values(package, field) for field in wanted}
    marks = [REJECTED] if verdict is Verdict.REJECT else []
    marks += [
        f"{LACKS} {package.flow}/{field}" for field, one in found.items() if not one or not all(e.value for e in one)
    ]
    marks += [f"{UNKNOWN} {package.flow}/{name}" for name in _unknown(package)]
    return Look(
        system=_plain(source.system),
        version=_plain(source.version)[:VERSION_MAX],
        flow=package.flow,
        verdict=verdict,
        codes=dict(sorted(codes.items())),
        marks=tuple(marks),
        asked=sum(max(1, len(one)) for one in found.values()),
        filled=sum(1 for one in found.values() for each in one if each.value),
        dated=_moment(package.exported_at),
        is_counted=not is_secret,
    )


def _unknown(package: CasePackage) -> list[str]:
    """Return the names of elements that the packer does not know, without the places of the rows they stand in."""
    names = dict.fromkeys(_plain(one.name).rsplit("/", 1)[-1][:ELEMENT_MAX] for one in package.unknown)
    return [name for name in names if name][:UNKNOWN_MAX]


def _plain(text: str) -> str:
    """Return `text` on one line, without what a terminal would obey."""
    return "".join(one for one in " ".join(text.split()) if one.isprintable())


def _moment(text: str) -> float | None:
    """Return when an export says that it was written: local time where it names no zone."""
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except (ValueError, OverflowError, OSError):
        return None
