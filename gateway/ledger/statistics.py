"""What may be counted."""

from gateway.ledger.doors import Doors


class StatisticsBook:
    """Errors and threads as the ledger's own methods."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
