"""Metadata of a roster that is JSON and makes no sense: malformed to whoever reads it before any signature."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.errors import SecurityError
from gateway.roster.authority import officers_of, sign, signed_by
from gateway.roster.file import RosterFile, join
from gateway.roster.glance import FILE_NAME, FOLDER, Glance, glance
from gateway.roster.proving import fingerprint, versions
from tests.support.rosters import Authority, roster_of, with_cheap_digits

ODD = {
    "no member of JSON as it is signed": lambda root: root.update(extra=1.5),
    "no text": lambda root: root.update(extra="\ud800"),
    "a key that is no key": lambda root: [one["keyval"].update(public="zz") for one in root["keys"].values()],
    "an officer without a key": lambda root: root["roles"]["targets"].update(keyids=["ab"]),
}


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cheap_digits(monkeypatch)


@pytest.fixture
def authority() -> Authority:
    return Authority()


def with_root(file: RosterFile, odd: Callable[[dict[str, Any]], object]) -> RosterFile:
    root = json.loads(file.roots[0])
    odd(root["signed"])
    return replace(file, roots=(json.dumps(root).encode(),))


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_root_is_refused_by_whoever_asks_for_its_officers(
    authority: Authority, odd: Callable[[dict[str, Any]], object]
) -> None:
    file = with_root(authority.issue_file(roster_of()), odd)
    officer = authority.officers[0]
    for ask in (lambda: officers_of(file.roots[0]), lambda: sign(file, officer.public, officer.sign)):
        with pytest.raises(SecurityError, match="roster-malformed"):
            ask()


@pytest.mark.parametrize("odd", [ODD["no member of JSON as it is signed"], ODD["no text"]], ids=["number", "text"])
def test_what_could_not_be_signed_is_refused_by_all(
    authority: Authority, odd: Callable[[dict[str, Any]], object]
) -> None:
    file = with_root(authority.issue_file(roster_of()), odd)
    for ask in (lambda: fingerprint(file.roots[0]), lambda: signed_by(file), lambda: versions(file)):
        with pytest.raises(SecurityError, match="roster-malformed"):
            ask()


def test_one_part_in_the_place_of_another_is_refused(authority: Authority) -> None:
    file = authority.issue_file(roster_of())
    for ask in (lambda: fingerprint(file.timestamp), lambda: versions(replace(file, targets=file.snapshot))):
        with pytest.raises(SecurityError, match="of another kind"):
            ask()


@pytest.mark.parametrize("text", [b'{"signed": {"version": 1e999}}', b"[" * 20_000], ids=["endless", "deep"])
def test_a_glance_at_a_damaged_file_shows_that_it_is_damaged(tmp_path: Path, authority: Authority, text: bytes) -> None:
    (tmp_path / FOLDER).mkdir()
    file = replace(authority.issue_file(roster_of()), targets=text)
    (tmp_path / FOLDER / FILE_NAME).write_bytes(join(file))
    assert glance(tmp_path) == Glance(0, 0)
