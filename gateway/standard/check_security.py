"""Checks of what must not go this way: marked secrets, internal volumes, protected witnesses, broken files."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from gateway.standard.checking import Case, PresentFile
from gateway.standard.content import Trouble, suffix_of
from gateway.standard.findings import SECRET, Finding, Place, Verdict
from gateway.standard.markings import folders, is_internal, is_marked, is_of_witness, is_technical
from gateway.standard.registry import Check

_SECRET_LEVELS: Final = frozenset({"secret", "confidential", "top-secret"})
"""Of the table `secrecy-level`; a work secret (工作秘密) is none and may travel."""
_INTERNAL_KIND: Final = frozenset({"investigation", "procuratorate-internal", "court-secondary"})
_OF_TROUBLE: Final = MappingProxyType(
    {
        Trouble.EMPTY: ("DOC-CORRUPT", None),
        Trouble.INCOMPLETE: ("DOC-CORRUPT", None),
        Trouble.OTHER_TYPE: ("DOC-TYPE", None),
        Trouble.PASSWORD: ("DOC-PASSWORD", None),
        Trouble.RESTRICTED: ("DOC-PASSWORD", Verdict.WARN),
        Trouble.UNPLAYABLE: ("AV-NO-MOOV", None),
        Trouble.PROPRIETARY: ("AV-PROPRIETARY", Verdict.WARN),
    }
)


def check_secrecy(case: Case) -> None:
    """D47: marked material must not enter this network: by its field, a title, a folder, or a file's own word."""
    package = case.package
    level = case.standard.table("secrecy-level").read(package.source.format, package.secrecy)
    if level in _SECRET_LEVELS:
        case.add(SECRET, "secrecy", value=package.secrecy, mender="security", alarm=True)
    case.findings.extend(secret_files(case.files))
    titles = [(one.title, one.path, one.line) for one in package.documents]
    titles += [(e.title, e.path, e.line) for volume in package.volumes for e in volume.entries]
    titles += [(volume.title, volume.title, volume.line) for volume in package.volumes]
    for title, path, line in titles:
        if is_marked(title):
            case.add(SECRET, Place(path, line, 0, title), mender="security", alarm=True)


def secret_files(files: Sequence[PresentFile]) -> Iterator[Finding]:
    """Yield what files say of themselves: by a folder, their name, or the title and keywords inside PDF and OFD.

    Holds for any export, whether its packer knows what it means or not.
    """
    for file in files:
        stem = file.path.rpartition("/")[2].rpartition(".")[0]
        content = file.content
        if any(map(is_marked, [*folders(file.path), stem])) or (content is not None and content.is_marked):
            facts = {"file": file.name, "field": "", "value": "", "expected": ""}
            yield Finding(SECRET, Verdict.REJECT, Place(file.name), mender="security", alarm=True, facts=facts)


def check_volumes(case: Case) -> None:
    """D48: volumes that must never leave their agency (公安程序规定 287, 法释〔2021〕1号 53)."""
    found: set[str] = set()
    for n, volume in enumerate(case.package.volumes):
        if volume.kind in _INTERNAL_KIND or is_internal(volume.title):
            found.add(volume.title)
            case.add("SEC-VOLUME", f"volumes[{n}]", {"title": volume.title}, value=volume.title)
    for folder in sorted({p for f in case.files for p in folders(f.path) if is_internal(p)} - found):
        case.add("SEC-VOLUME", Place(folder), {"title": folder}, value=folder)


def check_witness(case: Case) -> None:
    """D83 (规则 359): who a protected witness is travels in a classified volume of its own."""
    for title, is_folder in _titles(case):
        if is_of_witness(title, is_folder=is_folder):
            case.add("WITNESS-PROTECT", Place(title), {"title": title}, value=title, mender="security")


def check_technical(case: Case) -> None:
    """法释〔2021〕1号 116-120: what technical investigation yielded is bound apart, and approved."""
    for title, _is_folder in _titles(case):
        if is_technical(title):
            case.add("TECH-INVESTIGATION", Place(title), {"title": title}, value=title)


def check_contents(case: Case) -> None:
    """D43, D44, D46, D75 and D76: every file that somebody looked into can be opened by the recipient."""
    for file in case.files:
        content = file.content
        if content is None or content.trouble is None:
            continue
        facts: dict[str, str | int] = {"file": file.name, "kind": content.kind, "suffix": suffix_of(file.path)}
        code, verdict = _OF_TROUBLE[content.trouble]
        case.add(code, Place(file.name), facts, verdict=verdict, value=content.kind, expected=suffix_of(file.path))


def _titles(case: Case) -> dict[tuple[str, bool], None]:
    """Return every title once, in order, with whether it is that of a volume or folder."""
    package = case.package
    found = [(volume.title, True) for volume in package.volumes]
    found += [(folder, True) for file in case.files for folder in folders(file.path)]
    found += [(one.title, False) for one in package.documents]
    found += [(entry.title, False) for volume in package.volumes for entry in volume.entries]
    return dict.fromkeys(found)


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "secrecy-level": check_secrecy,
        "volume-type-allowed": check_volumes,
        "protected-witness": check_witness,
        "tech-investigation": check_technical,
        "doc-readable": check_contents,
    }
)
