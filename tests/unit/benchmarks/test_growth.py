"""The exponent of a fitted power."""

import pytest

from benchmarks.growth import exponent


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_the_exponent_of_a_power_is_found(power: float) -> None:
    assert exponent([(size, 0.003 * size**power) for size in (10, 100, 1000)]) == pytest.approx(power)
