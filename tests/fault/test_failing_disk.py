"""One call to the disk that fails where it hurt once: the work is done in the end, without a new start."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.lifecycle import State
from tests.support.calls import Call, met
from tests.support.claiming import whole_tokens
from tests.support.houses import IN, OUT, Street, build, opened, street

CONTENT = {"first.txt": b"first" * 100}
DELIVERED = {
    "looking for a sealed bundle": ("lstat", "police/state/spool/outbound", ".cfb"),
    "removing a delivered bundle": ("unlink", "procuratorate/state/spool/inbound", ".cfb"),
    "reading a receipt file": ("read", "police/state/spool/inbound", ".cfr"),
    "proving that a claim stands": ("fsync", "police/state/spool/claims/files", "claims/files"),
}
CLAIMED_BEFORE = ("read", "police/state/spool/claims/files", "intent.json")
REFUSED = {
    "locking away what was set aside": ("fsync", "procuratorate/state/quarantine/.", ""),
    "naming what was set aside": ("replace", "procuratorate/state/quarantine", ""),
    "removing what was decrypted": ("rmdir", "procuratorate/state/spool/staging", ""),
}


def settled_in_spite_of(made: Street, name: str, below: str, ending: str) -> None:
    """Let everybody work while the first call `name` of a path below `below` with that ending fails with EIO."""
    failed = []

    def around(call: Call) -> Any:
        place = call.place.removeprefix(f"{made.root}/")
        if not failed and call.name == name and place.startswith(below) and place.endswith(ending):
            failed.append(place)
            raise OSError(errno.EIO, os.strerror(errno.EIO), call.place)
        return call.go()

    with opened(made), met(around, made.root):
        made.settle()
    assert failed, "nobody made that call"


@pytest.mark.parametrize("where", DELIVERED)
def test_an_export_is_delivered(tmp_path: Path, where: str) -> None:
    build(tmp_path)
    made = street(tmp_path)
    for name, content in CONTENT.items():
        made.drop(name, content)
    settled_in_spite_of(made, *DELIVERED[where])
    was_delivered(tmp_path)


def test_an_export_is_delivered_whose_claim_cannot_be_read_after_a_start(tmp_path: Path) -> None:
    """Who has just claimed it knows what it is; only after a start its note is read."""
    build(tmp_path)
    for name, content in CONTENT.items():
        street(tmp_path).drop(name, content)
    with opened(street(tmp_path)) as made:
        while not whole_tokens(made.police.ground.shelf):
            made.go("police:claim")
            made.clock.time += 0.5
    settled_in_spite_of(street(tmp_path, made.clock), *CLAIMED_BEFORE)
    was_delivered(tmp_path)


def was_delivered(root: Path) -> None:
    with opened(street(root)) as again:
        assert again.delivered() == CONTENT
        assert again.police.only(OUT).state is State.DELIVERED
        assert again.procuratorate.only(IN).state is State.CONFIRMED
        assert again.leftovers() == []


@pytest.mark.parametrize("where", REFUSED)
def test_an_export_is_refused(tmp_path: Path, where: str) -> None:
    build(tmp_path)
    routes = tmp_path / "procuratorate" / "etc" / "routes.d" / "procuratorate.yaml"
    routes.write_text(routes.read_text("utf-8").rstrip() + "\n    flows: [arrest-request]\n", "utf-8")
    made = street(tmp_path)
    for name, content in CONTENT.items():
        made.drop(name, content)
    settled_in_spite_of(made, *REFUSED[where])
    with opened(street(tmp_path)) as again:
        assert again.delivered() == {}
        assert again.police.only(OUT).state is State.REFUSED
        assert again.procuratorate.only(IN).state is State.DISMISSED
        (aside,) = again.procuratorate.ground.quarantine.listing()
        assert aside.note.code == "not-permitted"
        assert again.leftovers() == []
