"""What follows when something cannot be scanned for viruses."""

from enum import StrEnum


class WhenDown(StrEnum):
    """What happens to what cannot be scanned because no scanner answers."""

    WAIT = "wait"  # it is tried again until the scanner is back
    HOLD = "hold"  # a named person releases it
    PASS = "pass"  # noqa: S105  it goes on unscanned, with a mark


class WhenTooLarge(StrEnum):
    """What happens to a file that is larger than the scanner takes."""

    HOLD = "hold"  # a named person releases it
    PASS = "pass"  # noqa: S105  it goes on unscanned, with a mark
