"""The exchange standard read strictly: every complaint about its files at once, each with its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from gateway.settings.complaints import Complaint, misspelling
from gateway.settings.crosscheck import Placed
from gateway.settings.crossstandard import Standing, check_standard
from gateway.settings.explain import explain
from gateway.settings.marks import Document, read_file
from gateway.settings.standard import CODE_FILES, FlowFile
from gateway.settings.standard_kinds import Dated
from gateway.standard.loading import CODES, FLOWS, FOLDERS, in_order, packaged_files

FILES_MAX: Final = 1024
"""Files in one folder; the packaged standard has 46 flows."""
ENDING: Final = ".yaml"

S = TypeVar("S", bound=Dated)


@dataclass(frozen=True, slots=True)
class StandardChecked:
    """What a strict look gave. `own`: files of the folder that take a place in the standard, or add to it."""

    own: tuple[Path, ...]
    complaints: tuple[Complaint, ...]


def check_own_standard(folder: Path) -> StandardChecked:
    """Return what is wrong with the standard of a node whose configuration is in `folder`; raises nothing for that.

    Where the folder holds no files of its own the packaged ones, which are known to be sound, are not looked at.
    """
    return check_files(folder, packaged_files())


def check_files(folder: Path | None, packaged: dict[str, Path]) -> StandardChecked:
    """Return what is wrong with the files of `folder`/flows and `folder`/codes together with those of `packaged` (by
    `flows/<name>`) that they leave in place; without a folder, with these alone."""
    complaints: list[Complaint] = []
    own = dict(_own(folder, complaints)) if folder is not None else {}
    if folder is not None and not own:
        return StandardChecked((), tuple(sorted(complaints)))
    standing = Standing()
    # The packaged ones first: of two claims to one thing, the node's own is complained of.
    left = {name: path for name, path in packaged.items() if name not in own}
    for name, path in (*sorted(left.items(), key=_order), *sorted(own.items(), key=_order)):
        document = read_file(path)
        kind, _, file = name.partition("/")
        if kind == FLOWS:
            _flow(document, file, standing, complaints)
        elif (model := CODE_FILES.get(_stem(file))) is not None:
            found = _parsed(document, model, complaints)
            if found is None:
                standing.unread.add(_stem(file))
            else:
                standing.codes.setdefault(_stem(file), []).append(Placed(found, document))
    complaints += check_standard(standing)
    return StandardChecked(tuple(own.values()), tuple(sorted(complaints)))


def _own(folder: Path, complaints: list[Complaint]) -> Iterator[tuple[str, Path]]:
    for kind in FOLDERS:
        for path in _files(folder / kind, complaints):
            if kind == CODES and _stem(path.name) not in CODE_FILES:
                code, facts = misspelling("standard-file-unknown", _stem(path.name), CODE_FILES)
                complaints.append(Complaint(str(path), 1, 1, code, facts))
                continue
            yield f"{kind}/{path.name}", path


def _files(folder: Path, complaints: list[Complaint]) -> Iterator[Path]:
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return
    except OSError as error:
        reason = error.strerror or type(error).__name__
        complaints.append(Complaint(str(folder), 1, 1, "file-unreadable", {"reason": reason}))
        return
    for path in paths:
        # `.yml` would silently be left out; backups (`~`, `.bak`, `.rpmsave`) are meant to be.
        if path.name.casefold().endswith((".yml", ".yaml", ".yaml.txt")) and not path.name.endswith(ENDING):
            wanted = path.name.split(".")[0] + ENDING
            complaints.append(Complaint(str(path), 1, 1, "file-ending", {"wanted": wanted}))
    chosen = [path for path in paths if path.name.endswith(ENDING)]
    if len(chosen) > FILES_MAX:
        complaints.append(Complaint(str(folder), 1, 1, "files-too-many", {"most": str(FILES_MAX)}))
    yield from chosen[:FILES_MAX]


def _order(file: tuple[str, Path]) -> tuple[str, bool, str]:
    return in_order(file[0])


def _stem(file: str) -> str:
    """Return the part of a file's name that says what it holds: `arrest-request` of `arrest-request.2027.yaml`."""
    return file.partition(".")[0]


def _flow(document: Document, file: str, standing: Standing, complaints: list[Complaint]) -> None:
    found = _parsed(document, FlowFile, complaints)
    if found is None:
        standing.is_whole = False
        return
    standing.flows.append(Placed(found, document))
    if _stem(file) != found.code:
        complaints.append(document.at_value(("code",), "flow-file-name", flow=found.code))


def _parsed(document: Document, model: type[S], complaints: list[Complaint]) -> S | None:
    complaints += document.complaints
    if document.value is None:
        if not document.complaints:
            complaints.append(Complaint(document.file, 1, 1, "file-empty"))
        return None
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        complaints += explain(document, model, error)
        return None
