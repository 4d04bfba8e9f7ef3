"""Lists the vectors that aim at the JSON of MANIFEST and at paths: canonical form, every rule of sections 5 and 6."""

import json
from collections.abc import Callable
from typing import Any

from tests.vectors.forge import FILES, Edit, File, same, swap
from tests.vectors.rules import canonical
from tests.vectors.vector import Vector, bundle

Change = Callable[[dict[str, Any]], None]
MARKS = 1600000 - 14
"""Commas that the texts of a list in `meta` may hold, beside those that all JSON of one file and one list has."""


def vectors() -> list[Vector]:
    """All of them."""
    return [*_json(), *_fields(), *_paths()]


def _commas(count: int) -> list[str]:
    """Texts of meta that bring `count` commas: their own, and those between them."""
    texts = ["," * 4095] * (count // 4096)
    return [*texts, "," * (count % 4096)]


def _json() -> list[Vector]:
    def text(name: str, says: str, edit: Edit, code: str = "manifest-malformed", **draft: Any) -> Vector:
        return bundle(f"json-{name}", says, code, text=edit, **draft)

    def escaped(char: str, spelling: str) -> dict[str, Any]:
        return {"edit": swap(canonical(char)[1:-1], spelling.encode()), "meta": {"a": char}}

    def reordered(raw: bytes) -> bytes:
        value = json.loads(raw)
        return json.dumps(dict(reversed(value.items())), ensure_ascii=False, separators=(",", ":")).encode()

    every = "".join(map(chr, range(0x80))) + "\x80\u2028\ue000\ufeff\uffff𝄞"
    return [
        text("every-escape", "A text with every character below U+0080, and some above.", same, "accepted",
             meta={"a": every}),
        text("space", "A space follows a colon.", swap(b'"v":1', b'"v": 1')),
        text("newline-end", "A newline follows the JSON.", lambda t: t + b"\n"),
        text("newline-start", "A newline stands before the JSON.", lambda t: b"\n" + t),
        text("order", "The keys stand in another order.", reordered),
        text("order-in-file", "The keys of a file stand in another order.",
             lambda t: t.replace(b'"coding":"identity",', b"", 1).replace(b"},", b',"coding":"identity"},', 1)),
        text("duplicate", "A key stands twice with the same value.", swap(b'"v":1', b'"v":1,"v":1')),
        text("duplicate-other", "A key stands twice with two values.",
             swap(b'{"coding"', b'{"coding":"zstd","coding"')),
        text("float", "An integer is written as 1.0.", swap(b'"v":1', b'"v":1.0')),
        text("exponent", "An integer is written as 1e0.", swap(b'"v":1', b'"v":1e0')),
        text("float-meta", "A value of meta is a fraction.", swap(b'"pages":3', b'"pages":3.5')),
        text("leading-zero", "An integer has a leading zero.", swap(b'"v":1', b'"v":01')),
        text("minus-zero", "An integer is -0.", swap(b'"pages":3', b'"pages":-0')),
        text("negative", "An integer is negative.", swap(b'"pages":3', b'"pages":-3')),
        text("2-53-less-1", "An integer is 2^53-1.", same, "accepted", meta={"a": 2**53 - 1}),
        text("2-53", "An integer is 2^53.", swap(b'"pages":3', b'"pages":9007199254740992')),
        text("many-digits", "An integer has 5000 digits.", swap(b'"pages":3', b'"pages":' + b"9" * 5000)),
        text("true", "A value of meta is true.", swap(b'"pages":3', b'"pages":true')),
        text("null", "A value of meta is null.", swap(b'"pages":3', b'"pages":null')),
        text("nan", "A value of meta is NaN.", swap(b'"pages":3', b'"pages":NaN')),
        text("infinity", "A value of meta is Infinity.", swap(b'"pages":3', b'"pages":Infinity')),
        text("single-quotes", "A text in single quotes.", swap(b'"arrest-request"', b"'arrest-request'")),
        text("trailing-comma", "A comma follows the last key.", swap(b'"v":1}', b'"v":1,}')),
        text("comment", "A comment follows the JSON.", lambda t: t + b"//"),
        text("second-value", "A second value follows the first.", lambda t: t + b"{}"),
        text("nul", "A zero byte follows the JSON.", lambda t: t + b"\x00"),
        text("array", "The JSON is a list.", lambda t: b"[" + t + b"]"),
        text("text", "The JSON is a text.", lambda _: b'"files"'),
        text("empty", "The JSON is empty.", lambda _: b""),
        text("deep", "3000 lists inside one another.", swap(b'"pages":3', b'"pages":' + b"[" * 3000 + b"]" * 3000)),
        text("unclosed", "100000 lists that are never closed.", lambda _: b"[" * 100_000),
        text("most-marks", "The JSON holds exactly 1600000 of the marks that are counted before parsing.", same,
             "accepted",
             files=(File("a", b"x"),), meta={"marks": _commas(MARKS)}),
        text("too-many-marks", "The JSON holds one mark too many.", same,
             files=(File("a", b"x"),), meta={"marks": _commas(MARKS + 1)}),
        text("bom", "A byte-order mark stands before the JSON.", lambda t: b"\xef\xbb\xbf" + t),
        text("utf-16", "The JSON is UTF-16.", lambda t: t.decode().encode("utf-16-be")),
        text("latin-1", "A text holds a byte that is no UTF-8.", swap(b"arrest", b"arr\xe8st")),
        text("overlong", "A character in overlong UTF-8.", swap(b"arrest", b"\xc1\xa1rrest")),
        text("surrogate-escape", "A lone surrogate as an escape.", swap(b"arrest", b"\\ud800rrest")),
        text("surrogate-bytes", "A lone surrogate as three bytes.", swap(b"arrest", b"\xed\xa0\x80rrest")),
        text("surrogate-pair", "A character as two escaped surrogates.", **escaped("𝄞", "\\ud834\\udd1e")),
        text("escape-needless", "A letter is escaped.", swap(b"arrest", b"\\u0061rrest")),
        text("escape-slash", "A slash is escaped.", swap(b"content/empty", b"content\\/empty")),
        text("escape-long-newline", "A newline as a numbered escape.", **escaped("\n", "\\u000a")),
        text("escape-upper-case", "A numbered escape in upper case.", **escaped("\x1f", "\\u001F")),
        text("escape-delete", "U+007F is escaped.", **escaped("\x7f", "\\u007f")),
        text("control-raw", "A raw newline inside a text.", **escaped("\n", "\n")),
        text("key-escaped", "A key is spelled with an escape.", swap(b'"flow"', b'"\\u0066low"')),
    ]  # fmt: skip


def _fields() -> list[Vector]:
    def field(name: str, says: str, change: Change, code: str = "manifest-malformed", **draft: Any) -> Vector:
        return bundle(f"field-{name}", says, code, manifest=change, **draft)

    def first(**values: Any) -> Change:
        return lambda manifest: manifest["files"][0].update(values)

    def top(**values: Any) -> Change:
        return lambda manifest: manifest.update(values)

    def meta(**values: Any) -> Change:
        return lambda manifest: manifest["meta"].update(values)

    def dropped(key: str) -> Change:
        return lambda manifest: (manifest["files"][0] if key not in manifest else manifest).pop(key)

    empty = (File("a", b""),)
    digest = FILES[0].entry(1)["hash"]
    size = len(FILES[0].text)
    zstd = {"coding": "zstd", "size": 100, "stored": 90}
    return [
        *(field(f"without-{key}", f"The manifest has no `{key}`.", dropped(key)) for key in ("files", "meta", "pad",
                                                                                             "total", "v")),
        *(field(f"file-without-{key}", f"A file has no `{key}`.", dropped(key))
          for key in ("coding", "hash", "path", "raw", "size", "stored")),
        field("extra", "The manifest has one more key.", top(w=1)),
        field("file-extra", "A file has one more key.", first(mode=493)),
        field("v-2", "Version 2.", top(v=2)),
        bundle("field-v-true", "The version is true.", "manifest-malformed", text=swap(b'"v":1', b'"v":true')),
        field("v-text", "The version is a text.", top(v="1")),
        field("files-empty", "There are no files.", top(files=[], total=0, pad=0), files=()),
        field("files-object", "The files are an object.", top(files={})),
        field("file-list", "A file is a list.", lambda m: m.update(files=[[1]])),
        field("total-less", "The total is one too small.", lambda m: m.update(total=m["total"] - 1, pad=m["pad"] + 1)),
        field("pad-more", "One byte of padding too many, and DATA has it.", lambda m: m.update(pad=m["pad"] + 1),
              plain=lambda p: p + b"\x00"),
        field("pad-none", "No padding although there should be, and DATA has none.", top(pad=0),
              plain=lambda p: p.rstrip(b"\x00"), files=(File("a", b"x" * 97),)),
        field("data-longer", "DATA is one byte longer than the manifest says.", lambda _: None,
              plain=lambda p: p + b"\x00"),
        field("data-shorter", "DATA is one byte shorter than the manifest says.", lambda _: None,
              plain=lambda p: p[:-1]),
        field("path-number", "A path is a number.", first(path=1)),
        field("path-long", "A path has 4097 characters.", first(path="a" * 4097)),
        field("hash-upper", "A hash in upper case.", first(hash=digest.upper())),
        field("hash-short", "A hash of 31 bytes.", first(hash=digest[:-2])),
        field("hash-newline", "A newline follows a hash.", first(hash=digest + "\n")),
        field("raw-upper", "A raw name in upper case.", first(raw="AB")),
        field("raw-odd", "A raw name with half a byte.", first(raw="abc")),
        field("raw-space", "A raw name with a space between bytes.", first(raw="ab cd")),
        field("raw-newline", "A newline follows a raw name.", first(raw="ab\n")),
        field("raw-long", "A raw name of 4097 bytes.", first(raw="ab" * 4097)),
        field("raw-longest", "A raw name of 4096 bytes.", first(raw="ab" * 4096), "accepted"),
        field("size-2-46", "A size above 2^46.", first(size=2**46 + 1, stored=2**46 + 1)),
        bundle("field-size-true", "A size is true.", "manifest-malformed", files=(File("a", b"x"),),
               text=swap(b'"size":1', b'"size":true')),
        field("stored-differs", "An identity file whose stored length is not its size.", first(size=size - 1)),
        field("coding-other", "A coding that does not exist.", first(coding="gzip")),
        field("coding-empty", "A coding that is empty.", first(coding="")),
        field("zstd-no-gain", "A zstd file that saves exactly a tenth.", first(**zstd), files=(File("a", b"x" * 90),)),
        field("zstd-empty", "An empty file with zstd.", first(coding="zstd"), files=empty),
        field("zstd-64-mib", "A zstd file of 64 MiB and a byte.", first(coding="zstd", size=67108865)),
        field("meta-list", "Meta is a list.", top(meta=[])),
        field("meta-none", "Meta is empty.", top(meta={}), "accepted"),
        field("meta-64", "Meta has 64 keys.", top(meta={f"k{n}": n for n in range(64)}), "accepted"),
        field("meta-65", "Meta has 65 keys.", top(meta={f"k{n}": n for n in range(65)})),
        field("meta-key-upper", "A key of meta begins in upper case.", meta(Flow="a")),
        field("meta-key-digit", "A key of meta begins with a digit.", meta(**{"1a": "a"})),
        field("meta-key-empty", "A key of meta is empty.", meta(**{"": "a"})),
        field("meta-key-newline", "A key of meta ends with a newline.", meta(**{"flow\n": "a"})),
        field("meta-key-64", "A key of meta has 64 characters.", meta(**{"k" * 64: "a"}), "accepted"),
        field("meta-key-65", "A key of meta has 65 characters.", meta(**{"k" * 65: "a"})),
        bundle("field-meta-key-han", "A key of meta is not ASCII.", "manifest-malformed",
               text=swap(b'"flow"', '"案"'.encode())),
        field("meta-object", "A value of meta is an object.", meta(flow={})),
        field("meta-list-number", "A list of meta holds a number.", meta(flow=[1])),
        field("meta-list-list", "A list of meta holds a list.", meta(flow=[[]])),
        field("meta-list-empty", "A list of meta is empty.", meta(flow=[]), "accepted"),
        field("meta-list-1024", "A list of meta has 1024 texts.", meta(flow=["a"] * 1024), "accepted"),
        field("meta-list-1025", "A list of meta has 1025 texts.", meta(flow=["a"] * 1025)),
        field("meta-text-4096", "A text of meta has 4096 characters of three bytes.", meta(flow="案" * 4096),
              "accepted"),
        field("meta-text-4097", "A text of meta has 4097 characters.", meta(flow="a" * 4097)),
    ]  # fmt: skip


def _paths() -> list[Vector]:
    def path(name: str, says: str, *paths: str, code: str = "unsafe-path") -> Vector:
        return bundle(f"path-{name}", says, code, files=tuple(File(one, b"x") for one in paths))

    def fine(name: str, says: str, *paths: str) -> Vector:
        return path(name, says, *paths, code="accepted")

    deep = "/".join("a" * 32)
    wide = "/".join(["b" * 63] * 32)
    return [
        path("empty", "A path is empty.", ""),
        path("absolute", "A path begins at the root.", "/etc/passwd"),
        path("parent", "A path leaves its folder.", "content/../../a"),
        path("parent-alone", "A path is the parent folder.", ".."),
        path("dot", "A path holds the folder itself.", "content/./a"),
        path("double-slash", "A part of a path is empty.", "content//a"),
        path("trailing-slash", "A path ends with a slash.", "content/"),
        path("backslash", "A path holds a backslash.", "content\\..\\a"),
        path("nul", "A path holds a zero byte.", "a\x00.txt"),
        path("newline", "A path holds a newline.", "a\n"),
        path("delete", "A path holds U+007F.", "a\x7f"),
        path("c1", "A path holds U+0085, a control character above ASCII.", "a\x85"),
        path("bidi-override", "A path reads backwards: fdp.exe looks like exe.pdf.", "a\u202efdp.exe"),
        path("bidi-isolate", "A path holds U+2066.", "a\u2066b"),
        path("bidi-mark", "A path holds U+200F.", "a\u200fb"),
        path("bidi-arabic-mark", "A path holds U+061C.", "a\u061cb"),
        path("not-nfc", "A path is decomposed.", "e\u0301"),
        path("not-nfc-hangul", "A path is decomposed Hangul.", "\u1100\u1161"),
        path("not-nfc-angstrom", "A path holds the Angstrom sign, which NFC replaces.", "\u212b"),
        path("part-256", "A part has 256 bytes.", "a" * 256),
        path("part-256-han", "A part has 86 characters of three bytes.", "案" * 86),
        path("parts-33", "A path has 33 parts.", deep + "/a"),
        path("2049", "A path has 2049 bytes.", wide + "bb"),
        path("twice", "A path stands twice.", "a", "a"),
        path("case", "Two paths differ in case only.", "a/Scan.pdf", "a/scan.PDF"),
        path("case-sharp-s", "Two paths are equal after full case folding.", "straße", "STRASSE"),
        path("case-sigma", "Two paths differ in the form of a sigma.", "ας", "ασ"),
        path("case-composed", "Two paths are equal after folding of a composed character.", "\u01f0", "J\u030c"),
        path("file-as-folder", "A file is also a folder.", "a", "a/b"),
        path("file-as-folder-case", "A file is also a folder in another case.", "A/b", "a"),
        path("file-as-folder-apart", "A file is also a folder, and another path sorts between them.", "a", "a-b",
             "a/b"),
        path("file-as-folder-deep", "A file is a folder two levels above.", "a/b/c/d", "a/B"),
        fine("longest", "A path has 2048 bytes in 32 parts.", wide + "b"),
        fine("part-255", "A part has 255 bytes.", "案" * 85),
        fine("parts-32", "A path has 32 parts.", deep),
        fine("han", "Chinese, a space and an emoji.", "content/提请 批准/逮捕书📄.pdf"),
        path("three-dots", "A part is three dots.", "..."),
        path("final-dot", "A part ends with a dot, which Windows leaves out.", "content/a./b"),
        path("final-blank", "A path ends with a blank, which Windows leaves out.", "a "),
        path("stream", "A path holds a colon: on Windows it is a hidden part of another file.", "a.txt:b.exe"),
        path("drive", "A path begins at the root of a drive.", "C:/a"),
        path("device", "A part is a device of Windows.", "content/nul/a"),
        path("device-case", "A device of Windows in small letters, with an ending.", "aux.tar.gz"),
        path("device-blank", "A device of Windows, a blank and an ending.", "Con .txt"),
        path("device-input", "The console's input, which is a device of Windows too.", "CONIN$"),
        path("device-superscript", "A device of Windows with a superscript digit.", "com\u00b2.xml"),
        fine("dots", "Dots that are no folder names.", ".hidden", "..a", "a..b"),
        fine("like-devices", "Names that begin or end like devices of Windows.", "CONTENT", "aux-1.xml", "nul_", "com",
             "com10", "lpt\u0661", "my.con", ".nul", "c\u043en", "clock"),
        fine("signs", "Signs that Windows cannot write.", "<>\"|?*"),
        fine("prefix", "One path begins like another.", "a", "ab", "a.b/c"),
        fine("joiner", "A zero-width joiner is no direction mark.", "a\u200db"),
    ]  # fmt: skip
