"""How many examples a property test is tried with: in `make fuzz` fifty times as many as in an ordinary run."""

from hypothesis import settings

ORDINARY = 60
"""Examples of a test that says nothing else, in an ordinary run."""
FUZZING = 3000
"""The same under `make fuzz`."""


def examples(number: int) -> int:
    """Return for `max_examples` how many to try where an ordinary run has time for `number`."""
    return number * settings.default.max_examples // ORDINARY
