"""Case packages as a node saw them pass, for tests of terms; moments are local time of China."""

from datetime import datetime, timedelta, timezone

from gateway.domain.answers import STRANGER, WHOLE
from gateway.domain.deadlines import Answering, RunningTerm, SeenPackage
from gateway.domain.ids import BundleId, TransferId, UnitCode
from gateway.domain.matter import Matter, PersonMatter
from gateway.standard.running import terms_in
from tests.support.standard import STANDARD

ZONE = timezone(timedelta(hours=8))
NUMBERS = (("police-case-no", "A3301010000002026030001"),)


def at(text: str) -> float:
    """Return seconds since 1970 UTC of local `text`."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


def local(seconds: float | None) -> str:
    """Return the local minute."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, ZONE).isoformat()[:16]


def person(name: str, position: int = 0, **facts: str) -> PersonMatter:
    """Return a person whose pseudonyms follow from the name; facts by field with underscores."""
    kept = tuple(sorted((key.replace("_", "-"), value) for key, value in facts.items()))
    return PersonMatter(position, f"number {name}", f"name {name}", name[:1] + "*", kept)


def seen(
    number: int,
    flow: str,
    when: str,
    *persons: PersonMatter,
    out: bool = True,
    arrived: str | None = "",
    heard: str = "",
    facts: dict[str, str] | None = None,
    documents: tuple[str, ...] = (),
    numbers: tuple[tuple[str, str], ...] = NUMBERS,
    related: int = 0,
    copy: bool = False,
    to: SeenPackage | None = None,
    interim: bool = False,
    corrected: int | None = None,
    withdrawn: int | None = None,
) -> SeenPackage:
    """Return one package sealed (or delivered) at `when`; arrived: empty for then, None for not yet.

    to: what it is tied to, person by person; corrected, withdrawn: by which package.
    """
    reply, asking = STANDARD.reply(flow), STANDARD.flow(flow)
    awaited = asking.reply if asking is not None else None
    matter = Matter(
        flow,
        request=reply.request if reply is not None else "",
        numbers=numbers,
        related=f"{related:032x}" if related else "",
        persons=persons,
        facts=tuple(sorted((facts or {}).items())),
        documents=documents,
        awaits=awaited.code if awaited is not None else "",
        per=awaited.per if awaited is not None else "",
    )
    named = [one.name_key for one in to.matter.persons] if to is not None else []
    positions = [named.index(one.name_key) if one.name_key in named else STRANGER for one in persons] or [WHOLE]
    return SeenPackage(
        transfer=TransferId(number),
        is_outbound=out,
        peer=UnitCode("330101"),
        bundle=BundleId(f"{number:032x}"),
        case_no=numbers[0][1] if numbers else "",
        at=at(when),
        arrived_at=None if arrived is None else at(arrived or when),
        heard_at=at(heard) if heard else None,
        is_copy=copy,
        matter=matter,
        answering=tuple(Answering(to.transfer, one, interim) for one in positions) if to is not None else (),
        corrected=None if corrected is None else TransferId(corrected),
        withdrawn=None if withdrawn is None else TransferId(withdrawn),
    )


def terms(*packages: SeenPackage) -> dict[tuple[str, int], RunningTerm]:
    """Return the terms by deadline and person."""
    found = terms_in(packages, STANDARD, ZONE)
    assert found == terms_in(packages[::-1], STANDARD, ZONE)
    return {(one.deadline, one.position): one for one in found}
