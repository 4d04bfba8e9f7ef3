"""A medium that was damaged, mixed up or tampered with is refused before anything moves; nothing here is confirmed."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.domain.errors import GatewayError
from gateway.folders.medium import Medium
from tests.support.houses import House
from tests.support.trips import PART, Journey, build


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """Two open houses, and one trip of the police on the medium."""
    made = build(tmp_path_factory.mktemp("journey"))
    for house in made.street.houses:
        house.open()
    made.street.drop("notes.bin", os.urandom(20_000))
    made.work(made.police)
    made.send(made.police)
    yield made
    made.street.close()


@pytest.fixture
def folder(journey: Journey, tmp_path: Path) -> Path:
    """The trip's folder on a copy of the medium."""
    (sent,) = journey.medium.iterdir()
    shutil.copytree(sent, tmp_path / sent.name)
    return tmp_path / sent.name


def refusals(journey: Journey, folder: Path, house: House | None = None) -> list[str]:
    found = journey.desk(house or journey.procuratorate, "chen").look(folder.parent, "")
    assert found.trips == ()
    return [error.code for _trip, error in found.refused]


def parts(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name != "index")


def test_the_medium_shows_nothing_but_sizes(journey: Journey, folder: Path) -> None:
    (trip,) = journey.police.ledger.trips.newest(5)
    names = {path.name for path in folder.iterdir()}
    assert folder.name == trip.trip
    assert names == {"index", *(f"{number:06d}" for number in range(1, len(names)))}
    raw = (folder / "index").read_bytes()
    for secret in (b"990102", b"USB 7", b".cfb", trip.trip.encode()):
        assert secret not in raw


def test_a_large_file_is_cut_into_parts(journey: Journey, folder: Path) -> None:
    (trip,) = journey.police.ledger.trips.newest(5)
    assert max(path.stat().st_size for path in parts(folder)) == PART
    assert len(parts(folder)) > trip.files


def test_a_waiting_bundle_took_its_room_once(journey: Journey) -> None:
    (bundle,) = (journey.box(journey.police) / "trips").glob("*/*.cfb")
    assert bundle.stat().st_nlink == 2


def test_a_missing_file(journey: Journey, folder: Path) -> None:
    parts(folder)[-1].unlink()
    assert refusals(journey, folder) == ["trip-torn"]


def test_a_short_file(journey: Journey, folder: Path) -> None:
    os.truncate(parts(folder)[0], 5)
    assert refusals(journey, folder) == ["trip-torn"]


def test_a_link_in_the_place_of_a_file(journey: Journey, folder: Path) -> None:
    path = parts(folder)[0]
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")
    assert refusals(journey, folder) == ["trip-torn"]


@pytest.mark.parametrize("kept", [0, 7, 60, 2000])
def test_a_truncated_index(journey: Journey, folder: Path, kept: int) -> None:
    os.truncate(folder / "index", kept)
    assert refusals(journey, folder) == ["trip-malformed"]


def test_the_index_of_another_node(journey: Journey, folder: Path) -> None:
    moved = folder.rename(folder.with_name("1" * 32))
    assert refusals(journey, moved, journey.police) == ["trip-not-for-us"]


def test_an_index_in_another_trips_folder(journey: Journey, folder: Path) -> None:
    moved = folder.rename(folder.with_name("0" * 32))
    assert refusals(journey, moved) == ["trip-wrong-issuer"]


def test_a_pipe_in_the_place_of_an_index(journey: Journey, folder: Path) -> None:
    (folder / "index").unlink()
    os.mkfifo(folder / "index")
    with pytest.raises(GatewayError) as caught:
        refusals(journey, folder)
    assert caught.value.code == "trip-none"


def test_what_was_put_on_it_between_two_attempts_leads_nowhere(tmp_path: Path) -> None:
    """Whoever writes on a medium may be root, and somebody else had it in hand."""
    trip, victim, source = "0" * 32, tmp_path / "victim", tmp_path / "source"
    victim.write_bytes(b"mine")
    source.write_bytes(b"content")
    for root in (tmp_path / "one", tmp_path / "other"):
        root.mkdir()
    medium = Medium(tmp_path / "one")
    medium.put(trip, 1, source)
    for name in ("index.part", "000002.part"):
        (tmp_path / "one" / trip / name).symlink_to(victim)
    medium.put(trip, 2, source)
    medium.seal(trip, b"index")
    assert victim.read_bytes() == b"mine"
    assert medium.index(trip, 99) == b"index"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "other" / trip).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GatewayError):
        Medium(tmp_path / "other").put(trip, 1, source)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_trip_that_is_a_link_is_none(journey: Journey, folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    medium = Medium(folder.parent)
    assert medium.trips() == []
    with pytest.raises(GatewayError, match="medium-missing"):
        medium.index(folder.name, 1 << 20)
