"""The suites: the number in the header is the only name of an algorithm that exists anywhere in the format."""

from enum import IntEnum
from functools import cache

from gateway.bundle.hpke_suites import ClassicSuite, PqSuite
from gateway.bundle.primitives import Algorithms
from gateway.domain.errors import SecurityError


class Suite(IntEnum):
    """One fixed choice of every algorithm (docs/bundle-format.md, suites)."""

    CLASSIC = 1
    PQ = 2
    GM = 3


DEFAULT_SUITE = Suite.PQ
HASH_LENGTH = 32
"""Bytes of H in every suite."""


def label(name: str) -> bytes:
    """Return L(name), which starts every text that is signed, hashed or bound, so that none can pass for another."""
    return b"casebundle/v1 " + name.encode("ascii") + b"\0"


def suite_of(number: int) -> Suite:
    """Return the suite with this number; SecurityError `suite-refused` if there is none."""
    try:
        return Suite(number)
    except ValueError as error:
        raise SecurityError("suite-refused", f"no suite {number}", facts={"suite": number}) from error


@cache
def algorithms(suite: Suite) -> Algorithms:
    """Return the primitives of `suite`, which hold nothing of anybody's; asked for some sixty times a small bundle."""
    match suite:
        case Suite.CLASSIC:
            return ClassicSuite()
        case Suite.PQ:
            return PqSuite()
        case Suite.GM:
            # Only those who use suite 3 load the library for it.
            from gateway.bundle.gm_suite import GmSuite

            return GmSuite()


def digest(suite: Suite, *parts: bytes | memoryview) -> bytes:
    """Return H over the concatenation of `parts`."""
    running = algorithms(suite).digest()
    for part in parts:
        running.update(part)
    return running.digest()
