"""Keeps the C library from giving memory back after every packet."""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h of glibc
_KEPT = 16 << 20
"""Bytes of free memory that the process keeps; as much as one guest may have under way."""
_MAPPED_FROM = 4 << 20
"""Bytes from which a block is mapped by itself; above every packet."""
_ARENAS = 1
"""Heaps that the threads share. Each would keep so much by itself, and glibc makes up to eight for each processor; a
Python thread that allocates holds the interpreter's lock, so there is nobody to wait for."""


def keep_freed_memory() -> bool:
    """Let this process keep what it frees; for a process that moves large packets. Return whether it could be done.

    A packet of 256 KiB lies above the sizes from which glibc maps or trims, and the kernel then clears every page
    anew: that cost more than the encryption (docs/adr/0004-transport.md). Does nothing on other C libraries.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    wanted = ((_M_ARENA_MAX, _ARENAS), (_M_MMAP_THRESHOLD, _MAPPED_FROM), (_M_TRIM_THRESHOLD, _KEPT))
    return all(mallopt(what, value) for what, value in wanted)
