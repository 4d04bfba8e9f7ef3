"""The tags of the police export (layout 2.1) and what each is in the case package."""

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
    }
)
"""Tag below JBXX -> (value, Chinese name)."""

PERSON = MappingProxyType(
    {
        "RYBH": ("person_no", "人员编号"),
        "XH": ("ordinal", "序号"),
        "XM": ("name", "姓名"),
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
DOCUMENT = MappingProxyType(
    {
        "WSXH": ("ordinal", "文书序号"),
        "WSMC": ("title", "文书名称"),
        "WSZH": ("number", "文书字号"),
        "WJLJ": ("path", "文件路径"),
        "YS": ("pages", "页数"),
        "SFQZ": ("signed", "是否签章"),
    }
)
VOLUME = MappingProxyType({"XH": ("ordinal", "卷序号"), "JMC": ("title", "卷名"), "JLX": ("kind", "卷类型")})
CATALOGUE = MappingProxyType({"XH": ("ordinal", "目录序号"), "MC": ("title", "材料名称")})
ENTRY = MappingProxyType({"LJ": ("path", "路径"), "YS": ("pages", "页数")})

DATES = frozenset({"filing_date", "offence_start", "offence_end", "request_date", "birth_date", "start", "end"})
"""Values that are written as ISO 8601 in the case package."""
