"""The tags of the police export (layout 2.1) and what each is in the case package.

The tags that the layout of exports does not have are those of imports, named in the same habit
(docs/police-and-procuratorate.md).
"""

from collections.abc import Mapping
from types import MappingProxyType

CASE = MappingProxyType(
    {
        "YWLX": ("business", "业务类型"),
        "YWMC": ("business_name", "业务名称"),
        "AJBH": ("case_no", "案件编号"),
        "AJMC": ("case_name", "案件名称"),
        "AJLB": ("category", "案件类别"),
        "LASJ": ("filing_date", "立案时间"),
        "FASJC": ("offence_start", "发案时间初"),
        "FASJZ": ("offence_end", "发案时间止"),
        "FADDXZQH": ("offence_region", "发案地区划"),
        "FADD": ("offence_place", "发案地点"),
        "ZBDW": ("handling_unit", "主办单位"),
        "ZBDWMC": ("sender_name", "主办单位名称"),
        "CBR": ("handler.name", "承办人"),
        "CBRDH": ("handler.phone", "承办人电话"),
        "SSJCY": ("receiver_code", "送审检察院"),
        "SSJCYMC": ("receiver_name", "送审检察院名称"),
        "TQRQ": ("request_date", "提请日期"),
        "MJ": ("secrecy", "密级"),
        "RS": ("person_count", "人数"),
        "JYAQ": ("brief", "简要案情"),
        "PTTYAH": ("platform-case-no", "平台统一案号"),
        "JCTYSAH": ("proc-unified-no", "检察统一受案号"),
        "JCBMSAH": ("proc-dept-no", "检察部门受案号"),
        "FYAH": ("court-case-no", "法院案号"),
        "JYYWBH": ("prison-business-no", "监狱业务编号"),
        "CWBGBH": ("property-case-no", "涉案财物保管编号"),
        "GLSJBH": ("related_package", "关联数据包编号"),
        "PCH": ("batch_no", "批次号"),
        "GXMLBH": ("grant", "共享目录编号"),
        "FSDW": ("from_code", "发送单位"),
        "FSDWMC": ("from_name", "发送单位名称"),
        "JSDW": ("to_code", "接收单位"),
        "JSDWMC": ("to_name", "接收单位名称"),
        "FSSJ": ("exported_at", "发送时间"),
    }
)
"""Tag below JBXX -> (value, Chinese name)."""

PERSON = MappingProxyType(
    {
        "RYBH": ("person_no", "人员编号"),
        "XH": ("ordinal", "序号"),
        "XM": ("name", "姓名"),
        "CYM": ("alias", "曾用名"),
        "XB": ("sex", "性别"),
        "CSRQ": ("birth_date", "出生日期"),
        "MZ": ("ethnicity", "民族"),
        "GJ": ("nationality", "国籍"),
        "ZJZL": ("id_type", "证件种类"),
        "SFHM": ("id_no", "身份号码"),
        "WZJYY": ("id_missing_reason", "无证件原因"),
        "HJXZQH": ("household_region", "户籍区划"),
        "HJXZ": ("household_address", "户籍地址"),
        "XZZ": ("residence_address", "现住址"),
        "WHCD": ("education", "文化程度"),
        "ZY": ("occupation", "职业"),
        "SFRDDB": ("special_identity", "是否人大代表"),
        "SFRZRF": ("plea", "是否认罪认罚"),
        "SFWCN": ("juvenile", "是否未成年"),
        "SFFC": ("sealed", "犯罪记录是否封存"),
    }
)
CHARGE = MappingProxyType({"ZMDM": ("code", "罪名代码"), "ZMMC": ("name", "罪名名称"), "FTTK": ("article", "法条条款")})
MEASURE = MappingProxyType(
    {
        "LX": ("kind", "强制措施种类"),
        "LXMC": ("name", "强制措施名称"),
        "KSRQ": ("start", "开始日期"),
        "JZRQ": ("end", "截止日期"),
        "YCYJ": ("extension_basis", "延长依据"),
        "JYCS": ("place", "羁押场所"),
        "ZYRYBH": ("inmate_no", "在押人员编号"),
    }
)
DECISION = MappingProxyType(
    {
        "JDLX": ("kind", "决定种类"),
        "JDMC": ("name", "决定名称"),
        "JDRQ": ("day", "决定日期"),
        "WJLJ": ("document", "决定文书"),
    }
)
SENTENCE = MappingProxyType(
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
CHANGE = MappingProxyType(
    {
        "BGLX": ("kind", "变更类型"),
        "TQYJ": ("proposal", "提请意见"),
        "NZR": ("proposed_end", "拟止日"),
        "LCBG": ("prior_changes", "历次变更"),
        "CCXPX": ("property_penalty", "财产性判项履行"),
        "JCYJ": ("procuratorial_opinion", "检察意见"),
        "CLML": ("materials", "材料目录"),
    }
)
VALUE = MappingProxyType({"ZD": ("field", "字段"), "Z": ("value", "值")})
"""A field of the dictionary that has no tag of its own here."""
ROWS: Mapping[str, tuple[str, Mapping[str, tuple[str, str]], str]] = MappingProxyType(
    {
        "SAZM": ("charges", CHARGE, "涉案罪名"),
        "QZCS": ("measures", MEASURE, "强制措施"),
        "JDXX": ("decisions", DECISION, "决定信息"),
        "PJXX": ("sentences", SENTENCE, "判决信息"),
        "XFBG": ("changes", CHANGE, "刑罚变更"),
        "QTXX": ("values", VALUE, "其他信息"),
    }
)
"""Elements of a person that may be repeated: tag -> (attribute of the person, tags of a row, Chinese name)."""
TABLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "measures": ("coercive-measure",),
        "decisions": ("arrest-decision",),
        "sentences": ("sentence-kind",),
        "changes": ("change-kind",),
    }
)
"""Rows of a person -> code tables of the standard in which their kind is looked up."""
PROPERTY = MappingProxyType(
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
DOCUMENT = MappingProxyType(
    {
        "WSXH": ("ordinal", "文书序号"),
        "WSMC": ("title", "文书名称"),
        "WSZH": ("number", "文书字号"),
        "WJLJ": ("path", "文件路径"),
        "YS": ("pages", "页数"),
        "SFQZ": ("signed", "是否签章"),
        "RYBH": ("person_no", "人员编号"),
    }
)
VOLUME = MappingProxyType({"XH": ("ordinal", "卷序号"), "JMC": ("title", "卷名"), "JLX": ("kind", "卷类型")})
CATALOGUE = MappingProxyType({"XH": ("ordinal", "目录序号"), "MC": ("title", "材料名称")})
ENTRY = MappingProxyType({"LJ": ("path", "路径"), "YS": ("pages", "页数")})

DATES = frozenset(
    {
        "filing_date",
        "offence_start",
        "offence_end",
        "request_date",
        "exported_at",
        "birth_date",
        "start",
        "end",
        "day",
        "proposed_end",
        "custody_start",
    }
)
"""Values that are written as ISO 8601 in the case package."""
