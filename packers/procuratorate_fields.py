"""The names in a case.json of the procuratorate's system 2.0 and what each is in the case package.

Names are compared without regard to capitals: exports mix them. The rows that the layout of exports does not have are
those of imports, named in the same habit (docs/police-and-procuratorate.md).
"""

from collections.abc import Mapping
from types import MappingProxyType

Known = Mapping[str, tuple[str, str]]
"""Name in capitals -> (value, Chinese name)."""

EXCHANGE: Known = MappingProxyType(
    {
        "YWLB": ("class", "业务类别"),
        "YWLBMC": ("business_name", "业务类别名称"),
        "JD": ("node", "节点"),
        "FSDW": ("sender_code", "发送单位"),
        "FSDWMC": ("sender_name", "发送单位名称"),
        "JSDW": ("receiver_code", "接收单位"),
        "JSDWMC": ("receiver_name", "接收单位名称"),
        "FSSJ": ("exported_at", "发送时间"),
        "MJ": ("secrecy", "密级"),
        "PTTYAH": ("platform-case-no", "平台统一案号"),
        "GL_AJBH": ("police-case-no", "关联公安案件编号"),
        "GL_FYAH": ("court-case-no", "关联法院案号"),
        "GL_JYBH": ("prison-business-no", "关联监狱业务编号"),
        "GL_CWBH": ("property-case-no", "关联涉案财物编号"),
        "GL_SJBH": ("related_package", "关联数据包编号"),
        "PCH": ("batch_no", "批次号"),
        "GXML": ("grant", "共享目录编号"),
        "BB": ("version", "接口版本"),
    }
)
"""Below xtxx."""

CASE: Known = MappingProxyType(
    {
        "BMSAH": ("proc-dept-no", "部门受案号"),
        "TYSAH": ("proc-unified-no", "统一受案号"),
        "AJMC": ("case_name", "案件名称"),
        "AJLB_BM": ("category", "案件类别"),
        "YSAY_AYDM": ("category_of_charge", "移送案由代码"),
        "CBDW_BM": ("handling_unit", "承办单位"),
        "CBR": ("handler.name", "承办人"),
        "CBRDH": ("handler.phone", "承办人电话"),
        "SLRQ": ("proc-acceptance-date", "受理日期"),
        "WCRQ": ("proc-completion-date", "完成日期"),
        "SFWCNRFZ": ("juvenile-flag", "是否未成年人犯罪"),
        "CLJG": ("stage-result", "处理结果"),
        "SYCX": ("procedure-type", "适用程序"),
        "BCCS": ("supplementary-round", "补充侦查次数"),
        "QSRQ": ("indictment-date", "起诉日期"),
        "BQSLX": ("nonprosecution-type", "不起诉类型"),
        "BQSRQ": ("nonprosecution-date", "不起诉决定日期"),
        "HYHJ": ("handover-stage", "换押诉讼环节"),
        "BAQX": ("stage-term", "办案起止期限"),
        "HFQX": ("reply-deadline", "回复期限"),
        "LARQ": ("filing_date", "立案时间"),
        "FASJQ": ("offence_start", "发案时间起"),
        "FASJZ": ("offence_end", "发案时间止"),
        "FADQH": ("offence_region", "发案地区划"),
        "FADD": ("offence_place", "发案地点"),
        "TQRQ": ("request_date", "提请日期"),
        "RS": ("person_count", "人数"),
        "JYAQ": ("brief", "简要案情"),
    }
)
"""Below ajjbxx."""

PERSON: Known = MappingProxyType(
    {
        "XYRBH": ("person_no", "嫌疑人编号"),
        "XH": ("ordinal", "序号"),
        "XM": ("name", "姓名"),
        "CYM": ("alias", "曾用名"),
        "XB": ("sex", "性别"),
        "CSRQ": ("birth_date", "出生日期"),
        "MZ": ("ethnicity", "民族"),
        "GJ": ("nationality", "国籍"),
        "ZJLX": ("id_type", "证件类型"),
        "ZJHM": ("id_no", "证件号码"),
        "WZJYY": ("id_missing_reason", "无证件原因"),
        "HJDQH": ("household_region", "户籍地区划"),
        "HJD": ("household_address", "户籍地址"),
        "XZZ": ("residence_address", "现住址"),
        "WHCD": ("education", "文化程度"),
        "ZY": ("occupation", "职业"),
        "TSSF": ("special_identity", "特殊身份"),
        "SFRZRF": ("plea", "是否认罪认罚"),
        "SFWCN": ("juvenile", "是否未成年"),
        "SFFC": ("sealed", "犯罪记录是否封存"),
    }
)
"""Of one person, below xyr."""

DECISION: Known = MappingProxyType(
    {
        "JDJG": ("kind", "决定结果"),
        "JDJGMC": ("name", "决定结果名称"),
        "JDRQ": ("day", "决定日期"),
        "JDWS": ("document", "决定文书"),
    }
)
"""Of one person's decision: beside its other fields; further ones as rows below QTJD."""

