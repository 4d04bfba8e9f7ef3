"""One YAML file as plain values that remember where each key and value was written, read within bounds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import yaml

from gateway.settings.complaints import Complaint, shown
from gateway.settings.quantities import show_size

FILE_MAX = 1 << 20
"""Bytes. A settings file of a few hundred routes has some ten KiB; more is a mistake or an attack."""
DEPTH_MAX = 16
"""Levels of nesting; the settings need six."""

Trail = tuple[str | int, ...]
"""The keys and list positions that lead to a value."""

# YAML 1.2 core schema: in 1.1, which pyyaml follows, `no` is false, 10:30 is 630 and 0110 is 72.
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INT = re.compile(r"[-+]?[0-9]{1,40}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,3})?", re.ASCII)

_COMMENT = "[ ]*(?:#[^\x00\r\n\x85\u2028\u2029]*)?"
_TO_TOKEN = re.compile(f"(?:{_COMMENT}\n)*{_COMMENT}")
"""Lines of blanks and comments, then the beginning of one."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a key and its value begin; line and column from 1. `raw` is a scalar's text as written, without quotes."""

    key_line: int
    key_column: int
    line: int
    column: int
    raw: str = ""


@dataclass(slots=True)
class Document:
    """A file's values and their places; `value` is None where the file could not be read."""

    file: str
    value: object = None
    spots: dict[Trail, Spot] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)

    def spot(self, trail: Trail) -> Spot:
        """Return where `trail` stands, or the nearest written thing above it."""
        while trail and trail not in self.spots:
            trail = trail[:-1]
        return self.spots.get(trail, Spot(1, 1, 1, 1))

    def at_value(self, trail: Trail, code: str, /, **facts: str) -> Complaint:
        """Return a complaint about the value at `trail`."""
        spot = self.spot(trail)
        return Complaint(self.file, spot.line, spot.column, code, facts)

    def at_key(self, trail: Trail, code: str, /, **facts: str) -> Complaint:
        """Return a complaint about the key at `trail`."""
        spot = self.spot(trail)
        return Complaint(self.file, spot.key_line, spot.key_column, code, facts)

    def place(self, trail: Trail) -> str:
        """Return `file:line:column` of the value at `trail`."""
        spot = self.spot(trail)
        return f"{self.file}:{spot.line}:{spot.column}"


class _Mark(Protocol):
    line: int
    column: int


class _RefusedError(Exception):
    def __init__(self, code: str, mark: _Mark | None, **facts: str) -> None:
        super().__init__(code)
        self.code, self.mark, self.facts = code, mark, facts


class _BoundedLoader(yaml.SafeLoader):
    """Composes nodes only; refuses whatever could grow, refer or name a type."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call] # the stub lacks types
        if isinstance(event, yaml.AliasEvent):
            raise _RefusedError("yaml-alias", event.start_mark)
        if getattr(event, "anchor", None) is not None:
            raise _RefusedError("yaml-anchor", event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise _RefusedError("yaml-tag", event.start_mark)
        if self._depth >= DEPTH_MAX:
            raise _RefusedError("yaml-deep", event.start_mark, most=str(DEPTH_MAX))
        self._depth += 1
        node = super().compose_node(parent, index)  # type: ignore[arg-type] # the stub leaves out the root's None
        self._depth -= 1
        return node

    def scan_to_next_token(self) -> None:
        """Go on to the next token as the library does, but past a comment in one stride instead of one by one: of a
        link's file, as it is written for a person to fill in, nine tenths are comments."""
        if self.index == 0 and self.peek() == "\ufeff":
            self.forward()
        while True:
            found = _TO_TOKEN.match(self.buffer, self.pointer)
            passed = "" if found is None else found[0]
            lines, last = passed.count("\n"), passed[passed.rfind("\n") + 1 :]
            self.line += lines
            # The library gives this one no column.
            self.column = (0 if lines else self.column) + len(last) - last.count("\ufeff")
            self.pointer += len(passed)
            self.index += len(passed)
            has_ended = not self.scan_line_break()  # type: ignore[no-untyped-call] # the stub lacks types
            if not self.flow_level and (lines or not has_ended):
                self.allow_simple_key = True
            if has_ended:
                return

    def second_mark(self) -> _Mark | None:
        """Return where the document that waits to be composed begins."""
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call] # the stub lacks types
        return event.start_mark


