"""Checks of the documents: what is listed, what is there, what the flow asks for, numbers, seals, persons named."""

import re
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from gateway.standard.catalogue import Documents
from gateway.standard.check_persons import normal_name
from gateway.standard.checking import Case
from gateway.standard.conditions import holds
from gateway.standard.content import suffix_of
from gateway.standard.facts import any_holds
from gateway.standard.findings import Place, Verdict
from gateway.standard.markings import is_internal_path
from gateway.standard.package import Document
from gateway.standard.registry import Check

FOUR: Final = ("indictment-copy", "judgment", "execution-notice", "case-closing-form")
"""Without these a prison takes nobody in (监狱法 16)."""
_BATCH: Final = "batch"
_EDITABLE = frozenset({"doc", "docx", "wps", "rtf", "txt"})
_FINAL = frozenset({"pdf", "ofd"})
_DOSSIER = frozenset({"e-dossier", "dossier-catalogue"})
"""Not files of their own: the volumes with their entries."""
_UNSIGNED = frozenset({"0", "n", "no", "false", "否"})
_NUMBERED = re.compile(r"^\d{1,4}[_-]")
_PERSON_IN_TITLE = re.compile(r"[（(]([^（）()]{2,30})[）)]$")
_NUMBER = re.compile(r".{0,60}[〔（(]\d{4}[〕）)].{0,60}")
"""机关代字〔年份〕序号号, or a court's （年份）."""


def check_lists(case: Case) -> None:
    """D41, D42 and D14: the list and the files are the same."""
    if not case.has_lists:
        return
    present = {f.path for f in case.files}
    listed: set[str] = set()
    for document in case.package.documents:
        listed.add(document.path)
        _check_listed(case, document.title, document.path, document.line, present)
        if "/" in document.title and document.path in present:
            facts = {"title": document.title, "file": document.path}
            place = Place(document.path, document.line, 0, "文书名称(WSMC)")
            case.add("NAME-SLASH-IN-TITLE", place, facts, verdict=Verdict.HOLD, value=document.path, mender="operator")
    for volume in case.package.volumes:
        for entry in volume.entries:
            listed.add(entry.path)
            _check_listed(case, entry.title, entry.path, entry.line, present)
    for file in case.files:
        if file.path not in listed and not is_internal_path(file.path):
            case.add("DOC-UNLISTED", Place(file.name), {"file": file.name}, verdict=Verdict.HOLD)


def _check_listed(case: Case, title: str, path: str, line: int, present: set[str]) -> None:
    if not path or path not in present:
        facts = {"title": title, "file": path or "-"}
        case.add("DOC-LISTED-ABSENT", Place(path, line, 0, title), facts, value=path)


def check_required(case: Case) -> None:
    """D40 and D57. A required document that is there but not listed counts here; D42 asks about it."""
    if not case.has_lists:
        return
    if case.flow is not None and case.flow.unit == _BATCH:
        _check_batch(case, case.flow.documents)
        return
    told = FOUR if "prison-four-docs" in case.checks else ()
    for code in case.documents.required:
        if code not in told and not is_there(case, code):
            require(case, code, None)
    for one in case.documents.required_if:
        if any_holds(case.package, one.when):
            for code in one.documents:
                if not is_there(case, code):
                    require(case, code, Verdict(one.severity))
    _check_alternatives(case)


def _check_batch(case: Case, asked: Documents) -> None:
    """In a batch every person has papers of their own. The court answers person by person and asks for what is missing
    (法释〔2014〕5号 4), so that one paper of one person is a mark and does not stop hundreds of others."""
    lacking: dict[str, list[str]] = {}
    for n, person in enumerate(case.package.persons):
        folders = {one.materials for one in person.changes if one.materials}
        stems = [_stem(file.path) for file in case.files if folders & set(file.path.split("/")[:-1])]
        wanted = [*asked.required]
        for one in asked.required_if:
            if holds(one.when, partial(_asked, case, n)) is True:
                wanted += one.documents
        for code in wanted:
            if not any(
                _level(stem).startswith(_level(t)) for stem in stems for t in case.standard.documents[code].titles
            ):
                lacking.setdefault(code, []).append(person.name)
    for code, names in lacking.items():
        title = case.standard.documents[code].zh
        shown = f"{title} ({len(names)}/{len(case.package.persons)})"
        case.add("DOC-MISSING", Place(field=title), {"title": shown}, verdict=Verdict.WARN, value="、".join(names[:5]))


def _asked(case: Case, person: int, name: str) -> str:
    return case.ask(name, person)


def _check_alternatives(case: Case) -> None:
    """One of the sets must be whole. One begun is whole too: a refusal without its reasons is none (刑诉法 90)."""
    sets = case.documents.one_of
    begun = [one for one in sets if any(is_there(case, code) for code in one)]
    for one in begun:
        for code in one:
            if not is_there(case, code):
                require(case, code, None)
    if sets and not begun:
        titles = " / ".join(case.standard.documents[one[0]].zh for one in sets)
        case.add("DOC-MISSING", Place(field=titles), {"title": titles})


