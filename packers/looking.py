"""One look at every byte of a member: what it is, and its digest where a list of digests is to be compared."""

import hashlib
from dataclasses import dataclass

from gateway.packing import Member
from gateway.standard.content import Content, ContentWatch, suffix_of

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Look:
    """What the bytes of a member proved to be. md5: hexadecimal, in lower case."""

    content: Content
    md5: str


def look(member: Member) -> Look:
    """Return what `member` is, in one pass and constant memory; OSError if it cannot be read."""
    watch = ContentWatch(suffix_of(member.path))
    # MD5 only because the source system's list is in MD5; it proves no more than an honest copy.
    digest = hashlib.md5(usedforsecurity=False)
    with member.open() as stream:
        while chunk := stream.read(_CHUNK):
            watch.feed(chunk)
            digest.update(chunk)
    return Look(watch.result(), digest.hexdigest())
