"""What a gap transport remembers between two runs: how far a deposit has come, and since when a set is incomplete.

Plain files in a folder of our own, without fsync: losing one costs sending again, or waiting longer.
"""

import hashlib
from pathlib import Path

from gateway.transport.parts import Whole

_SENT, _SEEN = ".sent", ".seen"


def name_of(whole: Whole) -> str:
    """Return the name of the note about an incomplete set."""
    said = f"{whole.name}/{whole.total}/{whole.stride}"
    return hashlib.sha256(said.encode()).hexdigest()[:32] + _SEEN


def sent_name(whole: Whole) -> str:
    """Return the name of the note about a deposit."""
    return f"{whole.name}{_SENT}"


def sent(folder: Path, whole: Whole) -> int:
    """Return how many parts of `whole` an interrupted deposit had left; 0 if there was none."""
    match _read(folder / sent_name(whole)):
        case [total, stride, count] if (total, stride) == (whole.total, whole.stride):
            return min(max(count, 0), whole.count)
    return 0


def incomplete(folder: Path) -> dict[str, tuple[float, int]]:
    """Return note -> (since when in seconds since 1970, files there were then)."""
    found = {}
    if folder.is_dir():
        for path in folder.glob(f"*{_SEEN}"):
            match _read(path):
                case [since, files]:
                    found[path.name] = float(since), files
    return found


def write(folder: Path, name: str, *numbers: float) -> None:
    """Write a note; OSError if the folder refuses."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    temp = folder / f".{name}.part"
    temp.write_text(" ".join(str(int(number)) for number in numbers), "ascii")
    temp.replace(folder / name)


def drop(folder: Path, name: str) -> None:
    """Remove a note, if it is there."""
    (folder / name).unlink(missing_ok=True)


def _read(path: Path) -> list[int]:
    try:
        return [int(word) for word in path.read_text("ascii").split()]
    except (OSError, ValueError):
        return []
