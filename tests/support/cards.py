"""Cards of invented units, quick to make: suite 1 and keys drawn anew each time."""

from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.bundle.card import Card, CardKey, card_order, sign_card, ssh_text
from gateway.bundle.keys import NodeKeys, generate
from gateway.bundle.suites import Suite
from gateway.domain.ids import UnitCode

DAY = 86400
START = 1_700_000_000
"""Seconds since 1970 UTC: when the cards of these tests begin to count."""


def ssh_key() -> str:
    """Return a new SSH public key in OpenSSH's form."""
    return ssh_text(Ed25519PrivateKey.generate().public_key().public_bytes_raw())


def card_key(keys: NodeKeys, not_before: int = START, not_after: int = START + 100 * DAY) -> CardKey:
    """Return the card's entry for `keys`."""
    return CardKey(keys.public, not_before, not_after)


@dataclass(frozen=True)
class Holder:
    """A unit with the private keys on its card."""

    card: Card
    private: tuple[NodeKeys, ...]

    @property
    def raw(self) -> bytes:
        """The card's file."""
        return sign_card(self.card, self.private)

    def renewed(self, created: int = START + 60 * DAY, *, keep: bool = True) -> "Holder":
        """Return the same unit with a new key, beside the former ones if `keep`."""
        fresh = generate(Suite.CLASSIC)
        former = self.card.keys if keep else ()
        keys = tuple(sorted([*former, card_key(fresh, created, created + 100 * DAY)], key=card_order))
        return Holder(replace(self.card, keys=keys, created=created), (*self.private, fresh))


def holder(unit: str = "990102", name: str = "示例区检察院", suites: tuple[Suite, ...] = (Suite.CLASSIC,)) -> Holder:
    """Return a new unit with one key of each of `suites`."""
    private = tuple(generate(suite) for suite in suites)
    keys = tuple(sorted((card_key(one) for one in private), key=card_order))
    return Holder(Card(UnitCode(unit), name, keys, ssh_key(), ssh_key(), tuple(sorted(suites)), START), private)
