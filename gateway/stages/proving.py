"""What is asked of a fetched bundle before any key of ours is used (step A): who signed it, and whether it may pass."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.bundle import policy
from gateway.bundle.envelope import ENVELOPE_MAX, Envelope
from gateway.bundle.keys import NodeKeys
from gateway.domain.errors import GatewayError, PermanentError, SecurityError, TransientError
from gateway.domain.ids import UnitCode
from gateway.domain.records import Transfer, known
from gateway.folders import disk
from gateway.folders.space import SMALL_BYTES, SpaceGuard
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.ledger.streams import Named, Seen
from gateway.packing import Party
from gateway.roster.directory import Directory
from gateway.roster.peers import Signer
from gateway.stages.admission import Admissions
from gateway.stages.ahead import DatedAhead
from gateway.stages.clocks import PeerClocks
from gateway.stages.envelopes import proven_envelope
from gateway.stages.open_work import OpenOrder, Proven
from gateway.stages.parties import party
from gateway.stages.scanning import MISSING
from gateway.stages.waivers import waivers


@dataclass(slots=True)
class Candidate:
    """A fetched bundle under proof. `proven`: once its envelope was verified; `order`: once it may be opened; `error`:
    why it may not."""

    transfer: Transfer
    signer: Signer | None = None
    proven: Proven | None = None
    order: OpenOrder | None = None
    error: GatewayError | None = None

    @property
    def named(self) -> Named:
        """What its proven envelope names it."""
        proven = known(self.proven)
        return Named(proven.origin, proven.envelope.bundle_id, proven.envelope.epoch, proven.sequence)


class Prover:
    """Proves fetched bundles, and orders their opening. Used by one thread."""

    def __init__(
        self,
        *,
        unit: UnitCode,
        ledger: Ledger,
        spool: Spool,
        space: SpaceGuard,
        keys: Sequence[NodeKeys],
        size_limit: int,
        skew_warn: float,
        clocks: PeerClocks,
        ahead: DatedAhead,
        directory: Directory,
    ) -> None:
        self._unit = unit
        self._ledger = ledger
        self._standing = ledger.resync.standing()
        self._spool = spool
        self._space = space
        self._our_key_ids = tuple(key.public.encrypt_key_id for key in keys)
        self._suites = frozenset(key.suite for key in keys)
        self._size_limit = size_limit
        self._skew_warn = skew_warn
        self._clocks = clocks
        self._ahead = ahead
        self._directory = directory
        self._admissions = Admissions(directory.roster, unit)

    def prove(self, transfers: Sequence[Transfer], now: float) -> list[Candidate]:
        """Return what becomes of each of `transfers`, in their order; `now` in seconds since 1970 UTC."""
        candidates = [self._candidate(transfer) for transfer in transfers]
        authentic = [one for one in candidates if one.error is None]
        seen = self._ledger.deliveries.seen_among([one.named for one in authentic])
        parties = _Parties(self._directory, now)
        newest: dict[UnitCode, int] = {}
        for one in authentic:
            try:
                self._check(one, seen, now, newest)
                one.order = self._order(one, parties)
            except GatewayError as error:
                one.error = error
        for unit, created in newest.items():
            # It says at least as much of its clock as what it signed before.
            self._clocks.signed(unit, created, after=0.0, warn=self._skew_warn)
        return candidates

    def _candidate(self, transfer: Transfer) -> Candidate:
        """Verify the envelope of `transfer`."""
        one = Candidate(transfer)
        try:
            envelope, signer = proven_envelope(self._head(transfer), self._directory)
        except GatewayError as error:
            one.error = error
        else:
            admission = self._admissions.of(signer.unit, envelope.routing_class)
            one.proven = Proven(envelope, signer.unit, self._sequence(envelope), admission)
            one.signer = signer
        return one

    def _head(self, transfer: Transfer) -> bytes:
        path = self._spool.inbound_bundle(known(transfer.link), known(transfer.bundle_id))
        with disk.mapped(path.parent):
            try:
                with path.open("rb", buffering=0) as source:
                    return source.read(ENVELOPE_MAX)
            except FileNotFoundError:
                # The power may have gone between setting it aside and the record: offered again, it is fetched anew.
                raise PermanentError("spool-missing", "the fetched bundle is no longer in the spool") from None

    def _check(self, one: Candidate, seen: Seen, now: float, newest: dict[UnitCode, int]) -> None:
        """Policy, after the signature and in the order of the spec: raises the named error of the first check that
        fails. newest: by its signer, when what was signed last was; taken note of before what is dated ahead waits."""
        transfer, signer, envelope = one.transfer, known(one.signer), known(one.proven).envelope
        if envelope.bundle_id != transfer.bundle_id:
            raise SecurityError("malformed", "the bundle names another id than its file")
        waived = waivers(self._ledger, transfer)
        if "expired" not in waived:
            policy.check_not_expired(envelope, now)
        if "key-not-valid" not in waived:
            policy.check_key_valid(envelope, signer.not_before, signer.not_after)
        policy.check_suite_accepted(envelope, self._suites)
        policy.check_not_replayed(envelope, seen.as_named(one.named))
        if one.named.sequence is not None:
            policy.check_sequence_unused(envelope, seen.as_numbered(one.named))
            if "delivery-doubtful" not in waived:
                self._check_not_doubtful(signer.unit, envelope, one.named.sequence)
        if "too-large" not in waived:
            policy.check_not_too_large(envelope, self._size_limit)
        policy.check_size(envelope, transfer.size)
        newest[signer.unit] = max(envelope.created, newest.get(signer.unit, 0))
        self._ahead.check(transfer, envelope, now)

    def _check_not_doubtful(self, origin: UnitCode, envelope: Envelope, sequence: int) -> None:
        """PermanentError `delivery-doubtful` if a restore has lost whether this bundle was delivered."""
        if not self._standing.doubtful:
            return
        if self._ledger.resync.word(origin).heard_at is None:
            raise TransientError("resync-awaited", "the sender has not yet said what it had sent before our restore")
        if sequence <= self._ledger.resync.doubtful_up_to(origin, envelope.epoch):
            raise PermanentError("delivery-doubtful", "it may have been delivered before our ledger was put back")

    def _sequence(self, envelope: Envelope) -> int | None:
        """Return the stream number that the envelope gives to us; None if it is not addressed to us."""
        return next((n for key_id in self._our_key_ids if (n := envelope.sequence_for(key_id)) is not None), None)

    def _order(self, one: Candidate, parties: "_Parties") -> OpenOrder:
        transfer, proven = one.transfer, known(one.proven)
        link, bundle = known(transfer.link), known(transfer.bundle_id)
        return OpenOrder(
            transfer.id,
            self._spool.inbound_bundle(link, bundle),
            transfer.size,
            self._spool.fresh_staging(link, bundle),
            proven.envelope,
            known(one.signer).public,
            proven.origin,
            self._space.floor(small=transfer.size <= SMALL_BYTES),
            proven.admission,
            parties.of(proven.origin),
            parties.of(self._unit),
            MISSING in waivers(self._ledger, transfer),
        )


class _Parties:
    """Units as the roster names them at `now`, each looked up once a batch."""

    def __init__(self, directory: Directory, now: float) -> None:
        self._directory = directory
        self._now = now
        self._found: dict[UnitCode, Party] = {}

    def of(self, unit: UnitCode) -> Party:
        if unit not in self._found:
            self._found[unit] = party(self._directory.roster, unit, self._now)
        return self._found[unit]
