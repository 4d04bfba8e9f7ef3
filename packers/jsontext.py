"""JSON of doubtful origin: strict, bounded, every value with the line where it stands, every doubled name reported."""

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn

from gateway.standard.findings import Finding, Place, Verdict
from packers.bounds import MAX_REPORTED

MAX_JSON_BYTES = 16 << 20
"""As for XML: a case with 100,000 dossier entries is 11 MB."""
MAX_VALUES = 1_000_000
"""Eight for each of 100,000 dossier entries; a short text can ask for much memory."""
MAX_DEPTH = 32
"""Objects in objects; a case has six."""
MAX_NAME = 200
"""Characters of a name; formats have twenty. Where a value stands is told in full, so a long name would cost for each
value below it."""

# Possessive: one text of MAX_JSON_BYTES would otherwise be remembered step by step, in 2 GiB.
_WORD = re.compile(r'"(?:[^"\\]|\\.)*+"|[^\s,:\[\]{}"]+|[,:\[\]{}]', re.DOTALL)
_UNUSABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What no XML can hold (XML 1.0, 2.2) and no receiving system takes: the case must be able to become any format."""
_LITERALS: Mapping[str, str] = MappingProxyType({"true": "true", "false": "false", "null": ""})


@dataclass(frozen=True, slots=True)
class JsonText:
    """A text, number, truth value (`true`, `false`) or null (empty, `is_null`). Numbers are kept as they are written.
    Lines count from 1."""

    text: str
    line: int
    is_null: bool = False


@dataclass(frozen=True, slots=True)
class JsonList:
    """A list; its line is that of its bracket."""

    items: tuple["JsonValue", ...]
    line: int


@dataclass(frozen=True, slots=True)
class JsonObject:
    """An object. Names are those of the file, in its order, each once: of a doubled one the first value stands."""

    members: Mapping[str, "JsonValue"]
    line: int


JsonValue = JsonText | JsonList | JsonObject


@dataclass(frozen=True, slots=True)
class ParsedJson:
    """`root` is None where the file is no JSON object that may be read; `findings` say why."""

    root: JsonObject | None
    findings: tuple[Finding, ...]


def parse_json(raw: bytes, file: str) -> ParsedJson:
    """Return the object that `raw` (at most MAX_JSON_BYTES are read) is; never raises for content.

    Strict as RFC 8259 in UTF-8, but for a byte order mark, which is passed over (D50). A name that stands twice in one
    object with one value is passed over too; with two values it is refused (D52).
    """
    if len(raw) > MAX_JSON_BYTES or raw.count(b",") + raw.count(b"[") + raw.count(b"{") > MAX_VALUES:
        return ParsedJson(None, (_complaint("JSON-LIMIT", file, 0, limit=MAX_JSON_BYTES),))
    marks: tuple[Finding, ...] = ()
    if raw.startswith(codecs.BOM_UTF8):
        raw = raw[len(codecs.BOM_UTF8) :]
        marks = (Finding("ENC-BOM", Verdict.FIX, Place(file, 1), mender="vendor", facts={"file": file}),)
    try:
        reader = _Reader(_text(raw), file)
        root = reader.read()
    except _NotJsonError as error:
        return ParsedJson(None, (*marks, _syntax(file, error.line, error.column)))
    except (_TooMuchError, RecursionError):
        return ParsedJson(None, (*marks, _complaint("JSON-LIMIT", file, 0, limit=MAX_JSON_BYTES)))
    if reader.refused:
        return ParsedJson(None, (*marks, *reader.marks, *reader.refused))
    if not isinstance(root, JsonObject):
        return ParsedJson(None, (*marks, _complaint("JSON-SCHEMA", file, root.line)))
    return ParsedJson(root, (*marks, *reader.marks))


class _NotJsonError(Exception):
    """Line and column from 1; 0 where they are not known."""

    def __init__(self, line: int = 0, column: int = 0) -> None:
        super().__init__(f"not JSON at {line}:{column}")
        self.line = line
        self.column = column


class _TooMuchError(Exception):
    """Deeper, of more values, or with longer names than any case."""


def _text(raw: bytes) -> str:
    """Return the text of `raw`, which is JSON: the library decides that, the reader only finds where things stand."""
    try:
        text = raw.decode("utf-8")
        json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        raise _NotJsonError(*_line_column(before, len(before))) from error
    except json.JSONDecodeError as error:
        raise _NotJsonError(error.lineno, error.colno) from error
    return text


def _refuse(_constant: str) -> NoReturn:
    # `NaN` and its like, which the library knows beyond the standard.
    raise _NotJsonError


class _Reader:
    """Goes through a text that is known to be JSON."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._words = self._found()
        self._values = 0
        self._at = 0
        self._line = 1
        self.marks: list[Finding] = []
        self.refused: list[Finding] = []

    def read(self) -> JsonValue:
        return self._value(next(self._words), 0, "")

    def _found(self) -> Iterator[str]:
        for match in _WORD.finditer(self._text):
            self._line += self._text.count("\n", self._at, match.start())
            self._at = match.start()
            yield match[0]

    def _value(self, word: str, depth: int, path: str) -> JsonValue:
        self._values += 1
        if depth > MAX_DEPTH or self._values > MAX_VALUES:
            raise _TooMuchError
        if word == "{":
            return self._object(depth, path)
        if word == "[":
            return self._list(depth, path)
        if word.startswith('"'):
            return JsonText(self._string(word, path), self._line)
        return JsonText(_LITERALS.get(word, word), self._line, word == "null")

    def _object(self, depth: int, path: str) -> JsonObject:
        line, members = self._line, dict[str, JsonValue]()
        word = next(self._words)
        while word != "}":
            if word == ",":
                word = next(self._words)
            name, at = self._string(word, path), self._line
            if len(name) > MAX_NAME:
                raise _TooMuchError
            next(self._words)  # the colon
            inner = f"{path}.{name}" if path else name
            value = self._value(next(self._words), depth + 1, inner)
            if name not in members:
                members[name] = value
            else:
                self._doubled(members[name], value, inner, at)
            word = next(self._words)
        return JsonObject(MappingProxyType(members), line)

    def _list(self, depth: int, path: str) -> JsonList:
        line, items = self._line, list[JsonValue]()
        word = next(self._words)
        while word != "]":
            if word == ",":
                word = next(self._words)
            items.append(self._value(word, depth + 1, f"{path}[{len(items)}]"))
            word = next(self._words)
        return JsonList(tuple(items), line)

    def _string(self, word: str, path: str) -> str:
        text: str = json.loads(word)
        bad = _UNUSABLE.search(text)
        if bad is not None and len(self.refused) < MAX_REPORTED:
            value = f"U+{ord(bad[0]):04X}"
            self.refused.append(_complaint("JSON-CHAR", self._file, self._line, field=path, value=value))
        return text

    def _doubled(self, first: JsonValue, second: JsonValue, path: str, line: int) -> None:
        if plain(first) == plain(second):
            if len(self.marks) < MAX_REPORTED:
                self.marks.append(_complaint("JSON-DUP-KEY", self._file, line, Verdict.FIX, field=path))
        elif len(self.refused) < MAX_REPORTED:
            self.refused.append(_complaint("JSON-DUP-KEY", self._file, line, field=path))


def plain(value: JsonValue) -> object:
    """Return `value` without its lines, to be compared."""
    if isinstance(value, JsonText):
        return None if value.is_null else value.text
    if isinstance(value, JsonList):
        return [plain(one) for one in value.items]
    return {name: plain(one) for name, one in value.members.items()}


def _line_column(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _syntax(file: str, line: int, column: int) -> Finding:
    facts: dict[str, str | int] = {"file": file, "line": line, "column": column}
    return Finding("JSON-SYNTAX", Verdict.REJECT, Place(file, line, column), mender="vendor", facts=facts)


def _complaint(
    code: str,
    file: str,
    line: int,
    verdict: Verdict = Verdict.REJECT,
    *,
    field: str = "",
    value: str = "",
    limit: int = 0,
) -> Finding:
    facts: dict[str, str | int] = {"file": file, "line": line, "field": field, "value": value, "limit": limit}
    return Finding(code, verdict, Place(file, line, 0, field), value, mender="vendor", facts=facts)
