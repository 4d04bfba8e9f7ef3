"""What the signatures of a file are worth, as far as their bytes say it without a certificate of the province's CA."""

from enum import StrEnum


class Seal(StrEnum):
    """The answer about all signatures of one file."""

    NONE = "none"  # no signature was seen
    PRESENT = "present"  # there is one, and what it covers is whole as far as its layout says
    MALFORMED = "malformed"  # what it says it covers does not fit the file
    APPENDED = "appended"  # bytes were added after the last signature

    @property
    def is_broken(self) -> bool:
        """Whether the file was changed after it was signed, or the signature cannot be one."""
        return self in {Seal.MALFORMED, Seal.APPENDED}
