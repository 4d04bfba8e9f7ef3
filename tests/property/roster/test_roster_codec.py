"""What must hold of the roster's one form for every roster: it comes back exactly, and nothing else is accepted."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.bundle.keys import PublicKeys, generate
from gateway.bundle.suites import Suite
from gateway.domain.errors import GatewayError
from gateway.domain.ids import UnitCode
from gateway.domain.records import Priority
from gateway.roster import codec
from gateway.roster.content import FlowClass, Level, Permission, RosterContent, RosterUnit, UnitKey, UnitName
from gateway.roster.file import RosterFile, join, split
from tests.support.cards import ssh_key
from tests.support.examples import examples

KEYS = [generate(suite).public for suite in (Suite.CLASSIC, Suite.CLASSIC, Suite.PQ)]
SSH = [ssh_key() for _ in range(4)]

times = st.integers(0, 2**53 - 1)
words = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20)
names = st.text(st.characters(categories=["Lo", "L", "N"]), min_size=1, max_size=20)
codes = st.from_regex(r"[0-9A-Z]{4,24}", fullmatch=True).map(UnitCode)
keys = st.builds(UnitKey, st.sampled_from(KEYS), times, times, st.none() | times, st.booleans())
units = st.builds(
    RosterUnit,
    unit=codes,
    name=names,
    role=words,
    level=st.sampled_from(Level),
    region=st.from_regex(r"[0-9]{0,6}", fullmatch=True),
    parent=st.none() | codes,
    hubs=st.lists(codes, max_size=3).map(tuple),
    names=st.lists(st.builds(UnitName, words, st.text(max_size=30), times, st.none() | times), max_size=3).map(tuple),
    keys=st.lists(keys, max_size=3).map(tuple),
    suites=st.lists(st.sampled_from(Suite), max_size=3).map(tuple),
    ssh_host_key=st.sampled_from(SSH),
    ssh_host_keys_also=st.lists(st.sampled_from(SSH), max_size=2).map(tuple),
    ssh_user_keys=st.lists(st.sampled_from(SSH), max_size=2).map(tuple),
    since=times,
    closed_at=st.none() | times,
    successor=st.none() | codes,
)
contents = st.builds(
    RosterContent,
    version=st.integers(1, 2**53 - 1),
    issued_at=times,
    province=names,
    units=st.lists(units, max_size=4).map(tuple),
    permissions=st.lists(st.builds(Permission, words, words, words), max_size=4).map(tuple),
    classes=st.lists(
        st.builds(FlowClass, st.integers(1, 65535), st.text(max_size=20), st.sampled_from(Priority)), max_size=4
    ).map(tuple),
)


@settings(max_examples=examples(60), deadline=None)
@given(contents)
def test_a_roster_comes_back_exactly(content: RosterContent) -> None:
    raw = codec.encode(content)
    assert codec.decode(raw, PublicKeys.checked_before) == content
    assert codec.encode(codec.decode(raw, PublicKeys.checked_before)) == raw


@settings(max_examples=examples(60), deadline=None)
@given(contents, st.data())
def test_what_is_accepted_re_encodes_to_itself(content: RosterContent, data: st.DataObject) -> None:
    raw = bytearray(codec.encode(content))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    try:
        found = codec.decode(bytes(raw), PublicKeys.checked_before)
    except (ValueError, GatewayError):
        return
    assert codec.encode(found) == bytes(raw)


@settings(max_examples=examples(60), deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_in_one_way(raw: bytes) -> None:
    for read in (codec.decode, split):
        with pytest.raises((ValueError, GatewayError)):
            read(raw)


@settings(max_examples=examples(30), deadline=None)
@given(
    st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.lists(st.binary(max_size=40), min_size=4, max_size=4)
)
def test_a_file_comes_back_exactly(roots: list[bytes], rest: list[bytes]) -> None:
    file = RosterFile(tuple(roots), *rest)
    assert split(join(file)) == file
    with pytest.raises(GatewayError):
        split(join(file)[:-1] if rest[-1] else join(file)[:-2])


def test_too_much_is_refused_before_it_is_read() -> None:
    content = RosterContent(1, 0, "省", (), (), ())
    for much in (
        replace(content, permissions=(Permission("a", "b", "c"),) * (codec.RULES_MAX + 1)),
        replace(content, province="省" * 101),
        replace(content, version=0),
    ):
        with pytest.raises(ValueError, match="must be"):
            codec.decode(codec.encode(much))
