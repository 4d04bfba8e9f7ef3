"""Every kept input, and some bent ones, through every target: only our own errors, in bounded time and memory."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.errors import SecurityError
from tests.fuzz.catalogue import TARGETS
from tests.fuzz.files import CORPUS, CORPUS_MAX, kept
from tests.fuzz.target import Target, attempt, exercise

EXAMPLES = 40
"""For each target in the normal run; `make fuzz` looks further, with coverage as its guide."""

SIGNS = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\xff\xff\xff\xff",
    b"{",
    b"[",
    b'"',
    b",",
    b":",
    b"0",
    b"-1",
    b"1e999",
    b"NaN",
    b"..",
)


@pytest.mark.parametrize("name", TARGETS)
def test_every_kept_input_is_taken_or_refused_within_bounds(name: str) -> None:
    inputs = kept(name)
    assert inputs
    for file, data in inputs.items():
        try:
            exercise(TARGETS[name], data)
        except Exception as error:
            error.add_note(f"input: tests/fuzz/corpus/{name}/{file}")
            raise


def bent(inputs: list[bytes]) -> st.SearchStrategy[bytes]:
    """One of the inputs with pieces cut out, put in, exchanged or repeated."""

    def bend(data: bytes, cuts: list[tuple[int, int, bytes, int]]) -> bytes:
        for at, length, put, times in cuts:
            start = at % (len(data) + 1)
            data = data[:start] + put * times + data[start + length :]
        return data

    cut = st.tuples(
        st.integers(0, 1 << 16),
        st.sampled_from((0, 1, 1, 2, 4, 40)),
        st.binary(max_size=4) | st.sampled_from(SIGNS),
        st.sampled_from((1, 1, 1, 2, 300)),
    )
    return st.builds(bend, st.sampled_from(inputs), st.lists(cut, min_size=1, max_size=4))


@pytest.mark.parametrize("name", TARGETS)
def test_bent_inputs_are_taken_or_refused_within_bounds(name: str) -> None:
    target = TARGETS[name]
    # A fixed number also under the profile of `make fuzz`, which has a better way for these.
    settled = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])

    @settled
    @given(bent(list(kept(name).values())))
    def every(data: bytes) -> None:
        exercise(target, data)

    every()


def test_the_corpus_is_small_and_every_folder_has_a_target() -> None:
    assert {folder.name for folder in CORPUS.iterdir() if folder.is_dir()} == set(TARGETS)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < CORPUS_MAX


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_can_be_made_anew(name: str) -> None:
    seeds = TARGETS[name].seeds()
    assert {f"seed-{seed}" for seed in seeds} <= set(kept(name))
    assert max(map(len, seeds.values())) <= TARGETS[name].longest


def faulty(run: Callable[[bytes], None], **bounds: float) -> Target:
    target = Target("faulty", run, dict, memory=1 << 20)
    return replace(target, **bounds)  # type: ignore[arg-type]  # the bounds are numbers


def hold_much(_data: bytes) -> None:
    bytearray(2 << 20)


def take_long(_data: bytes) -> None:
    sum(n * n for n in range(300_000))


def raise_unknown(_data: bytes) -> None:
    raise SecurityError("no-such-code")


@pytest.mark.parametrize(
    "target",
    [
        faulty(hold_much),
        faulty(take_long, cpu=0.001),
        faulty(lambda data: attempt(lambda: raise_unknown(data))),
        faulty(lambda _data: attempt(lambda: 1 // 0)),
    ],
    ids=["memory", "time", "unexplained", "foreign"],
)
def test_what_breaks_the_bounds_is_noticed(target: Target) -> None:
    with pytest.raises((AssertionError, ZeroDivisionError)):
        exercise(target, b"x")