def check_four(case: Case) -> None:
    """D60."""
    if not case.has_lists:
        return
    present = {file.path for file in case.files}
    for code in FOUR:
        titles = case.standard.documents[code].titles
        listed = [one for one in case.package.documents if any(map(one.title.startswith, titles))]
        is_absent = bool(listed) and not any(one.path in present for one in listed)
        if is_absent or not is_there(case, code):
            title = case.standard.documents[code].zh
            case.add("PRISON-FOUR-DOCS", Place(field=title), {"title": title})


def require(case: Case, code: str, verdict: Verdict | None) -> None:
    """Record that a document of this kind is missing; `verdict` where it is not the running check's own."""
    title = case.standard.documents[code].zh
    case.add("DOC-MISSING", Place(field=title), {"title": title}, verdict=verdict)


def is_there(case: Case, code: str) -> bool:
    """Whether a document of this kind is listed, or lies there under its title."""
    package, kind = case.package, case.standard.documents.get(code)
    if kind is None:
        return False
    if code in _DOSSIER:
        return any(volume.entries for volume in package.volumes)
    if any(one.kind == code for one in package.documents):
        return True
    listed = [d.title for d in package.documents] + [e.title for v in package.volumes for e in v.entries]
    found = [*listed, *(_stem(file.path) for file in case.files)]
    return any(_level(one).startswith(_level(title)) for one in found for title in kind.titles)


def check_final_forms(case: Case) -> None:
    """D45, and the pictures among what the flow requires."""
    if not case.has_lists:
        return
    asked = {*case.documents.required, *(code for one in case.documents.one_of for code in one)}
    titles = {title for code in asked for title in case.standard.documents[code].titles}
    final = {d.title for d in case.package.documents if suffix_of(d.path) in _FINAL}
    for document in case.package.documents:
        suffix = suffix_of(document.path)
        facts = {"title": document.title, "file": document.path, "suffix": suffix}
        if suffix in _EDITABLE and document.title not in final:
            case.add("DOC-EDITABLE-ONLY", _at(document), facts, value=suffix, expected="pdf, ofd")
        elif document.title in titles and suffix not in _FINAL | _EDITABLE:
            case.add("DOC-TYPE", _at(document), {**facts, "kind": suffix or "-"}, value=suffix, expected="pdf, ofd")


def check_signed(case: Case) -> None:
    """A document that must bear a seal and by the export's own word does not, and seals that do not hold (D84)."""
    contents = {file.path: file.content for file in case.files}
    for document in case.package.documents:
        kind = case.standard.document_titled(document.title)
        facts = {"title": document.title, "file": document.path}
        if kind is not None and kind.signed == "required" and document.signed.casefold() in _UNSIGNED:
            case.add("DOC-UNSIGNED", _at(document), facts, value=document.signed)
        content = contents.get(document.path)
        if content is not None and content.seal.is_broken:
            case.add(
                "SIGN-INVALID",
                _at(document),
                {**facts, "how": content.seal.value},
                verdict=Verdict.REJECT,
                value=content.seal.value,
            )


def check_numbers(case: Case) -> None:
    """A document that goes out under a number has one, in the usual form. Formats that state none are not asked."""
    if not any(document.number for document in case.package.documents):
        return
    for document in case.package.documents:
        kind = case.standard.document_titled(document.title)
        if kind is None or kind.signed != "required":
            continue
        if not document.number or not _NUMBER.fullmatch(document.number):
            facts = {"title": document.title, "file": document.path}
            case.add("DOC-NUMBER", _at(document), facts, value=document.number, expected="代字〔年份〕序号号")


def check_named_persons(case: Case) -> None:
    """A file that names somebody who is not in the case (flow catalogue, `doc-names-person`)."""
    known = {normal_name(p.name) for p in case.package.persons}
    for document in case.package.documents:
        named = document.person
        if named and normal_name(named) not in known:
            case.add("DOC-NAMES-PERSON", _at(document), {"person": named, "file": document.path})


def person_named(title: str, path: str) -> str:
    """Return the person that a document's file name adds to its title (`拘留证_张测试.pdf`), empty if none."""
    stem = _stem(path)
    if title and stem.startswith(title + "_"):
        return stem[len(title) + 1 :]
    match = _PERSON_IN_TITLE.search(stem)
    return match[1] if match and stem[: match.start()] == title else ""


def _at(document: Document) -> Place:
    return Place(document.path, document.line, 0, document.title)


def _level(title: str) -> str:
    return title.replace("（", "(").replace("）", ")")


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    return _NUMBERED.sub("", name.rpartition(".")[0] or name)


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "doc-listed-present": check_lists,
        "doc-required": check_required,
        "prison-four-docs": check_four,
        "doc-final-form": check_final_forms,
        "doc-signed": check_signed,
        "doc-number": check_numbers,
        "doc-names-person": check_named_persons,
    }
)
