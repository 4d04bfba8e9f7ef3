"""The two ways into the ledger, for the parts of it that have a face of their own."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from gateway.ledger.change import Change

T = TypeVar("T")


class Doors(Protocol):
    """The two ways into the ledger, as `Ledger` has them."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Lend a connection that cannot write."""
        ...

    def change(self, work: Callable[[Change], T]) -> T:
        """Run `work` in a transaction of its own part."""
        ...
