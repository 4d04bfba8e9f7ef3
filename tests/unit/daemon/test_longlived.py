import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from gateway.daemon.longlived import set_aside


class Knot:
    """Something that leads to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


def test_what_was_set_aside_is_freed_once_something_else_took_its_place() -> None:
    first = Knot()
    gone = ref(first)
    set_aside()
    assert not any(one is first for one in gc.get_objects())
    del first
    gc.collect()
    assert gone() is not None, "no search goes through it"
    set_aside()
    assert gone() is None
