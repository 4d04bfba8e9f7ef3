"""The pages of the exchange standard: one for each flow, in Chinese and English, an index, and the dictionaries."""

from collections.abc import Iterable, Iterator

from docs.flow_texts import CALENDARS, EVIDENCE, GROUPS, KINDS, MASKS, NEEDS, PII, SIGNED, UNITS
from gateway.settings.standard_kinds import law_of
from gateway.standard.catalogue import REPLY_CLASSES, Deadline, Documents, Flow, Reply, Standard
from gateway.standard.loading import packaged_standard

_HEAD = "Generated from `config/flows/` and `config/codes/` by `make docs`; do not edit. 自动生成, 请勿手工修改。"


def pages() -> dict[str, str]:
    """Return path from the project's root -> text of every page of the exchange standard."""
    standard = packaged_standard()
    found = {"docs/flows/README.md": _index(standard), "docs/flows/dictionaries.md": _dictionaries(standard)}
    found |= {f"docs/flows/{flow.code}.md": _page(flow, standard) for flow in standard.flows()}
    return {path: "\n".join(lines) + "\n" for path, lines in found.items()}


def _index(standard: Standard) -> Iterator[str]:
    yield from ("# The exchange standard 业务流程目录", "", _HEAD, "")
    yield "How to read a flow, and what it decides: [reading.md](reading.md). How a province adds or changes one:"
    yield "[changing.md](changing.md). All documents, fields and codes: [dictionaries.md](dictionaries.md)."
    yield ""
    yield "怎样读一个流程见 [reading.md](reading.md), 各省如何增改见 [changing.md](changing.md), 文书、字段和码表见"
    yield "[dictionaries.md](dictionaries.md)。"
    for group, (zh, en) in GROUPS.items():
        flows = [one for one in standard.flows() if one.group == group]
        if flows:
            yield from (
                "",
                f"### {zh} {en}",
                "",
                "| 类 | 流程 | Flow | 发送 → 接收 | 回复 Answer |",
                "|--:|---|---|---|---|",
            )
            for one in flows:
                way = f"{_codes(one.senders)} → {_codes(one.receivers)}"
                answer = f"`{one.reply.code}`" if one.reply is not None else ""
                yield _row(str(one.number), f"[{one.zh}]({one.code}.md)", f"[{one.en}]({one.code}.md)", way, answer)
    yield from ("", "## Roles 角色", "", "| Role | 角色 | In English | 网络 Network |", "|---|---|---|---|")
    yield from (
        f"| `{one.code}` | {one.zh} | {_cell(one.en)} | {_cell(one.network)} |" for one in standard.roles.values()
    )
    for title, words in (
        ("Personal data 个人信息等级", PII),
        ("Masks 脱敏方式", MASKS),
        ("Calendars 期间计算", CALENDARS),
        ("Evidence 依据来源", EVIDENCE),
    ):
        yield from ("", f"## {title}", "", "| | 说明 | Meaning |", "|---|---|---|")
        yield from (f"| `{code}` | {zh} | {en} |" for code, (zh, en) in words.items())
    yield from ("", "## Laws, and what to check before going live 法律依据与上线前核对", "")
    yield from (
        "| | 文件 | Text | 版本 Version | 来源 | 上线前核对 | Check before going live |",
        "|---|---|---|---|---|---|---|",
    )
    for law in standard.laws.values():
        row = (f"`{law.code}`", law.zh, law.en, law.version, law.evidence, law.watch, law.watch_en)
        yield _row(*row)


