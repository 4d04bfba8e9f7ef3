"""Proves an envelope by whom this node trusts."""

from collections.abc import Callable

from gateway.bundle.envelope import Envelope, check_signature, parse_envelope
from gateway.bundle.herald import Herald, check_herald, parse_herald
from gateway.bundle.keys import PublicKeys
from gateway.domain.records import known
from gateway.roster.directory import Directory
from gateway.roster.peers import Signer, Standing


def proven_envelope(head: bytes, directory: Directory) -> tuple[Envelope, Signer]:
    """Return the envelope in the first ENVELOPE_MAX bytes of a bundle and who signed it; whether the key counted at its
    date is the caller's to ask.

    Raises SecurityError as `verify_envelope`, `unknown-sender` and `revoked-sender` among them.
    """
    envelope = parse_envelope(head)
    signer = directory.signer_of(envelope.sender_key_id)
    check_signature(envelope, *_known_as(signer))
    return envelope, known(signer)


def proven_herald(head: bytes, directory: Directory) -> tuple[Herald, Signer]:
    """Do for the herald of a bundle what `proven_envelope` does for the bundle."""
    herald = parse_herald(head)
    signer = directory.signer_of(herald.envelope.sender_key_id)
    check_herald(herald, *_known_as(signer))
    return herald, known(signer)


def _known_as(
    signer: Signer | None,
) -> tuple[Callable[[bytes], PublicKeys | None], Callable[[bytes], bool]]:
    """Return what answers for the key of `signer`: whose it is, and whether it was revoked."""
    return (
        lambda _key_id: None if signer is None else signer.public,
        lambda _key_id: signer is not None and signer.standing is Standing.REVOKED,
    )
