"""Where a stage reports the bytes of a long leg, so that an operator can see it move."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from gateway.domain.records import Stage, Transfer
from gateway.transport.api import Progress

STOPPING = "stopping"
"""Code of the TransientError (scope node) that a progress callback raises while the node is being stopped: whatever was
under way is owed again, and nobody failed."""

Watching = Callable[[Transfer, Stage, int], AbstractContextManager[Progress]]
"""Shows a transfer in a stage (of so many bytes) while the context lasts; it yields the progress callback."""
