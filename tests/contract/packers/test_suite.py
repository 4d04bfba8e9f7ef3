"""The suite of promises itself: a packer that breaks one is caught, by the promise it breaks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from gateway.packing import Candidate, Entry, Packet, Reading, Settled
from gateway.packing_contract import BrokenPromiseError, Subject, promises
from gateway.standard.catalogue import Standard
from gateway.standard.findings import Finding, Verdict
from packers.prison import PrisonPacker
from tests.support.prisons import PrisonExport

PROMISES = {one.name: one for one in promises()}


@dataclass(frozen=True)
class Bent:
    """The prison's packer with one thing bent."""

    bend_candidates: Callable[[list[Candidate], Sequence[Entry]], list[Candidate]] = lambda found, _entries: found
    bend_reading: Callable[[Reading], Reading] = lambda reading: reading
    bend_import: Callable[[Packet, Path], object] = lambda _packet, _into: None
    bend_order: Callable[[tuple[str, ...]], tuple[str, ...]] = lambda written: written

    def candidates(self, entries: Sequence[Entry]) -> list[Candidate]:
        return self.bend_candidates(PrisonPacker().candidates(entries), entries)

    @contextmanager
    def read(self, parts: Sequence[Path], standard: Standard) -> Iterator[Reading]:
        with PrisonPacker().read(parts, standard) as reading:
            yield self.bend_reading(reading)

    def write(self, packet: Packet, into: Path) -> tuple[str, ...]:
        written = PrisonPacker().write(packet, into)
        self.bend_import(packet, into)
        return self.bend_order(written)


def subject(packer: Bent) -> Subject:
    return Subject("bent", packer, lambda into: PrisonExport().drop(into), lambda _parts: None, Settled.COMPLETE)


def _guess(found: list[Candidate], _entries: Sequence[Entry]) -> list[Candidate]:
    return [replace(one, settled=Settled.COMPLETE) for one in found]


def _by_listing(found: list[Candidate], entries: Sequence[Entry]) -> list[Candidate]:
    return [replace(one, name=entries[0].name) for one in found]


def _first_lost(reading: Reading) -> Reading:
    return replace(reading, members=reading.members[1:])


def _lying_size(reading: Reading) -> Reading:
    return replace(reading, members=[replace(m, size=m.size + 1) for m in reading.members])


def _climbing(reading: Reading) -> Reading:
    return replace(reading, members=[replace(reading.members[0], path="../x"), *reading.members[1:]])


def _complaining(reading: Reading) -> Reading:
    return replace(reading, findings=(Finding("FS-LEFTOVER", Verdict.FIX),))


def _moody() -> Callable[[Reading], Reading]:
    turns = count()
    return lambda reading: replace(reading, package=replace(reading.package, brief=str(next(turns))))


def _restless() -> Callable[[Packet, Path], object]:
    turns = count()
    return lambda packet, into: (into / f"{packet.name}.csv").write_bytes(b"%d" % next(turns))


BENT = [
    ("candidates_find_the_dropped_export", Bent(bend_candidates=lambda _found, _entries: [])),
    ("candidates_do_not_depend_on_the_order_of_a_listing", Bent(bend_candidates=_by_listing)),
    ("an_export_without_its_mark_waits", Bent(bend_candidates=_guess)),
    ("an_honest_export_passes", Bent(bend_reading=_complaining)),
    ("members_have_their_true_sizes_and_open_twice", Bent(bend_reading=_lying_size)),
    ("member_paths_are_safe_and_unique", Bent(bend_reading=_climbing)),
    ("reading_twice_gives_the_same", Bent(bend_reading=_moody())),
    ("a_hostile_export_is_refused_without_an_error", Bent()),  # its spoiler spoils nothing
    ("every_origin_names_a_file_of_the_export", Bent(bend_reading=_first_lost)),
    (
        "what_was_read_can_be_written_and_read_again",
        Bent(bend_import=lambda packet, into: (into / packet.name / "more.pdf").write_bytes(b"")),
    ),
    ("writing_twice_gives_the_same_bytes", Bent(bend_import=_restless())),
    ("written_names_start_with_the_name_given", Bent(bend_order=lambda written: ("other", *written[1:]))),
    (
        "a_correction_names_what_it_corrects_and_is_the_same_otherwise",
        Bent(bend_order=lambda written: written if len(written) == 3 else written[::-1]),
    ),
    (
        "cases_of_other_formats_can_be_written_and_nothing_is_lost",
        Bent(bend_import=lambda packet, into: (into / packet.name / "原始数据" / "case-package.json").unlink()),
    ),
]


@pytest.mark.parametrize(("promise", "bent"), BENT, ids=[name for name, _ in BENT])
def test_a_broken_promise_is_found(promise: str, bent: Bent, tmp_path: Path) -> None:
    with pytest.raises(BrokenPromiseError):
        PROMISES[promise].keep(subject(bent), tmp_path)


def test_the_packer_that_is_bent_keeps_them_all_when_it_is_not(tmp_path: Path) -> None:
    for n, promise in enumerate(PROMISES.values()):
        if promise.name != "a_hostile_export_is_refused_without_an_error":
            place = tmp_path / str(n)
            place.mkdir()
            promise.keep(subject(Bent()), place)
