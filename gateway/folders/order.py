"""Effects in order: one sync at the end of a step stands for those within it, on a disk whose journal keeps what is
done to it in order, so that an effect that lasts proves that all before it last as well (adr/0056)."""

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from gateway import linux
from gateway.folders import rounds


def is_kept(opened: Sequence[int]) -> bool:
    """Whether all that these descriptors lead to lies on one disk that keeps order."""
    try:
        return bool(opened) and len({os.fstat(one).st_dev for one in opened}) == 1 and linux.keeps_order(opened[0])
    except OSError:
        return False


def is_kept_between(*paths: str | os.PathLike[str]) -> bool:
    """Like `is_kept` for folders that are not open; False where one cannot be looked at."""
    try:
        with ExitStack() as held:
            opened: list[int] = []
            for path in paths:
                opened.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
                held.callback(os.close, opened[-1])
            return is_kept(opened)
    except OSError:
        return False


def settle_all(files: Sequence[str], folder: str) -> Mapping[str, OSError | None] | None:
    """Do what `settle` does for `files`, which are no links; None, and nothing is done, where there are many or where
    they and `folder` are not on one disk that keeps order. What cannot be opened is told like what cannot be written.
    """
    if len(files) >= rounds.FEWEST:
        return None
    outcomes: dict[str, OSError | None] = {}
    with ExitStack() as held:
        opened: dict[str, int] = {}
        for path in (*files, folder):
            try:
                # A pipe that has taken the place of a file is opened at once, and cannot be settled.
                opened[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
                held.callback(os.close, opened[path])
            except OSError as error:
                outcomes[path] = error
        if not is_kept(list(opened.values())):
            return None
        opened.pop(folder, None)
        return outcomes | dict(zip(opened, settle(list(opened.values())), strict=True))


def settle(opened: Sequence[int]) -> list[OSError | None]:
    """Have the bytes of these files written to a disk that keeps order, and wait for it; return in their order what
    became of each, as an fsync would tell it. They last once an effect lasts that follows: see `conclude`."""
    for one in opened if len(opened) > 1 else ():
        linux.start_writing(one)
    return [_settled(one) for one in opened]


def conclude_in(folder: str | os.PathLike[str]) -> None:
    """Do what `conclude` does, through a folder of ours: where names changed and nothing was settled. OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        linux.conclude(descriptor)
    finally:
        os.close(descriptor)


def _settled(file: int) -> OSError | None:
    try:
        linux.finish_writing(file)
    except OSError as error:
        return error
    return None
