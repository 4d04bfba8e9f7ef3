"""Any order of deaths, repetitions and collections: what is published is seen whole, in order, and once."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.folders import notes
from gateway.folders.deliver import publish
from gateway.folders.moving import free_moves, variant
from tests.support.crashing import dies_at
from tests.support.examples import examples

STEP = st.one_of(st.just("collect"), st.integers(min_value=0, max_value=40))
NAME = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=20).filter(
    lambda name: not name.startswith(".")
)


@settings(max_examples=examples(40), deadline=None)
@given(count=st.integers(min_value=1, max_value=4), steps=st.lists(STEP, max_size=8))
def test_each_entry_is_delivered_exactly_once(count: int, steps: list[str | int]) -> None:
    names = [f"entry-{number}" for number in range(count)]
    mark = names[-1]
    with tempfile.TemporaryDirectory() as place:
        staging, inbound = Path(place, "imports"), Path(place, "in")
        staging.mkdir()
        inbound.mkdir()
        for name in names:
            (staging / name).write_text(name)
        collected: list[str] = []

        def collect() -> None:
            """Case software takes an import away only when it sees the mark; then all of it must be there."""
            if (inbound / mark).exists():
                assert sorted(path.name for path in inbound.iterdir()) == names
                for name in names:
                    assert (inbound / name).read_text() == name
                    (inbound / name).unlink()
                    collected.append(name)

        for step in steps:
            if isinstance(step, int):
                dies_at(step, lambda: publish(staging, names, inbound))
            else:
                collect()
        publish(staging, names, inbound)
        collect()
        assert collected == names
        assert list(inbound.iterdir()) == []


@given(names=st.lists(NAME, min_size=1, max_size=4, unique=True), number=st.integers(min_value=1, max_value=50))
def test_variants_of_distinct_names_are_distinct_and_keep_their_endings(names: list[str], number: int) -> None:
    variants = [variant(name, number) for name in names]
    assert len(set(variants)) == len(names)
    for name, other in zip(names, variants, strict=True):
        assert other.partition(".")[2] == name.partition(".")[2]
        assert (other == name) == (number == 1)


@settings(max_examples=examples(50), deadline=None)
@given(
    names=st.lists(st.sampled_from(["a.zip", "a.ok", "a.zip.ok", "b"]), min_size=1, unique=True),
    taken=st.sets(st.sampled_from(["a.zip", "a.ok", "a~2.zip", "a~2.ok", "a~2.zip.ok", "b", "b~2", "a~3.zip"])),
)
def test_a_group_gets_one_free_variant(names: list[str], taken: set[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        for name in taken:
            Path(place, name).touch()
        moves = free_moves(Path(place), names)
    assert [move.name for move in moves] == names
    assert not taken & {move.target for move in moves}
    numbers = [n for n in range(1, 9) if all(move.target == variant(move.name, n) for move in moves)]
    assert len(numbers) == 1
    for earlier in range(1, numbers[0]):
        assert taken & {variant(name, earlier) for name in names}


@given(
    values=st.dictionaries(
        st.text(max_size=8), st.one_of(st.none(), st.integers(), st.text(st.characters(), max_size=20)), max_size=5
    )
)
def test_a_note_reads_back_as_it_was_written(values: dict[str, str | int | None]) -> None:
    raw = notes.encode(values)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "note")
        path.write_bytes(raw)
        note = notes.read(path)
    assert note is not None
    for key, value in values.items():
        if isinstance(value, int):
            assert note.number(key) == value
        else:
            assert note.optional_text(key) == value
