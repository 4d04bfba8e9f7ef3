"""The columns of the prison batch and what each is in the case package."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

FORM: Final = "prison"
"""The name of this format in the standard's tables."""
LIST: Final = "批次清单.csv"
"""Under which name the table travels: its own one is that of the batch, which a delivery has not."""
MARK: Final = "批次清单.over"
SHARED: Final = "共用文书"
"""The folder of documents that concern the whole batch, in an import that a gateway wrote."""
VERSION: Final = "1.0"

UNSAID: Final = frozenset({"id-type", "handler", "secrecy-level", "detention-credit-days", "case-name"})
"""Fields that the prison's table has no column for, or only where a gateway wrote it."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. home: what its value belongs to; name: its attribute there, or the field of the dictionary.

    table: of the standard, by which the text is read. is_date, is_code: what a spreadsheet program ruins.
    """

    home: str
    name: str
    table: str = ""
    is_date: bool = False
    is_code: bool = False


CASE: Final = "case"
PERSON: Final = "person"
SENTENCE: Final = "sentence"
CHANGE: Final = "change"
CHARGE: Final = "charge"
MEASURE: Final = "measure"
VALUE: Final = "value"

COLUMNS: Final = MappingProxyType(
    {
        "序号": Column(PERSON, "ordinal"),
        "批次号": Column(CASE, "batch_no"),
        "罪犯编号": Column(PERSON, "person_no", is_code=True),
        "姓名": Column(PERSON, "name"),
        "性别": Column(PERSON, "sex", table="sex"),
        "出生日期": Column(PERSON, "birth_date", is_date=True),
        "证件号码": Column(PERSON, "id_no", is_code=True),
        "原判法院": Column(SENTENCE, "court"),
        "原判案号": Column(SENTENCE, "court_case_no"),
        "罪名": Column(CHARGE, "name"),
        "原判刑种": Column(SENTENCE, "kind", table="sentence-kind"),
        "原判刑期": Column(SENTENCE, "term"),
        "刑期起日": Column(SENTENCE, "start", is_date=True),
        "刑期止日": Column(SENTENCE, "end", is_date=True),
        "入监日期": Column(VALUE, "admission-date", is_date=True),
        "历次减刑次数": Column(CHANGE, "prior_changes"),
        "提请类型": Column(CHANGE, "kind", table="change-kind"),
        "提请幅度": Column(CHANGE, "proposal"),
        "拟减后止日": Column(CHANGE, "proposed_end", is_date=True),
        "财产性判项履行": Column(CHANGE, "property_penalty"),
        "检察意见": Column(CHANGE, "procuratorial_opinion"),
        "材料目录": Column(CHANGE, "materials", is_code=True),
    }
)
"""Heading -> column, in the order of the prison's own table."""

MORE: Final = MappingProxyType(
    {
        "刑法条款": Column(CHARGE, "article"),
        "羁押场所": Column(MEASURE, "place"),
        "在押人员编号": Column(MEASURE, "inmate_no", is_code=True),
        "证件种类": Column(PERSON, "id_type", table="id-type"),
        "缓刑": Column(SENTENCE, "probation"),
        "附加刑": Column(SENTENCE, "additional"),
        "先行羁押日": Column(SENTENCE, "custody_start", is_date=True),
        "折抵日数": Column(SENTENCE, "credit_days"),
        "执行机关": Column(SENTENCE, "executor"),
        "处理结果": Column(VALUE, "stage-result", table="stage-result"),
        "业务类型": Column(CASE, "business"),
        "业务名称": Column(CASE, "business_name"),
        "移送单位": Column(CASE, "sender_code"),
        "移送单位名称": Column(CASE, "sender_name"),
        "接收单位": Column(CASE, "receiver_code"),
        "案件名称": Column(CASE, "case_name"),
        "案号": Column(CASE, "court-case-no"),
        "公安案件编号": Column(CASE, "police-case-no"),
        "检察受案号": Column(CASE, "proc-unified-no"),
        "监狱业务编号": Column(CASE, "prison-business-no"),
        "承办人": Column(CASE, "handler"),
        "密级": Column(CASE, "secrecy"),
        "立案日期": Column(CASE, "court-acceptance-date", is_date=True),
        "裁判日期": Column(CASE, "judgment-date", is_date=True),
        "生效日期": Column(CASE, "effective-date", is_date=True),
    }
)
"""Heading -> column of what a gateway adds where another agency's case has it; each stands only where it is filled."""

KNOWN: Final = MappingProxyType({**COLUMNS, **MORE})
NUMBERS: Final = ("court-case-no", "police-case-no", "proc-unified-no", "prison-business-no")
"""Columns of the case that are numbers of it."""
CASE_VALUES: Final = ("court-acceptance-date", "judgment-date", "effective-date")
"""Columns of the case that are fields of the dictionary."""
REQUIRED: Final = ("罪犯编号", "姓名")
"""Headings without which a table is no batch of prisoners."""
BETWEEN: Final = "；"
"""Between several charges of one person."""
