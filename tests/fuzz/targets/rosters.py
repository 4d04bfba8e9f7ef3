"""Roster files: their frame, their content, and the metadata that is read before any signature is looked at."""

import json
from collections.abc import Mapping
from dataclasses import replace

from gateway.domain.records import Priority
from gateway.keyring.officer import OfficerKey
from gateway.roster import codec
from gateway.roster.authority import Officers, next_root, officers_of, propose, root_expiry, sign, signed_by
from gateway.roster.content import FlowClass, Permission, RosterContent
from gateway.roster.file import RosterFile, join, split
from gateway.roster.glance import FILE_NAME, FOLDER, glance
from gateway.roster.proving import prove, versions
from tests.fuzz.places import place
from tests.fuzz.shapes import canonical_form
from tests.fuzz.target import Target, attempt

OFFICER = OfficerKey(bytes([7]) * 32)
FOREVER = 4_000_000_000
CONTENT = RosterContent(
    3, 1_700_000_000, "测试省", (), (Permission("*", "police", "court"),), (FlowClass(1, "arrest", Priority.NORMAL),)
)
ROOT = next_root([], Officers((OFFICER.public,), 1), FOREVER)
HONEST = sign(propose([ROOT], CONTENT, FOREVER), OFFICER.public, OFFICER.sign)
PARTS = ("roots", "timestamp", "snapshot", "targets")


def run_roster(data: bytes) -> None:
    """First byte: a whole file; the roster itself, put in order; or one part of the metadata of an honest file."""
    what, rest = data[0] % (2 + len(PARTS)) if data else 0, data[1:]
    if what == 0:
        file = attempt(lambda: split(rest))
        if file is not None:
            assert join(file) == rest
            look(file)
    elif what == 1:
        text = canonical_form(rest)
        content = attempt(lambda: codec.decode(text), ValueError)
        assert content is None or codec.encode(content) == text
    else:
        name = PARTS[what - 2]
        look(replace(HONEST, **{name: (rest,) if name == "roots" else rest}))


def look(file: RosterFile) -> None:
    """Do with a file what is done with one that came from anywhere, and with one that was damaged here."""
    state = place("roster")
    (state / FOLDER).mkdir(exist_ok=True)
    (state / FOLDER / FILE_NAME).write_bytes(join(file))
    assert glance(state) is not None
    attempt(lambda: versions(file))
    attempt(lambda: officers_of(file.roots[-1]))
    attempt(lambda: root_expiry(file.roots[-1]))
    attempt(lambda: signed_by(file))
    attempt(lambda: sign(file, OFFICER.public, OFFICER.sign))
    proven = attempt(lambda: prove(file, HONEST.roots[0], state, 1_700_000_000.0))
    assert proven is None or (proven.version, proven.content) == (CONTENT.version, HONEST.roster)


def roster_seeds() -> Mapping[str, bytes]:
    def part(number: int, raw: bytes) -> bytes:
        return bytes([number]) + json.dumps(json.loads(raw), separators=(",", ":"), sort_keys=True).encode()

    metadata = (HONEST.roots[0], HONEST.timestamp, HONEST.snapshot, HONEST.targets)
    seeds = {name: part(number, raw) for number, (name, raw) in enumerate(zip(PARTS, metadata, strict=True), 2)}
    return seeds | {"file": b"\0" + join(HONEST), "content": b"\1" + HONEST.roster}


TARGETS = (Target("roster", run_roster, roster_seeds, longest=8192, json_at=1),)