def _page(flow: Flow, standard: Standard) -> Iterator[str]:
    yield from (f"# {flow.zh} {flow.en}", "", _HEAD, "")
    yield from ("| | |", "|---|---|")
    until = f" - {flow.life.until}" if flow.life.until is not None else ""
    unit = UNITS[flow.unit]
    rows = [
        ("代码 Code", f"`{flow.code}`"),
        ("别名 Also called", "、".join(flow.aliases)),
        ("版本 Edition", f"{flow.life.version}, {flow.life.since}{until}"),
        ("分组 Group", " ".join(GROUPS[flow.group])),
        ("触发 Arises", f"{flow.trigger}<br>{flow.trigger_en}"),
        ("一包 One export", f"{unit[0]} {unit[1]}"),
        ("发送 From", _roles(flow.senders, standard)),
        ("接收 To", _roles(flow.receivers, standard)),
        ("抄送 Copies", _roles(flow.cc, standard)),
        ("路由类别 Class", f"{flow.number}"),
        ("优先级 Lane", f"`{flow.lane.name.lower()}`"),
        ("大小 Size", f"`{flow.size_class}`"),
        ("脱敏 Masking profile", f"`{flow.profile}`"),
        ("共享授权 Grant", "须注明 must be named" if flow.grant else ""),
        ("业务键 Business key", _codes(flow.key)),
        ("各格式代码 In formats", "; ".join(f"{form}: {_codes(codes)}" for form, codes in flow.business.items())),
        ("参考省份年量 In the reference province", f"{flow.reference_count:,}" if flow.reference_count else ""),
    ]
    yield from (f"| {label} | {_cell(value)} |" for label, value in rows if value)
    yield from _papers("## 文书 Documents", flow.documents, standard)
    yield from (
        "",
        "## 字段 Fields",
        "",
        "| 字段 | Field | | 必填 Required | 等级 pii | 脱敏 Mask |",
        "|---|---|---|:-:|:-:|---|",
    )
    for name in (*flow.required, *flow.optional):
        kind = standard.fields[name]
        needed = "✓" if name in flow.required else ""
        yield _row(kind.zh, kind.en, f"`{name}`", needed, str(kind.pii), kind.mask and f"`{kind.mask}`")
    yield from ("", "## 校验 Checks", "", "| | 处置 Verdict | 规则 | Rule | 依据 Basis |", "|---|---|---|---|---|")
    for name in flow.checks:
        check = standard.checks[name]
        severity = flow.severities.get(name, check.severity)
        yield _row(f"`{name}`", severity, check.rule, check.rule_en, _codes(check.basis))
    if flow.deadlines:
        yield from ("", "## 期限 Terms", "")
        how = "限期, 起算, 计算 Limit, clock, calendar"
        yield _row("期限", "Term", how, "预警 Amber, red", "条件 When", "谁 Who", "依据 Basis")
        yield "|---|---|---|---|---|---|---|"
        yield from (_term(one) for one in flow.deadlines)
    if flow.reply is not None:
        yield from _answer(flow, flow.reply, standard)
    if flow.notes:
        yield from ("", "## 说明 Remarks", "", flow.notes, "", flow.notes_en)
    yield from _watch(flow, standard)


def _answer(flow: Flow, reply: Reply, standard: Standard) -> Iterator[str]:
    yield from ("", f"## 回复 Answer: {reply.zh} {reply.en}", "", "| | |", "|---|---|")
    rows = [
        ("代码 Code", f"`{reply.code}`"),
        ("路由类别 Class", f"{reply.number} ({flow.number} + {REPLY_CLASSES})"),
        ("优先级 Lane", f"`{reply.lane.name.lower()}`"),
        ("发送 From", _roles(reply.senders, standard)),
        ("接收 To", _roles(reply.receivers, standard)),
        ("抄送 Copies", _roles(reply.cc, standard)),
        ("另行告知 Also told", _roles(reply.notify, standard)),
        ("逐人 By person", "逐人回复 each person is answered by itself" if reply.per else ""),
        ("节点 Steps", " → ".join(reply.nodes)),
        ("各格式代码 In formats", "; ".join(f"{form}: {_codes(codes)}" for form, codes in reply.business.items())),
        ("字段 Fields", "、".join(f"{standard.fields[one].zh} `{one}`" for one in reply.fields)),
    ]
    yield from (f"| {label} | {_cell(value)} |" for label, value in rows if value)
    yield from _papers("### 回复文书 Documents of the answer", reply.documents, standard)


def _papers(title: str, documents: Documents, standard: Standard) -> Iterator[str]:
    rows = [(one, *NEEDS["required"], "") for one in documents.required]
    for some in documents.required_if:
        severity = "" if some.severity == "reject" else f" ({some.severity})"
        rows += [(one, *NEEDS["if"], f"`{some.when}`{severity}") for one in some.documents]
    for n, some_of in enumerate(documents.one_of, 1):
        rows += [(one, *NEEDS["one_of"], str(n)) for one in some_of]
    rows += [(one, *NEEDS["optional"], "") for one in documents.optional]
    if not rows:
        return
    yield from ("", title, "", "| 文书 | Document | | 要求 Need | 签章 Seal | 等级 pii |", "|---|---|---|---|---|:-:|")
    for code, zh, en, more in rows:
        kind = standard.documents[code]
        need = " ".join(filter(None, (zh, en, more)))
        yield _row(kind.zh, kind.en, f"`{code}`", need, " ".join(SIGNED[kind.signed]), str(kind.pii))


