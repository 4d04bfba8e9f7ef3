"""A standard of two flows, small enough to be read strictly a hundred times."""

from pathlib import Path

HEAD = 'version: "1.0"\neffective_from: 2026-01-01\n'

FLOW = (
    HEAD
    + """\
code: arrest-request
zh: 提请批准逮捕
en: Request for approval of arrest
group: investigation
unit: case
class: 1
lane: high
profile: full
size_class: dossier
trigger: 批准提请逮捕
senders: [police]
receivers: [procuratorate]
business: {police: [TQPZDB]}
key: [case_no, document_number]
docs:
  required: [letter]
  required_if:
    - {when: person.coercive-measure == detained, docs: [warrant]}
fields:
  required: [case-name, coercive-start]
checks: [doc-required, {id-checksum: hold}]
reply:
  code: arrest-decision
  zh: 批准逮捕决定
  en: Decision on the arrest
  lane: custody
  docs: {one_of: [[approval], [refusal]]}
  fields: [case-name]
  business: {procuratorate: [SCDB]}
deadlines:
  - id: arrest-detained
    zh: 七日
    en: Seven days
    kind: reply
    owner: receiver
    clock: receipt
    limit: P7D
    calendar: natural-custody
    amber: P5D
    red: P7D
    extension:
      - {limit: P1M}
    basis: [cpl:91.3]
"""
)

OTHER = (
    FLOW.replace("arrest-request", "custody-handover")
    .replace("arrest-decision", "custody-confirmation")
    .replace("class: 1\n", "class: 25\n")
    .replace("TQPZDB", "HY")
    .replace("SCDB", "HYQR")
)

CODES = {
    "roles": "roles:\n  police: {zh: 公安机关, en: Police}\n  procuratorate: {zh: 人民检察院, en: Procuratorate}\n",
    "documents": """\
documents:
  letter: {zh: 提请批准逮捕书, en: Letter, issuer: police, signed: required, pii: 3}
  warrant: {zh: 拘留证, en: Warrant, issuer: police, signed: required, pii: 2, aliases: [刑事拘留证]}
  approval: {zh: 批准逮捕决定书, en: Approval, issuer: procuratorate, signed: required, pii: 2}
  refusal: {zh: 不批准逮捕决定书, en: Refusal, issuer: any, signed: required, pii: 2}
""",
    "fields": """\
fields:
  case-name: {zh: 案件名称, en: Case name, type: string(300), pii: 2, mask: replace-names}
  coercive-start: {zh: 强制措施开始日期, en: Start, type: date, pii: 1}
""",
    "checks": """\
checks:
  doc-required: {severity: reject, rule: 缺少必备文书, rule_en: A document is missing}
  id-checksum: {severity: reject, rule: 校验码, rule_en: Check digit, basis: ['cpl:160.2']}
""",
    "laws": "laws:\n  cpl: {zh: 刑事诉讼法, en: Criminal Procedure Law, version: '2018', evidence: text-read}\n",
    "tables": """\
tables:
  coercive-measure:
    detained: {zh: 拘留, en: detained, police: ["02"]}
    arrested: {zh: 逮捕, en: arrested, police: ["03"]}
""",
    "charges": """\
charges:
  - {id: cl-232, zh: 故意杀人罪, article: '232', age: 14, with_approval: 12, by: police, severe: true,
     codes: {police: '040100'}}
  - {id: cl-264, zh: 盗窃罪, article: '264', age: 16, by: police, codes: {police: '050200'}}
""",
    "holidays": """\
hours: {morning: ["08:30", "12:00"], afternoon: ["14:30", "17:30"]}
years:
  "2026":
    off: [2026-01-01..2026-01-03, 2026-02-15..2026-02-23, 2026-04-04..2026-04-06, 2026-05-01..2026-05-05,
      2026-06-19..2026-06-21, 2026-09-25..2026-09-27, 2026-10-01..2026-10-07]
    worked: [2026-01-04, 2026-02-14, 2026-02-28, 2026-05-09, 2026-09-20, 2026-10-10]
""",
}


def write_standard(folder: Path, **changed: str) -> Path:
    """Write the small standard below `folder`; `changed` says what a file holds instead (`flow`, `other`, or codes)."""
    for kind in ("flows", "codes"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for name, text in {
        "arrest-request": changed.get("flow", FLOW),
        "custody-handover": changed.get("other", OTHER),
    }.items():
        (folder / "flows" / f"{name}.yaml").write_text(text, encoding="utf-8")
    for name, text in CODES.items():
        (folder / "codes" / f"{name}.yaml").write_text(changed.get(name, HEAD + text), encoding="utf-8")
    return folder
