"""What is asked of every case, whatever its flow names: its required fields, and case numbers as courts write them."""

import re
from types import MappingProxyType
from typing import Final

from gateway.standard.checking import Case
from gateway.standard.fields import values
from gateway.standard.findings import Verdict

_COURT_NUMBER: Final = re.compile("（\\d{4}）[\\w\u4e00-\u9fff]{2,20}?\\d{1,6}号(?:之[一二三四五六七八九十\\d]+)?")
"""（收案年度）法院代字 专门标识 类型代字 案件编号 号 (法〔2015〕137号 2)."""
_ASKED_BY: Final = MappingProxyType(
    {
        "effective-date": "effective-before-execution",
        "reply-deadline": "reply-deadline-present",
        "interrogators": "interrogators-two",
        "id-no": "id-missing-reason",
    }
)
"""Field -> the check that asks for it in its own words."""


def check_fields(case: Case) -> None:
    """D24: every required value that is missing, one finding each, of the case and of each person."""
    kind = case.flow or case.reply
    if kind is None:
        return
    package = case.package
    required = case.flow.required if case.flow is not None else case.reply.fields if case.reply is not None else ()
    if not package.persons and "person-name" in required:
        case.add("FIELD-MISSING", "persons", verdict=Verdict.REJECT)
    for name in required:
        if name in case.unsaid or _ASKED_BY.get(name) in case.checks:
            continue
        for one in values(package, name):
            if not one.value:
                whose = {} if one.person is None else {"person": package.persons[one.person].name}
                case.add("FIELD-MISSING", case.place(one.place, name), whose, verdict=Verdict.REJECT)


def check_court_number(case: Case) -> None:
    """D61: compared in the usual form, kept as written."""
    for n, one in enumerate(case.package.case_numbers):
        if one.scheme == "court-case-no" and one.number and not _COURT_NUMBER.fullmatch(one.number):
            name = "case_no" if one.number == case.package.case_no else f"case_numbers[{n}].number"
            place = case.place(name, "court-case-no")
            expected = one.number.replace("(", "（").replace(")", "）")
            shown = expected if expected != one.number else "（YYYY）…号"
            case.add("CASENO-FORMAT", place, verdict=Verdict.WARN, value=one.number, expected=shown)
