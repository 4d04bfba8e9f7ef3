"""Case numbers as they are compared: what one office writes full width and another half is one number (D61)."""

import re
import unicodedata
from typing import Final

NUMBER_MAX: Final = 200
"""Characters that are compared; the longest scheme has 60."""
_BRACKETS: Final = str.maketrans(dict.fromkeys("〔[【", "(") | dict.fromkeys("〕]】", ")"))
_SPACES: Final = re.compile(r"\s+")


def normal_number(text: str) -> str:
    """Return `text` as case numbers are compared and found: half width, round brackets, capitals, no spaces."""
    folded = unicodedata.normalize("NFKC", text).translate(_BRACKETS).upper()
    return _SPACES.sub("", folded)[:NUMBER_MAX]
