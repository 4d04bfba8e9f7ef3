"""The folders of a link by media: many files move for the price of one."""

from pathlib import Path

from gateway.folders.tripshelf import TripShelf
from tests.support.crashing import dies_at, interrupted


def shelf_with(tmp_path: Path, names: list[str]) -> TripShelf:
    shelf = TripShelf(tmp_path, tmp_path / "out", tmp_path / "in")
    shelf.prepare()
    shelf.folder(1)
    for name in names:
        (tmp_path / "out" / name).write_text(name)
    return shelf


def test_what_goes_on_a_trip_is_synced_together(tmp_path: Path) -> None:
    names = [f"{number}.cfb" for number in range(20)]
    shelf = shelf_with(tmp_path, names)
    with interrupted(-1, lambda: None) as met:
        shelf.take_along(1, names)
    assert met.count("fsync") == 2
    assert {path.name for path in (tmp_path / "trips" / "1").iterdir()} == set(names)


def test_death_at_any_point_leaves_each_file_in_one_place_from_which_it_waits_again(tmp_path: Path) -> None:
    names = [f"{number}.cfb" for number in range(3)]
    points = 0
    shelf = shelf_with(tmp_path, names)
    while dies_at(points, lambda: shelf.take_along(1, names)):
        for name in (path.name for path in (tmp_path / "trips" / "1").iterdir()):
            assert not (tmp_path / "out" / name).exists()
            (tmp_path / "trips" / "1" / name).rename(tmp_path / "out" / name)
        assert {path.name for path in (tmp_path / "out").iterdir()} == set(names)
        points += 1
    assert points > 3
