"""Checks of the two sides of an exchange: peers, and the region in which it happened; a person decides."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.standard.checking import Case, Unit
from gateway.standard.fields import values
from gateway.standard.findings import Verdict
from gateway.standard.registry import Check

_LEVELS: Final = ("county", "city", "province")
_DIGITS: Final = MappingProxyType({"county": 6, "city": 4, "province": 2})
"""Digits of a region (GB/T 2260) that a unit of this level stands for."""
_UPPER: Final = "-upper"
_SPECIAL: Final = re.compile("铁路|林业|森林|海警|缉私|海关|港航|航运|民航|军|兵团|农垦|矿区|监狱侦查")
"""Special authorities, whose counterparts stand at other levels and places than those of a county."""
_ASSIGNED: Final = re.compile("指定管辖|提级管辖|提审|改变管辖|移送管辖|管辖.{0,6}(?:函|批复|决定书|通知书)")


def check_peers(case: Case) -> None:
    """A county's police goes to the county's procuratorate and court, unless the case was assigned or raised."""
    sender, receiver, kind = case.context.sender, case.context.receiver, case.flow or case.reply
    if kind is None or not _is_placed(sender) or not _is_placed(receiver) or sender is None or receiver is None:
        return
    if any(role.endswith(_UPPER) for role in (*kind.senders, *kind.receivers)):
        return  # upwards by its nature: who may send it to whom is for the roster's matrix
    if sender.level == receiver.level or _is_assigned(case):
        return
    facts: dict[str, str | int] = {"sender": sender.level, "receiver": receiver.level}
    special = _SPECIAL.search(sender.name) or _SPECIAL.search(receiver.name)
    verdict = Verdict.WARN if special else None
    case.add("ORG-PEER", "receiver_code", facts, verdict=verdict, value=receiver.level, expected=sender.level)


def check_region(case: Case) -> None:
    """The receiver's region is that of the act; assigned cases and special authorities differ rightly."""
    receiver, acted = case.context.receiver, case.package.offence_region
    if receiver is None or not _is_placed(receiver) or not acted or _is_assigned(case):
        return
    digits = _DIGITS[receiver.level]
    if acted[:digits] != receiver.region[:digits] and not _SPECIAL.search(receiver.name):
        case.add("ORG-REGION", "offence_region", value=acted, expected=receiver.region[:digits])


def check_correction_place(case: Case) -> None:
    """The place of correction lies in the region of the office that receives it."""
    receiver = case.context.receiver
    if receiver is None or not _is_placed(receiver) or receiver.role != "justice-bureau":
        return
    digits = _DIGITS[receiver.level]
    for one in values(case.package, "correction-place"):
        if one.value[:digits].isdigit() and one.value[:digits] != receiver.region[:digits]:
            place = case.place(one.place, "correction-place")
            case.add("CORRECTION-PLACE", place, value=one.value, expected=receiver.region[:digits])


def _is_placed(unit: Unit | None) -> bool:
    return unit is not None and unit.level in _LEVELS and bool(unit.region)


def _is_assigned(case: Case) -> bool:
    """Whether a document says that the case was assigned, raised or referred to this unit (刑诉法 24, 27)."""
    titles = [one.title for one in case.package.documents]
    titles += [entry.title for volume in case.package.volumes for entry in volume.entries]
    titles += [file.path.rpartition("/")[2] for file in case.files]
    return any(_ASSIGNED.search(title) for title in titles)


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "org-peer-level": check_peers,
        "org-region-match": check_region,
        "correction-place-match": check_correction_place,
    }
)
