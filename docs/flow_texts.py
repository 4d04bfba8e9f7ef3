"""What the pages of the exchange standard call the codes of the data, in Chinese and English."""

from collections.abc import Mapping
from types import MappingProxyType

Words = Mapping[str, tuple[str, str]]

GROUPS: Words = MappingProxyType(
    {
        "investigation": ("侦查", "Investigation"),
        "prosecution": ("审查起诉", "Prosecution"),
        "trial": ("审判", "Trial"),
        "custody": ("羁押", "Custody"),
        "property": ("涉案财物", "Property"),
        "supervision": ("法律监督", "Legal supervision"),
        "execution": ("刑罚执行", "Execution of punishments"),
        "defence": ("辩护与法律援助", "Defence and legal aid"),
        "platform": ("平台", "Platform"),
    }
)
UNITS: Words = MappingProxyType(
    {"case": ("一案", "a case"), "person": ("一人", "a person"), "batch": ("一批", "a batch")}
)
NEEDS: Words = MappingProxyType(
    {
        "required": ("必备", "required"),
        "if": ("符合条件时必备", "required if"),
        "one_of": ("择一成套", "one whole set, set"),
        "optional": ("可选", "optional"),
    }
)
SIGNED: Words = MappingProxyType(
    {"required": ("须签章", "required"), "expected": ("一般有", "expected"), "none": ("无", "none")}
)
KINDS: Words = MappingProxyType(
    {
        "reply": ("等待对方回复", "the other side answers"),
        "send": ("本方应发出", "this side sends"),
        "stage": ("办案环节期限, 仅提示", "term of the case, shown only"),
    }
)
PII: Words = MappingProxyType(
    {
        "0": ("无个人信息", "none"),
        "1": ("一般", "ordinary"),
        "2": ("敏感", "sensitive; never in the ledger"),
        "3": ("高度敏感", "highly sensitive; never in the ledger"),
    }
)
MASKS: Words = MappingProxyType(
    {
        "surname-star": ("留姓, 名以星号代替: 张**", "the surname, and stars"),
        "id-3-2": ("留前三位和后二位", "the first three and the last two characters"),
        "year-only": ("只留年份", "the year alone"),
        "to-county": ("只留到县级行政区", "down to the county"),
        "drop": ("删除", "left out"),
        "hash": (
            "以不可逆代号代替, 同一节点内同一值代号相同",
            "a pseudonym that cannot be undone; the same for the same value",
        ),
        "replace-names": ("其中的人名按 surname-star 代替", "names of persons in it are starred"),
        "phone-3-4": ("电话留前三位和后四位", "of a telephone number the first three and the last four digits"),
    }
)
CALENDARS: Words = MappingProxyType(
    {
        "natural": (
            "日历日, 开始之日不算, 末日为节假日的顺延",
            "calendar days; the first is not counted; a last day that is a holiday moves on",
        ),
        "natural-custody": ("日历日, 在押的到期满日为止, 不顺延", "calendar days; in custody a holiday moves nothing"),
        "natural-auto": (
            "按人取值: 在押的按 natural-custody, 否则按 natural",
            "by person: natural-custody in custody, else natural",
        ),
        "working-days": ("工作日, 按国务院节假日安排", "working days, by the holidays of the State Council"),
        "working-hours": ("工作小时", "working hours"),
        "hours": ("连续小时", "hours on end"),
    }
)
EVIDENCE: Words = MappingProxyType(
    {
        "text-read": ("读到条文原文", "the text itself was read"),
        "secondary": ("读到转引", "a reprint or quotation was read"),
        "knowledge": ("据常识, 未读到原文", "from knowledge; the text was not read"),
        "proposal": ("建议值, 由运行约定确定", "a proposal, to be laid down by operating rules"),
    }
)
