"""Finds how much of a part that a broken transfer left may be continued: what both sides hold alike, without holes."""

from collections.abc import Callable, Iterable, Sequence

RESUME_FROM = 1 << 20
"""Bytes; a smaller part is sent again sooner than it is compared, and is not kept."""
SYNC_STEP = 16 << 20
"""Bytes after which a sender asks the peer's disk for durability; it never runs further than twice this ahead."""
UNPROVEN = 2 * SYNC_STEP
"""Bytes at the end of a part at the peer that may never have reached its disk: all of them are compared."""
FETCH_STEP = 8 << 20
"""Bytes that a part of our own is ever ahead of our disk, and so are compared; whoever fetches waits for its disk."""
_SAMPLE = 32 << 10
_SAMPLES = 64
"""So many samples of so many bytes show that what lies before is not another file's."""

ReadAt = Callable[[int, int], bytes]
"""(offset, length) -> the bytes there, fewer at the end of the file."""
ReadRanges = Callable[[Sequence[range]], Iterable[tuple[int, bytes | memoryview]]]
"""Ranges of bytes -> (offset, bytes), in order and without gaps within a range; ends where the file ends."""


def agreed(held: int, size: int, ours: ReadAt, theirs: ReadRanges, *, unproven: int = UNPROVEN) -> int:
    """Return the length of the prefix, up to `held` bytes, from which a part can be continued; 0 = begin anew.

    held:     bytes of the part that was left. size: bytes of the whole file.
    ours:     reads the side that is at hand; theirs: reads the other one. Which of them is the part does not matter.
    unproven: bytes at the end of the part that were perhaps not durable when the transfer broke.

    The last `unproven` bytes are compared one by one, and what lies before at regular places. A difference at the end
    is an unfinished write: the boundary is where it begins. A difference before cannot come from a broken transfer,
    nor can a part longer than the file: nothing of such a part is trusted. Raises what the readers raise.
    """
    if not RESUME_FROM <= held <= size:
        return 0
    tail = max(held - unproven, 0)
    boundary = 0
    for offset, block in theirs([*_samples(tail), range(tail, held)]):
        if ours(offset, len(block)) != block:
            return offset if offset >= tail else 0
        boundary = offset + len(block)
    # A part that ends before its size was told is as good as a shorter one.
    return boundary if boundary >= tail else 0


def _samples(end: int) -> list[range]:
    step = max(-(-end // _SAMPLES), _SAMPLE)
    return [range(start, min(start + _SAMPLE, end)) for start in range(0, end, step)]
