"""The elements of the court export (data.xml 1.0) and what each is in the case package."""

import re
from types import MappingProxyType
from typing import Final

from packers.xmlvalues import Leaf

FORM: Final = "court"
"""The name of this format in the standard's tables."""
ROOT: Final = "FYSJJH"
DATA: Final = "data.xml"
FILE_LIST: Final = "filelist.md5"
DOCUMENTS: Final = "WS"
"""The folder of the documents."""
DOSSIER: Final = "JZ"
"""The folder of the electronic dossier in an import that a gateway wrote; the court's own exports have none."""
VERSION: Final = "1.0"

UNSAID: Final = frozenset({"person-no", "juvenile-flag", "remaining-term", "inmate-no", "plea-flag", "proc-dept-no"})
"""Fields that the court's export has no element for, or fills only for some flows: it cannot be asked for them."""

NUMBERS: Final = MappingProxyType(
    {
        "GA": "police-case-no",
        "JCY": "proc-unified-no",
        "JCYBM": "proc-dept-no",
        "JY": "prison-business-no",
        "PT": "platform-case-no",
        "CW": "property-case-no",
    }
)
"""LX of GLAH -> scheme of the related number. The court itself writes the first two."""

CASE: Final = MappingProxyType(
    {
        "AJMC": Leaf("case_name", "案件名称"),
        "CBR": Leaf("handler.name", "承办人"),
        "CBRDH": Leaf("handler.phone", "承办人电话"),
        "PCH": Leaf("batch_no", "批次号"),
        "RS": Leaf("person_count", "人数"),
        "GALARQ": Leaf("filing_date", "立案日期(侦查)", is_date=True),
        "FASJC": Leaf("offence_start", "发案时间初", is_date=True),
        "FASJZ": Leaf("offence_end", "发案时间止", is_date=True),
        "FADDXZQH": Leaf("offence_region", "发案地区划"),
        "FADD": Leaf("offence_place", "发案地点"),
        "TQRQ": Leaf("request_date", "提请日期", is_date=True),
        "JYAQ": Leaf("brief", "简要案情"),
    }
)
"""Tag below AJ -> value of the case. The court itself writes the first two; the rest is what others' cases bring."""

CASE_VALUES: Final = MappingProxyType(
    {
        "LARQ": Leaf("court-acceptance-date", "立案日期", is_date=True),
        "XPRQ": Leaf("judgment-date", "宣判日期", is_date=True),
        "SXRQ": Leaf("effective-date", "生效日期", is_date=True),
        "SYCX": Leaf("procedure-type", "适用程序", code="DM", table="procedure-type"),
        "KTSJ": Leaf("hearing-time", "开庭时间", is_date=True),
        "KTDD": Leaf("hearing-place", "开庭地点"),
    }
)
"""Tag below AJ -> field of the dictionary."""

PERSON: Final = MappingProxyType(
    {
        "ZFBH": Leaf("person_no", "罪犯编号"),
        "XM": Leaf("name", "姓名"),
        "XB": Leaf("sex", "性别", code="DM", table="sex"),
        "CSRQ": Leaf("birth_date", "出生日期", is_date=True),
        "CYM": Leaf("alias", "曾用名"),
        "MZ": Leaf("ethnicity", "民族"),
        "GJ": Leaf("nationality", "国籍"),
        "WZJYY": Leaf("id_missing_reason", "无证件原因"),
        "HJXZQH": Leaf("household_region", "户籍区划"),
        "HJXZ": Leaf("household_address", "户籍地址"),
        "XZZ": Leaf("residence_address", "现住址"),
        "WHCD": Leaf("education", "文化程度"),
        "ZY": Leaf("occupation", "职业"),
        "TSSF": Leaf("special_identity", "特殊身份"),
        "SFRZRF": Leaf("plea", "是否认罪认罚"),
        "SFWCN": Leaf("juvenile", "是否未成年"),
        "SFFC": Leaf("sealed", "是否封存"),
    }
)
"""Tag below BGR -> value of the person. The court itself writes XM, XB and CSRQ."""
PERSON_VALUES: Final = MappingProxyType(
    {
        "RJRQ": Leaf("admission-date", "入监日期", is_date=True),
        "CLJG": Leaf("stage-result", "处理结果", code="DM", table="stage-result"),
    }
)
CUSTODY: Final = MappingProxyType({"GYCS": Leaf("place", "关押场所"), "ZYRYBH": Leaf("inmate_no", "在押人员编号")})
"""Tag below BGR -> value of the last measure: where the person is now."""
MEASURE: Final = MappingProxyType(
    {
        "LX": Leaf("kind", "强制措施种类", code="DM", table="coercive-measure"),
        "LXMC": Leaf("name", "强制措施名称"),
        "KSRQ": Leaf("start", "开始日期", is_date=True),
        "JZRQ": Leaf("end", "截止日期", is_date=True),
        "YCYJ": Leaf("extension_basis", "延长依据"),
        "CS": Leaf("place", "羁押场所"),
        "BH": Leaf("inmate_no", "在押人员编号"),
    }
)
"""Tag below QZCS -> value of a coercive measure that another agency took."""
SENTENCE: Final = MappingProxyType(
    {
        "ZX": Leaf("kind", "主刑", code="DM", table="sentence-kind"),
        "XQ": Leaf("term", "刑期"),
        "HX": Leaf("probation", "缓刑", nothing="0"),
        "YPFY": Leaf("court", "原判法院"),
        "YPAH": Leaf("court_case_no", "原判案号"),
    }
)
"""Tag below PX -> value of the sentence."""
EXECUTION: Final = MappingProxyType(
    {
        "XQQR": Leaf("start", "刑期起日", is_date=True),
        "XQZR": Leaf("end", "刑期止日", is_date=True),
        "XXJYQR": Leaf("custody_start", "先行羁押日", is_date=True),
        "ZDTS": Leaf("credit_days", "折抵日数"),
        "ZXJG": Leaf("executor", "执行机关"),
    }
)
"""Tag below ZXXX -> value of the sentence."""
CHANGE: Final = MappingProxyType(
    {
        "TQLX": Leaf("kind", "提请类型", code="DM", table="change-kind"),
        "TQFD": Leaf("proposal", "提请幅度"),
        "NJHZR": Leaf("proposed_end", "拟减后止日", is_date=True),
        "LCCS": Leaf("prior_changes", "历次减刑次数"),
        "CCXPX": Leaf("property_penalty", "财产性判项履行"),
        "JCYJ": Leaf("procuratorial_opinion", "检察意见"),
        "CLML": Leaf("materials", "材料目录"),
    }
)
"""Tag below XFBG, what is asked to be changed about the sentence (docs/packers.md) -> value of the change."""

ARTICLE: Final = re.compile(r"(?:中华人民共和国)?刑法第([0-9]+(?:条之[一二三四五六七八九十]+)?)条?")
FINE: Final = re.compile(r"(?P<name>[^0-9（）]{2,20})(?P<sum>[0-9]{1,12}(?:\.[0-9]{1,2})?)元")
"""How an additional penalty with a sum of money stands in the case package: 罚金2000元."""
BETWEEN: Final = "；"
"""Between several additional penalties."""
