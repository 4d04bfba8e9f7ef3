"""By what statistics are shown: the words of `caseferry stats --by`."""

from enum import StrEnum
from typing import Final


class Axis(StrEnum):
    """By what statistics are shown."""

    FLOW = "flow"
    UNIT = "unit"
    PEER = "peer"
    LINK = "link"
    DIRECTION = "direction"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    CHARGE = "charge"
    SOURCE = "source"
    OUTCOME = "outcome"

    @property
    def is_time(self) -> bool:
        """Whether it is a stretch of the calendar."""
        return self in PERIODS


PERIODS: Final = frozenset({Axis.DAY, Axis.WEEK, Axis.MONTH, Axis.YEAR})
