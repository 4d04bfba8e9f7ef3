"""Proves an envelope by whom this node trusts."""

from gateway.bundle.envelope import Envelope, check_signature, parse_envelope
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
    check_signature(
        envelope,
        lambda _key_id: None if signer is None else signer.public,
        lambda _key_id: signer is not None and signer.standing is Standing.REVOKED,
    )
    return envelope, known(signer)
