"""What the rooms below the daemon may say to the operations log: an event's slug and code-like facts, nothing else."""

from typing import Protocol

Fact = str | int | float | bool | None
"""A code, a count, a size, an id; never a secret, case content, a file's own name or a personal name."""


class OpsLog(Protocol):
    """The operations log as a room sees it. Never raises; may be called from any thread.

    event: lower-case words joined by hyphens, e.g. `link-down`; the same event always has the same slug.
    facts: what a reader filters by. Text that is not plain ASCII is blotted out before it is written.

    The operations log helps an operator; it is not the transfer record, and may be lost without losing a fact.
    """

    def info(self, event: str, /, **facts: Fact) -> None:
        """Something normal that is worth a line."""
        ...

    def warn(self, event: str, /, **facts: Fact) -> None:
        """Something that will be tried again by itself."""
        ...

    def error(self, event: str, /, **facts: Fact) -> None:
        """Something that stays wrong until a person acts."""
        ...

    def alert(self, event: str, /, **facts: Fact) -> None:
        """Something that a person must look at now: a security event, a dead part of the node."""
        ...
