"""Checks of documents and dossier: what is required, what is listed, what is there, and whether it can be read."""

import re
from collections.abc import Collection
from types import MappingProxyType

from gateway.standard.check_persons import normal_name
from gateway.standard.checking import Case
from gateway.standard.content import Trouble, suffix_of
from gateway.standard.facts import any_holds
from gateway.standard.findings import Place, Verdict

_EDITABLE = frozenset({"doc", "docx", "wps", "rtf", "txt"})
_FINAL = frozenset({"pdf", "ofd"})
_INTERNAL_KIND = frozenset({"investigation", "procuratorate-internal", "court-secondary"})
_DOSSIER = frozenset({"e-dossier", "dossier-catalogue"})
"""Not files of their own: the volumes with their entries."""
_INTERNAL = re.compile("侦查卷|侦查工作卷|检察内卷|副卷|合议|审委会")
_OF_TROUBLE = MappingProxyType(
    {
        Trouble.EMPTY: ("DOC-CORRUPT", Verdict.REJECT),
        Trouble.INCOMPLETE: ("DOC-CORRUPT", Verdict.REJECT),
        Trouble.OTHER_TYPE: ("DOC-TYPE", Verdict.REJECT),
        Trouble.PASSWORD: ("DOC-PASSWORD", Verdict.REJECT),
        Trouble.UNPLAYABLE: ("AV-NO-MOOV", Verdict.REJECT),
        Trouble.PROPRIETARY: ("AV-PROPRIETARY", Verdict.WARN),
    }
)
_NUMBERED = re.compile(r"^\d{1,4}[_-]")
_PERSON_IN_TITLE = re.compile(r"[（(]([^（）()]{2,30})[）)]$")


def check_lists(case: Case) -> None:
    """D41, D42 and D14: the list and the files are the same."""
    present = {f.path for f in case.files}
    listed: set[str] = set()
    for document in case.package.documents:
        listed.add(document.path)
        _check_listed(case, document.title, document.path, document.line, present)
        if "/" in document.title and document.path in present:
            facts = {"title": document.title, "file": document.path}
            place = Place(document.path, document.line, 0, "文书名称(WSMC)")
            case.add("NAME-SLASH-IN-TITLE", Verdict.HOLD, place, facts, value=document.path, mender="operator")
    for volume in case.package.volumes:
        for entry in volume.entries:
            listed.add(entry.path)
            _check_listed(case, entry.title, entry.path, entry.line, present)
    for file in case.files:
        if file.path not in listed and not _is_internal_path(file.path):
            case.add("DOC-UNLISTED", Verdict.HOLD, Place(file.name), {"file": file.name})


def _check_listed(case: Case, title: str, path: str, line: int, present: set[str]) -> None:
    if not path or path not in present:
        facts = {"title": title, "file": path or "-"}
        case.add("DOC-LISTED-ABSENT", Verdict.REJECT, Place(path, line, 0, title), facts, value=path)


def check_required_documents(case: Case) -> None:
    """D40, D45 and D57. A required document that is there but not listed counts here; D42 asks about it."""
    kind = case.flow or case.reply
    if kind is None:
        return
    for code in kind.documents.required:
        _require(case, code, Verdict.REJECT)
    for one in kind.documents.required_if:
        if any_holds(case.package, one.when):
            for code in one.documents:
                _require(case, code, Verdict(one.severity))
    required = {t for code in kind.documents.required for t in case.standard.documents[code].titles}
    _check_final_forms(case, required)


def _require(case: Case, code: str, verdict: Verdict) -> None:
    if not _is_there(case, code):
        title = case.standard.documents[code].zh
        case.add("DOC-MISSING", verdict, Place(field=title), {"title": title})


def _is_there(case: Case, code: str) -> bool:
    """Whether a document of this kind is listed, or lies there under its title."""
    volumes = case.package.volumes
    if code in _DOSSIER:
        return any(volume.entries for volume in volumes)
    titles = case.standard.documents[code].titles
    listed = [d.title for d in case.package.documents] + [e.title for v in volumes for e in v.entries]
    found = [*listed, *(_stem(file.path) for file in case.files)]
    return any(one.startswith(title) for one in found for title in titles)


def _check_final_forms(case: Case, required: Collection[str]) -> None:
    final = {d.title for d in case.package.documents if suffix_of(d.path) in _FINAL}
    for document in case.package.documents:
        suffix = suffix_of(document.path)
        place = Place(document.path, document.line, 0, document.title)
        facts = {"title": document.title, "file": document.path, "suffix": suffix}
        if suffix in _EDITABLE and document.title not in final:
            case.add("DOC-EDITABLE-ONLY", Verdict.REJECT, place, facts, value=suffix, expected="pdf, ofd")
        elif document.title in required and suffix not in _FINAL | _EDITABLE:
            case.add(
                "DOC-TYPE", Verdict.REJECT, place, {**facts, "kind": suffix or "-"}, value=suffix, expected="pdf, ofd"
            )


def check_contents(case: Case) -> None:
    """D43, D44, D46, D75 and D76: every file that somebody looked into can be opened by the recipient."""
    for file in case.files:
        content = file.content
        if content is None or content.trouble is None:
            continue
        facts: dict[str, str | int] = {"file": file.name, "kind": content.kind, "suffix": suffix_of(file.path)}
        code, verdict = _OF_TROUBLE[content.trouble]
        case.add(code, verdict, Place(file.name), facts, value=content.kind, expected=suffix_of(file.path))


def check_volumes(case: Case) -> None:
    """D48: volumes that must never leave their agency."""
    found: set[str] = set()
    for n, volume in enumerate(case.package.volumes):
        if volume.kind in _INTERNAL_KIND or _INTERNAL.search(volume.title):
            found.add(volume.title)
            case.add("SEC-VOLUME", Verdict.REJECT, f"volumes[{n}]", {"title": volume.title}, value=volume.title)
    folders = {p for f in case.files for p in f.path.split("/")[:-1] if _INTERNAL.search(p)} - found
    for folder in sorted(folders):
        case.add("SEC-VOLUME", Verdict.REJECT, Place(folder), {"title": folder}, value=folder)


def check_named_persons(case: Case) -> None:
    """A file that names somebody who is not in the case (flow catalogue, `doc-names-person`)."""
    known = {normal_name(p.name) for p in case.package.persons}
    for document in case.package.documents:
        named = document.person
        if named and normal_name(named) not in known:
            facts = {"person": named, "file": document.path}
            case.add("DOC-NAMES-PERSON", Verdict.WARN, Place(document.path, document.line, 0, document.title), facts)


def person_named(title: str, path: str) -> str:
    """Return the person that a document's file name adds to its title (`拘留证_张测试.pdf`), empty if none."""
    stem = _stem(path)
    if title and stem.startswith(title + "_"):
        return stem[len(title) + 1 :]
    match = _PERSON_IN_TITLE.search(stem)
    return match[1] if match and stem[: match.start()] == title else ""


def _is_internal_path(path: str) -> bool:
    return any(_INTERNAL.search(p) for p in path.split("/")[:-1])


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    return _NUMBERED.sub("", name.rpartition(".")[0] or name)
