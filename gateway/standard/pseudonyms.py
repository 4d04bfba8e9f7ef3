"""Pseudonyms: the same value gives the same one on one node, and nobody without the node's key gets back from it."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from gateway.standard.check_persons import normal_name
from gateway.standard.package import Person

KEY_BYTES: Final = 32
SHOWN_DIGITS: Final = 32
"""Hexadecimal digits of a pseudonym: 128 bits."""


@dataclass(frozen=True, slots=True, repr=False)
class PseudonymKey:
    """The secret of one node, KEY_BYTES random bytes."""

    secret: bytes

    def of(self, kind: str, value: str) -> str:
        """Return the pseudonym of `value` among those of its `kind` (a field's slug); empty for an empty value."""
        if not value:
            return ""
        return hmac.new(self.secret, f"{kind}\n{value}".encode(), hashlib.sha256).hexdigest()[:SHOWN_DIGITS]

    def of_number(self, person: Person) -> str:
        """Return the pseudonym of a person's identity number, empty where there is none."""
        return self.of("id-no", person.id_no)

    def of_name(self, person: Person) -> str:
        """Return the pseudonym of a person's name as names are compared."""
        return self.of("person-name", normal_name(person.name))


def starred(name: str) -> str:
    """Return a name with all but its first character hidden: 张*, 阿****."""
    return name[:1] + "*" * (len(name) - 1)
