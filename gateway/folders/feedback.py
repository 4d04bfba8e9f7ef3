"""What the case software and its people find beside their exports: err/ for what is wrong, ack/ for receipts.

Every text here was translated by the caller; it is laid out twice, for machines and for people, with the same content.
"""

import base64
import errno
import hashlib
import json
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.domain.errors import GatewayError
from gateway.folders import disk, sharing

ERR = "err"
ACK = "ack"
REJECT = "reject"

_REPORT_MAX = 16 << 20
"""Bytes of a report of ours that are read again; what is longer was written by somebody else."""
_NAME_MAX = 255
"""Bytes of a file name on every filesystem in use."""
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True, slots=True)
class FeedbackLine:
    """One finding. `text` is the whole sentence for people: what is wrong, what it should be, what to do."""

    code: str
    verdict: str
    text: str
    file: str = ""
    line: int = 0
    column: int = 0
    field: str = ""
    value: str = ""
    """Already masked."""
    expected: str = ""
    mender: str = ""
    rows: tuple[str, ...] = ()
    """Of the defects catalogue (`D25`)."""
    alarm: bool = False
    """The security administrator was told."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is said about one export. `at` is ISO 8601 text; `heading` and `advice` are whole sentences."""

    export: str
    verdict: str
    at: str
    heading: str
    lines: tuple[FeedbackLine, ...]
    advice: str = ""
    claim: str = ""
    """Token of the claimed original, by which an operator finds it; empty if it was not claimed."""


@dataclass(frozen=True, slots=True)
class AckLine:
    """One receipt for one recipient. `raw` is the signed receipt, verbatim; `meaning` a translated sentence."""

    recipient: str
    code: str
    meaning: str
    at: str
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """The business answer about one person, or about the whole case. `person` is the surname and stars, empty for the
    case; `kind` as in gateway/domain/answers.py, empty while it is open; `meaning` a translated sentence."""

    person: str
    kind: str
    result: str
    day: str
    bundle_id: str
    at: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The receipts there are for one export so far, and its answers; written whole each time one comes in."""

    export: str
    bundle_id: str
    header_hash: str
    case_no: str
    flow: str
    lines: tuple[AckLine, ...]
    answers: tuple[AnswerLine, ...] = ()


class FeedbackDesk:
    """Writes into the folders `err/` and `ack/` of the outbound folder `root`. Every write may be repeated.

    encoding: of the `.err.txt`; gb18030 is what old Windows programs in use read as GBK.
    """

    def __init__(self, root: Path, encoding: str = "gb18030") -> None:
        "".encode(encoding)  # an unknown encoding is a mistake of the caller, found now and not at the first refusal
        self._root = root
        self._encoding = encoding
        self._lasting: set[str] = set()
        """Which of the two folders have a durable name."""

    def report(self, feedback: Feedback) -> tuple[Path, Path]:
        """Write `err/<name>.err.json` and `err/<name>.err.txt`, replacing older ones.

        Raises `folder-replaced` (permanent, route) where `err` is not our folder, or as `disk.failure` says.
        """
        name = _stem(feedback.export)
        paths = self._root / ERR / f"{name}.err.json", self._root / ERR / f"{name}.err.txt"
        text = _text(feedback).encode(self._encoding, "backslashreplace")
        self._write(ERR, [(paths[0], _json(_plain(feedback))), (paths[1], text)])
        return paths

    def told_at(self, export: str) -> str:
        """Return when `report` last wrote about `export` (its `at`); empty where nothing readable is there."""
        try:
            with sharing.opened_own(self._root / ERR) as folder:
                found = json.loads(_read(f"{_stem(export)}.err.json", folder))
        except (GatewayError, OSError, ValueError, RecursionError):
            return ""
        return str(found.get("at", "")) if isinstance(found, dict) else ""

    def withdraw(self, export: str) -> None:
        """Remove what was reported about `export`, once a later export of that name went through; repeatable.

        Raises as `report` does; of what is no report of ours a folder of that name stays.
        """
        stem = _stem(export)
        names = [f"{stem}.err.json", f"{stem}.err.txt"]
        if not any(disk.lies_at(f"{self._root}/{ERR}/{name}") for name in names):
            return
        with sharing.opened_own(self._root / ERR) as folder, disk.mapped(self._root / ERR):
            for name in names:
                with suppress(FileNotFoundError, IsADirectoryError):
                    os.unlink(name, dir_fd=folder)

    def acknowledge(self, acknowledgements: Sequence[Acknowledgement]) -> list[Path]:
        """Write `ack/<name>.receipt.json` for each, replacing older ones; of several for one export the last stays.

        Durable, synced together. Raises as `report` does; then some may be written, each whole.
        """
        shown = {self._root / ACK / f"{_stem(one.export)}.receipt.json": one for one in acknowledgements}
        self._write(ACK, [(path, _json(_plain_receipts(one))) for path, one in shown.items()])
        return list(shown)

    def _write(self, name: str, items: list[tuple[Path, bytes]]) -> None:
        with disk.mapped(self._root):
            rights = self._root.stat()

        def adopt(file: int) -> None:
            sharing.adopt_open(file, os.fstat(file), rights)

        with sharing.opened_own(self._root / name, self._root, lasts=name in self._lasting) as folder:
            self._lasting.add(name)
            disk.write_many(items, rights.st_mode & 0o666 | 0o600, within=folder, adopt=adopt)


def _stem(export: str) -> str:
    """Return the export's own name, made to fit: no separator, no dot first, short enough for the longest ending."""
    name = export.replace("/", "_").replace("\0", "_")
    name = f"_{name[1:]}" if name.startswith(".") else name or "_"
    room = _NAME_MAX - len(".receipt.json") - len(disk.TEMP_PREFIX)
    raw = os.fsencode(name)
    if len(raw) <= room:
        return name
    return f"{raw[: room - 17].decode('utf-8', 'ignore')}~{hashlib.sha256(raw).hexdigest()[:16]}"