REFUSAL = ("BPBLX", "arrest-refusal-kind", "不批捕类型")
"""A field of a person that the case package keeps among its values: name, field of the dictionary, Chinese name."""

CHARGE: Known = MappingProxyType({"DM": ("code", "罪名代码"), "MC": ("name", "罪名名称"), "FT": ("article", "法条")})
MEASURE: Known = MappingProxyType(
    {
        "LX": ("kind", "强制措施种类"),
        "LXMC": ("name", "强制措施名称"),
        "KSRQ": ("start", "开始日期"),
        "JZRQ": ("end", "截止日期"),
        "YCTS": ("extension_basis", "延长天数"),
        "JYCS": ("place", "羁押场所"),
        "ZYRYBH": ("inmate_no", "在押人员编号"),
    }
)
SENTENCE: Known = MappingProxyType(
    {
        "ZX": ("kind", "主刑"),
        "XQ": ("term", "刑期"),
        "FJX": ("additional", "附加刑"),
        "HXKYQ": ("probation", "缓刑考验期"),
        "XQQR": ("start", "刑期起日"),
        "XQZR": ("end", "刑期止日"),
        "JYQR": ("custody_start", "先行羁押起日"),
        "ZDTS": ("credit_days", "折抵天数"),
        "ZXJG": ("executor", "执行机关"),
        "SPFY": ("court", "审判法院"),
        "SPAH": ("court_case_no", "审判案号"),
    }
)
CHANGE: Known = MappingProxyType(
    {
        "BGLX": ("kind", "变更类型"),
        "TQYJ": ("proposal", "提请意见"),
        "NZR": ("proposed_end", "拟止日"),
        "LCBG": ("prior_changes", "历次变更"),
        "CCXLX": ("property_penalty", "财产性判项履行"),
        "JCYJ": ("procuratorial_opinion", "检察意见"),
        "CLML": ("materials", "材料目录"),
    }
)
PROPERTY: Known = MappingProxyType(
    {
        "XH": ("ordinal", "序号"),
        "MC": ("name", "财物名称"),
        "SL": ("quantity", "数量"),
        "DW": ("unit", "单位"),
        "JZ": ("value", "价值"),
        "CFD": ("place", "存放地"),
        "SYR": ("owner", "权属人"),
        "CLYJ": ("proposal", "处理意见"),
    }
)
VALUE: Known = MappingProxyType({"ZD": ("field", "字段"), "Z": ("value", "值")})
"""A field of the dictionary that has no name of its own here."""

DOCUMENT: Known = MappingProxyType(
    {
        "WSBH": ("ordinal", "文书编号"),
        "WSMC": ("title", "文书名称"),
        "WSWH": ("number", "文书文号"),
        "LJ": ("path", "路径"),
        "QZ": ("signed", "是否签章"),
        "YS": ("pages", "页数"),
        "XYRBH": ("person_no", "嫌疑人编号"),
    }
)
VOLUME: Known = MappingProxyType({"XH": ("ordinal", "卷序号"), "JMC": ("title", "卷名"), "JLX": ("kind", "卷类型")})
ENTRY: Known = MappingProxyType(
    {"XH": ("ordinal", "目录序号"), "MC": ("title", "材料名称"), "LJ": ("path", "路径"), "YS": ("pages", "页数")}
)

ROWS: Mapping[str, tuple[str, Known, str]] = MappingProxyType(
    {
        "SAZM": ("charges", CHARGE, "涉案罪名"),
        "QZCS": ("measures", MEASURE, "强制措施"),
        "QTJD": ("decisions", DECISION, "其他决定"),
        "PJXX": ("sentences", SENTENCE, "判决信息"),
        "XFBG": ("changes", CHANGE, "刑罚变更"),
        "QTXX": ("values", VALUE, "其他信息"),
    }
)
"""Lists of a person: name -> (attribute of the person, fields of a row, Chinese name)."""

VALUES = (
    "proc-acceptance-date",
    "proc-completion-date",
    "juvenile-flag",
    "stage-result",
    "procedure-type",
    "supplementary-round",
    "indictment-date",
    "nonprosecution-type",
    "nonprosecution-date",
    "handover-stage",
    "stage-term",
    "reply-deadline",
)
"""Fields of the case that the case package keeps among its values."""

DATES = frozenset(
    {
        "exported_at",
        "filing_date",
        "offence_start",
        "offence_end",
        "request_date",
        "proc-acceptance-date",
        "proc-completion-date",
        "indictment-date",
        "nonprosecution-date",
        "reply-deadline",
        "birth_date",
        "start",
        "end",
        "day",
        "proposed_end",
        "custody_start",
    }
)
"""Values that are ISO 8601 in the case package."""
FLAGS = frozenset({"juvenile-flag", "plea", "juvenile", "sealed", "signed"})
"""Values that are `1` or `0` in the case package; here also Y, N, true and false."""
TABLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "measures": ("coercive-measure",),
        "decisions": ("arrest-decision",),
        "sentences": ("sentence-kind",),
        "changes": ("change-kind",),
    }
)
"""Rows of a person -> code tables of the standard in which their kind is looked up."""
