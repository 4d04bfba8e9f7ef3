"""Points of a fault are the same wherever the files lie."""

from collections.abc import Iterator

import pytest

from tests.support.wholly import one_by_one


@pytest.fixture(scope="module", autouse=True)
def _one_by_one() -> Iterator[None]:
    with one_by_one():
        yield