def _plain(feedback: Feedback) -> Mapping[str, object]:
    return {
        "v": 1,
        "export": disk.printable(feedback.export),
        "verdict": feedback.verdict,
        "at": feedback.at,
        "heading": feedback.heading,
        "findings": [asdict(line) for line in feedback.lines],
        "advice": feedback.advice,
        "claim": feedback.claim,
    }


def _plain_receipts(acknowledgement: Acknowledgement) -> Mapping[str, object]:
    receipts = [
        {
            "recipient": line.recipient,
            "code": line.code,
            "meaning": line.meaning,
            "at": line.at,
            "receipt": base64.b64encode(line.raw).decode("ascii"),
        }
        for line in acknowledgement.lines
    ]
    return {
        "v": 1,
        "export": disk.printable(acknowledgement.export),
        "bundle_id": acknowledgement.bundle_id,
        "header_hash": acknowledgement.header_hash,
        "case_no": acknowledgement.case_no,
        "flow": acknowledgement.flow,
        "receipts": receipts,
        "answers": [asdict(line) for line in acknowledgement.answers],
    }


def _json(value: Mapping[str, object]) -> bytes:
    # Names from inside an export may hold undecodable bytes; they become visible escapes rather than a failed write.
    # A line for each field: the library lays out whole texts only with its slow encoder.
    lines = ",\n".join(f'  "{key}": {_ENCODER.encode(value[key])}' for key in sorted(value))
    return f"{{\n{lines}\n}}\n".encode("utf-8", "backslashreplace")


def _text(feedback: Feedback) -> str:
    rows = [feedback.heading, f"{disk.printable(feedback.export)}  [{feedback.verdict}]  {feedback.at}", ""]
    for number, line in enumerate(feedback.lines, start=1):
        code = " ".join((line.code, *line.rows))
        verdict = f"{line.verdict}+alarm" if line.alarm else line.verdict
        rows.append(f"{number}. [{code}] {verdict}  {line.text}")
        place = ":".join(str(part) for part in (line.file, line.line, line.column) if part)
        rows += [f"   {part}" for part in (f"{place}  {line.field}".strip(),) if part]
        shown = "  ->  ".join(part for part in (line.value, line.expected) if part)
        rows += [f"   {part}" for part in (shown, line.mender and f"@ {line.mender}") if part]
    rows += ["", feedback.advice] if feedback.advice else []
    rows += ["", feedback.claim] if feedback.claim else []
    # Old editors on the agencies' Windows machines show a lone line feed as no line break at all.
    return "\r\n".join(rows) + "\r\n"


def _read(name: str, folder: int) -> bytes:
    """Return the report `name` of ours in the open folder. OSError for what is no file: the source may put a pipe
    there, at which we would wait for ever; ValueError for what is too long."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "no file", name)
        raw = stream.read(_REPORT_MAX + 1)
    if len(raw) > _REPORT_MAX:
        raise ValueError("too long for a report")
    return raw
