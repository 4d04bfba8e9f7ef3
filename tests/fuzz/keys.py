"""Keys of two units that never change, so that an input means the same every time."""

from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.suites import Suite

SENDER = NodeKeys(Suite.CLASSIC, bytes([1]) * 32, bytes([2]) * 32)
RECIPIENT = NodeKeys(Suite.CLASSIC, bytes([3]) * 32, bytes([4]) * 32)
STRANGER = NodeKeys(Suite.CLASSIC, bytes([5]) * 32, bytes([6]) * 32)
SENDER_PUBLIC, RECIPIENT_PUBLIC = SENDER.public, RECIPIENT.public
SENDER_ID = SENDER_PUBLIC.sign_key_id


def signer_of(key_id: bytes) -> PublicKeys | None:
    """Return the sender's keys for its id; nobody else is known."""
    return SENDER_PUBLIC if key_id == SENDER_ID else None
