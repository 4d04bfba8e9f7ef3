"""One bundle sealed alone, in two steps, as a batch of one goes through a node."""

from collections.abc import Sequence
from typing import Any, BinaryIO

from gateway.bundle.keys import NodeKeys
from gateway.bundle.seal import Prepared, Sealed, SealMember, begin, conclude, sign_heads
from gateway.bundle.seal import finish as write_head


def prepare(
    out: BinaryIO, members: Sequence[SealMember], *, keys: NodeKeys, depth: int = 0, **settings: Any
) -> Prepared:
    """Write everything but HEADER and SIG; `settings` as `gateway.bundle.seal.begin` has them."""
    begun = begin(out, members, keys=keys, depth=depth, **settings)
    return conclude(out, begun, *keys.sign_all("inner", [begun.statement], depth))


def finish(out: BinaryIO, prepared: Prepared, numbers: Sequence[int], keys: NodeKeys) -> Sealed:
    """Write HEADER and SIG."""
    return write_head(out, prepared, *sign_heads([(prepared, numbers)], keys))