def read_file(path: Path) -> Document:
    """Return the document in `path`; whatever is wrong with it stands in `complaints`. Raises nothing for bad input."""
    document = Document(str(path))
    try:
        with path.open("rb") as stream:
            raw = stream.read(FILE_MAX + 1)
    except FileNotFoundError:
        document.complaints.append(Complaint(str(path), 1, 1, "file-missing", {"name": path.name}))
        return document
    except OSError as error:
        reason = error.strerror or type(error).__name__
        document.complaints.append(Complaint(str(path), 1, 1, "file-unreadable", {"reason": reason}))
        return document
    read_bytes(raw, document)
    return document


def read_bytes(raw: bytes, document: Document) -> None:
    """Fill `document` from the bytes of its file; raises nothing for bad input."""
    if len(raw) > FILE_MAX:
        document.complaints.append(Complaint(document.file, 1, 1, "file-too-large", {"most": show_size(FILE_MAX)}))
        return
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        place = (before.count(b"\n") + 1, column)
        document.complaints.append(Complaint(document.file, *place, "not-utf8"))
        return
    node = _compose(text, document)
    if node is not None:
        document.value = _Builder(document).build(node, (), node.start_mark)


def _compose(text: str, document: Document) -> yaml.Node | None:
    def complain(mark: _Mark | None, code: str, **facts: str) -> None:
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        document.complaints.append(Complaint(document.file, line, column, code, facts))

    try:
        loader = _BoundedLoader(text)
        if not loader.check_node():
            complain(None, "file-empty")
            return None
        node = loader.get_node()
        if loader.check_node():
            complain(loader.second_mark(), "yaml-documents")
            return None
    except _RefusedError as refused:
        complain(refused.mark, refused.code, **refused.facts)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        near = text[max(0, mark.index - 1) : mark.index + 1] if mark else ""
        if near.endswith("\t"):
            complain(mark, "yaml-tab")
        elif "*" in near:
            complain(mark, "yaml-alias")
        elif mark and "：" in _lines_near(text, mark.line):
            complain(mark, "colon-wide")
        else:
            complain(mark, "yaml-broken", problem=shown(error.problem or "cannot be read"))
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        document.complaints.append(Complaint(document.file, line, column, "text-control"))
    except (ValueError, OverflowError, yaml.YAMLError):
        # pyyaml lets chr() fail for an escape beyond Unicode.
        complain(None, "yaml-broken", problem="an escape names no character")
    else:
        return node
    return None


def _lines_near(text: str, line: int) -> str:
    return "\n".join(text.split("\n")[max(0, line - 1) : line + 1])


class _Builder:
    """Turns nodes into plain values, noting every place."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def build(self, node: yaml.Node, trail: Trail, key: _Mark) -> object:
        raw = node.value if isinstance(node, yaml.ScalarNode) else ""
        self._document.spots[trail] = Spot(
            key.line + 1, key.column + 1, node.start_mark.line + 1, node.start_mark.column + 1, raw
        )
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, trail)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(one, (*trail, i), one.start_mark) for i, one in enumerate(node.value)]
        return self._scalar(node, trail)

    def _mapping(self, node: yaml.MappingNode, trail: Trail) -> Mapping[str, object]:
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key is None:
                continue
            if key in values:
                first = self._document.spots[(*trail, key)]
                self._complain(key_node, "key-twice", key=shown(key), line=str(first.key_line))
                continue
            values[key] = self.build(value_node, (*trail, key), key_node.start_mark)
        return values

    def _key(self, node: yaml.Node) -> str | None:
        if not isinstance(node, yaml.ScalarNode) or not node.value:
            self._complain(node, "key-odd")
            return None
        if not node.value.isprintable():
            self._complain(node, "text-control")
            return None
        if not node.style and isinstance(plain(node.value), int | float):
            self._complain(node, "key-not-text", text=shown(node.value))
            return None
        return str(node.value)

    def _scalar(self, node: yaml.Node, trail: Trail) -> object:
        if not node.value.isprintable():
            self._complain(node, "text-control")
            # A stand-in of the right kind, so that the same value is not complained of twice.
            return "".join(char if char.isprintable() else "-" for char in node.value)
        return node.value if getattr(node, "style", None) else plain(node.value)

    def _complain(self, node: yaml.Node, code: str, **facts: str) -> None:
        mark = node.start_mark
        self._document.complaints.append(Complaint(self._document.file, mark.line + 1, mark.column + 1, code, facts))


def plain(text: str) -> str | int | float | bool | None:
    """Return what an unquoted scalar means in YAML 1.2's core schema."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
