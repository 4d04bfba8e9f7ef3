"""Passes on, at a hub, the small signed papers that units behind it address to one another."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable

from gateway.bundle.names import Kind, paper_name
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.oplog import OpsLog
from gateway.folders.outbox import Outbox
from gateway.stages.onward import Onward

REMEMBERED = 65_536
"""Papers that are known to have passed; one that comes again sooner than so many others goes no further."""


class Courier:
    """Carries papers on unopened and unchanged; each once, and never back by the link that it came by. Thread-safe."""

    def __init__(
        self, *, onward: Onward, outbox: Outbox, ring: Callable[[LinkName], None], relays: bool, ops: OpsLog
    ) -> None:
        """ring: wakes what carries things out by a link. relays: whether this node is a hub."""
        self._onward = onward
        self._outbox = outbox
        self._ring = ring
        self._relays = relays
        self._ops = ops
        self._lock = threading.Lock()
        self._passed: OrderedDict[bytes, None] = OrderedDict()

    @property
    def relays(self) -> bool:
        """Whether this node passes on what is addressed to others."""
        return self._relays

    def pass_on(self, raw: bytes, kind: Kind, *, to: UnitCode, came_by: LinkName) -> bool:
        """Let a verified paper go on to the unit that it is addressed to; return whether it does.

        Durable on return. Raises as `Outbox.put`; then it may be repeated.
        """
        digest = hashlib.sha256(raw).digest()
        with self._lock:
            if digest in self._passed:
                return False
        link = self._onward.next_link(to, came_by)
        if link is None:
            self._ops.warn("paper-undeliverable", link=came_by, to=to, kind=kind.name.lower())
            return False
        self._outbox.put(link, paper_name(raw, kind), raw)
        with self._lock:
            self._passed[digest] = None
            while len(self._passed) > REMEMBERED:
                self._passed.popitem(last=False)
        self._ring(link)
        return True

    def send(self, raw: bytes, kind: Kind, *, to: UnitCode) -> bool:
        """Let a paper of our own leave for `to`; return whether any link leads there. Raises as `Outbox.put`."""
        link = self._onward.next_link(to)
        if link is None:
            return False
        self._outbox.put(link, paper_name(raw, kind), raw)
        self._ring(link)
        return True