def _term(term: Deadline) -> str:
    longer = "".join(
        f"<br>可延长 may be extended: `{one.limit}`" + (f" (`{one.when}`)" if one.when else "")
        for one in term.extensions
    )
    cells = (
        term.zh + (f"<br>{term.note}" if term.note else ""),
        term.en + (f"<br>{term.note_en}" if term.note_en else ""),
        f"`{term.limit}` `{term.clock}` {CALENDARS[term.calendar][0]} `{term.calendar}`{longer}",
        f"`{term.amber}` `{term.red}`",
        f"`{term.when}`" if term.when else "",
        f"{' '.join(KINDS[term.kind])} (`{term.owner}`)",
        _codes(term.basis),
    )
    return _row(*cells)


def _watch(flow: Flow, standard: Standard) -> Iterator[str]:
    quoted = {law_of(one) for term in flow.deadlines for one in term.basis}
    quoted |= {law_of(one) for name in flow.checks for one in standard.checks[name].basis}
    laws = [law for law in standard.laws.values() if law.code in quoted and law.watch]
    if laws:
        yield from ("", "## 上线前核对 Check before going live", "")
        yield from (f"- {one.zh} `{one.code}`: {one.watch}<br>{one.en}: {one.watch_en}" for one in laws)


def _dictionaries(standard: Standard) -> Iterator[str]:
    yield from ("# Dictionaries and code tables 字典与码表", "", _HEAD)
    yield from ("", "## Documents 文书", "", "| | 文书 | Document | 制作 Issuer | 签章 Seal | pii | 别名 Aliases |")
    yield "|---|---|---|---|---|:-:|---|"
    for paper in standard.documents.values():
        seal, aliases = " ".join(SIGNED[paper.signed]), "、".join(paper.aliases)
        yield _row(f"`{paper.code}`", paper.zh, paper.en, f"`{paper.issuer}`", seal, str(paper.pii), aliases)
    yield from (
        "",
        "## Fields 字段",
        "",
        "| | 字段 | Field | 类型 Type | 码表 Codes | pii | 脱敏 Mask |",
        "|---|---|---|---|---|:-:|---|",
    )
    for field in standard.fields.values():
        mask = field.mask and f"`{field.mask}`"
        yield _row(f"`{field.code}`", field.zh, field.en, field.type, field.codes, str(field.pii), mask)
    for table in standard.tables.values():
        yield from (
            "",
            f"## Code table 码表 `{table.name}`",
            "",
            "| | 名称 | Name | 各格式代码 In formats |",
            "|---|---|---|---|",
        )
        for code in table.codes.values():
            forms = "; ".join(f"{form}: {_codes(codes)}" for form, codes in code.schemes.items())
            yield f"| `{code.code}` | {code.zh} | {_cell(code.en)} | {forms} |"
    yield from (
        "",
        "## Offences 罪名",
        "",
        "| | 罪名 | 刑法条款 Article | 责任年龄 Age | 移送机关 By | 各格式代码 In formats |",
    )
    yield "|---|---|---|---|---|---|"
    for charge in standard.charges.rules:
        age = f"{charge.age}" + (f" ({charge.with_approval} 须核准 with approval)" if charge.with_approval else "")
        forms = "; ".join(f"{form}: `{code}`" for form, code in charge.codes.items())
        yield f"| `{charge.id}` | {charge.name} | {charge.article} | {age} | `{charge.by}` | {forms} |"
    years = ", ".join(map(str, sorted(standard.holidays.years)))
    yield from (
        "",
        "## Holidays 节假日",
        "",
        f"`config/codes/holidays.yaml`: {years}. 没有安排表的年份只计周末 Weekends alone count for other years.",
    )


def _roles(codes: Iterable[str], standard: Standard) -> str:
    return "<br>".join(f"{standard.roles[one].zh} {standard.roles[one].en} `{one}`" for one in codes)


def _codes(codes: Iterable[str]) -> str:
    return ", ".join(f"`{one}`" for one in codes)


def _row(*cells: str) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").strip()
