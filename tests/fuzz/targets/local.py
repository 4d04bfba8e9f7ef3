"""Files of our own that somebody else may have touched: settings, and the notes that we leave ourselves."""

import json
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from gateway.compose.health import FILE_NAME as HEALTH_FILE
from gateway.compose.health import Health, Trouble, Waiting, read_health, write_health
from gateway.daemon.progress import FILE_NAME as PROGRESS_FILE
from gateway.daemon.progress import read_progress
from gateway.domain.ids import LinkName, RouteName, claim_token, digest
from gateway.folders import intent, moving
from gateway.folders.intent import Intent, Part
from gateway.folders.quarantine import Quarantine, QuarantineId, QuarantineNote
from gateway.settings.crosscheck import Known
from gateway.settings.links import LinkSettings
from gateway.settings.load import check
from gateway.settings.node import NodeFile
from gateway.settings.routes import InboundRoute, OutboundRoute, RoutesFile
from tests.fuzz.places import place, put
from tests.fuzz.target import Target, attempt
from tests.support.configs import LINK, NODE, ROUTES, config

FILES = ("gateway.yaml", "links.d/a.yaml", "routes.d/a.yaml")
SOUND = (NODE, LINK, ROUTES)


@cache
def config_folder() -> Path:
    return config(place("settings"))


def run_settings(data: bytes) -> None:
    """First byte: which of the three files of a sound folder has the rest as its text."""
    folder = config_folder()
    which = data[0] % len(FILES) if data else 0
    for number, (name, text) in enumerate(zip(FILES, SOUND, strict=True)):
        (folder / name).write_bytes(data[1:] if number == which else text.encode())
    checked = check(folder, Known(("folder", "police")))
    assert (checked.settings is None) == bool(checked.complaints)
    for complaint in checked.complaints:
        assert complaint.line >= 1
        assert complaint.column >= 1
        assert "\n" not in str(complaint)
        str(complaint).encode()


def settings_seeds() -> Mapping[str, bytes]:
    names = ("node", "link", "routes")
    sound = {name: bytes([n]) + text.encode() for n, (name, text) in enumerate(zip(names, SOUND, strict=True))}
    odd = "\2outbound: [{name: a, folder: ../x, packer: police, receivers: {'*': \"990102\"}, expires: 1h 30m}]\n"
    wrong = "\0node：\n  unit: 0990\n\tname: “x”\n--- \n&a *b !c 'd\\x\n"
    return sound | {"odd": odd.encode(), "wrong": wrong.encode()}


def run_progress(data: bytes) -> None:
    view = read_progress(put("progress", PROGRESS_FILE, data))
    assert isinstance(view.pid, int)
    assert isinstance(view.written_at, float)
    assert all(isinstance(one.done, int) and isinstance(one.rate, float) for one in view.transfers)


def progress_seeds() -> Mapping[str, bytes]:
    one = {"transfer": 7, "stage": "send", "done": 5, "total": 9, "seconds": 1.5, "rate": 3}
    body = {"v": 1, "pid": 4711, "written_at": 1000000.25, "transfers": [one]}
    return {"one": json.dumps(body).encode(), "none": json.dumps(body | {"transfers": []}).encode()}


def run_health(data: bytes) -> None:
    """Whatever is read has the types that it promises: the command line computes with it."""
    put("health", HEALTH_FILE, data)
    health = read_health(place("health"))
    assert isinstance(health.pid, int)
    assert isinstance(health.port, int)
    assert isinstance(health.started_at, float | int)
    assert all(isinstance(path, str) for path in health.deaf)
    assert all(isinstance(name, str) and isinstance(n, int) for name, n in health.deaths.items())
    for trouble in health.troubles:
        assert all(isinstance(text, str) for text in (trouble.scope, trouble.name, trouble.code, trouble.detail))
        assert all(isinstance(number, float | int) for number in (trouble.failures, trouble.since, trouble.next_try))
    for one in health.waiting:
        assert all(isinstance(text, str) for text in (one.route, one.export, one.code))
        assert isinstance(one.seconds, float | int)


def health_seeds() -> Mapping[str, bytes]:
    trouble = Trouble("link", "a", "link-timeout", "x", 3, 1000.5, 1100.0)
    waiting = Waiting("exports", "案件.zip", "FS-NO-MARKER", 61.0)
    write_health(place("health"), Health(1, 2.5, 2222, (trouble,), (waiting,), ("out",), {"send a": 1}))
    return {"full": (place("health") / HEALTH_FILE).read_bytes()}


def in_order(data: bytes) -> bytes:
    """Return the JSON in `data` as our notes are written: ASCII, sorted, without spaces; else `data` itself."""
    try:
        return json.dumps(json.loads(data), sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return data


def run_claim_note(data: bytes) -> None:
    path = put("claim", "intent.json", in_order(data))
    found = attempt(lambda: intent.read(path))
    if found is not None:
        assert found.size == sum(part.size for part in found.parts)


def claim_note_seeds() -> Mapping[str, bytes]:
    parts = (Part("a.zip", False, 9, 10**18, ""), Part("d", True, 0, 1, "5f" * 32))
    token, route = claim_token("0a" * 16), RouteName("exports")
    seeds = {}
    for name, mark in (("marked", b"MD5=00\r\n"), ("plain", None)):
        seeds[name] = intent.encode(Intent(token, route, Path("out"), "a.zip", parts, mark))
    return seeds


def run_move_note(data: bytes) -> None:
    put("move", moving.JOURNAL, in_order(data))
    attempt(lambda: moving.journal_of(place("move")))


def move_note_seeds() -> Mapping[str, bytes]:
    return {"one": b'{"folder":"in","moves":[{"name":"a","target":"a (2)"}],"origin":"spool"}'}


def run_quarantine_note(data: bytes) -> None:
    folder = place("quarantine") / ("0" * 32)
    folder.mkdir(exist_ok=True)
    (folder / "note.json").write_bytes(in_order(data))
    quarantine = Quarantine(place("quarantine"))
    attempt(lambda: quarantine.get(QuarantineId(folder.name)))
    quarantine.listing()


def quarantine_note_seeds() -> Mapping[str, bytes]:
    root = place("quarantine") / "seed"
    thing = place("quarantine") / "thing"
    thing.write_bytes(b"x")
    note = QuarantineNote("0a" * 16, LinkName("a"), "bad-signature", 1000.5, 1, digest("ab" * 32))
    found = Quarantine(root).take(thing, note)
    raw = (root / found / "note.json").read_bytes()
    shutil.rmtree(root)
    return {"one": raw}


_SECTIONS = (NodeFile, LinkSettings, RoutesFile, OutboundRoute, InboundRoute)
SETTINGS_WORDS = (
    *(f"{name}: ".encode() for section in _SECTIONS for name in section.model_fields),
    *(b'"*"', b"90s", b"5 GiB", b"true", b"null", b"- ", b"{}", b"[]", b"\xef\xbc\x9a", b"|\n ", b"? ", b"990101"),
)

TARGETS = (
    # Python's YAML reader keeps some kilobytes for each sign of the text.
    Target(
        *("settings", run_settings, settings_seeds),
        longest=2048,
        cpu=3.0,
        memory=16 << 20,
        growth=4096,
        words=SETTINGS_WORDS,
    ),
    Target("progress", run_progress, progress_seeds, json_at=0),
    Target("health", run_health, health_seeds, json_at=0),
    Target("claim-note", run_claim_note, claim_note_seeds, json_at=0),
    Target("move-note", run_move_note, move_note_seeds, json_at=0),
    Target("quarantine-note", run_quarantine_note, quarantine_note_seeds, json_at=0),
)
