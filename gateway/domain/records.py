"""What is remembered about a transfer: plain frozen values, the same in the ledger, the stages and the command line."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TypeVar

from gateway.domain.ids import (
    BundleId,
    ClaimToken,
    Digest,
    LinkName,
    QuarantineId,
    RouteName,
    TransferId,
    UnitCode,
)
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.matter import Matter
from gateway.domain.sources import Look

T = TypeVar("T")


def known(value: T | None) -> T:
    """Return a fact of a transfer that its state promises; ValueError (a bug) if it is not there."""
    if value is None:
        raise ValueError("a fact that the transfer's state promises is missing")
    return value


class Stage(StrEnum):
    """The leg of the journey that an attempt belongs to."""

    PACK = "pack"
    SEND = "send"
    RECEIVE = "receive"
    RELAY = "relay"
    OPEN = "open"
    DELIVER = "deliver"
    ACKNOWLEDGE = "acknowledge"
    RESYNC = "resync"
    OPERATE = "operate"


class Priority(IntEnum):
    """Lane of a bundle, the most urgent first: the exchange standard's flows and the roster's classes name one."""

    CUSTODY = 0  # a person's liberty hangs on it: custody handovers, changed terms, releases
    HIGH = 1
    NORMAL = 2
    BULK = 3  # dossiers
    AV = 4  # recordings; when nothing else is waiting


class Order(StrEnum):
    """In which order the exports of one route reach one recipient."""

    NONE = "none"  # each as soon as it can
    CASE = "case"  # those of one case in the order in which they were dropped
    STREAM = "stream"  # all in the order in which they were dropped


class Action(StrEnum):
    """What a person may decide: about what is in quarantine, what is owed, or the ledger itself."""

    RECHECK = "recheck"  # run every check anew on what was set aside
    RELEASE = "release"  # the same, but without the one rule of this node that kept it out
    REJECT = "reject"  # answer it with a refusing receipt
    CLOSE = "close"  # be done with it; nobody is answered
    RETRY = "retry"  # try what is owed, or a resting link, at once
    RESTORE = "restore"  # put a backup's ledger in the place of the present one
    RENEW_EPOCH = "renew-epoch"  # begin a new epoch after a standstill
    MEDIA_EXPORT = "media-export"  # have what waits for a link put on a medium
    MEDIA_IMPORT = "media-import"  # have what a medium carries taken in
    MEDIA_CONFIRM = "media-confirm"  # as the second person, let a medium's trip happen
    MEDIA_CANCEL = "media-cancel"  # call a trip off that has not left
    MEDIA_LOST = "media-lost"  # declare a medium lost: what it carried goes again
    SOURCE_RESUME = "source-resume"  # let a paused source go on as it is now
    SOURCE_REPLAY = "source-replay"  # read anew what was kept of a paused source
    SOURCE_REJECT = "source-reject"  # give back what was kept of a paused source


class ReceiptCode(StrEnum):
    """What a receipt states (docs/protocol.md, receipts)."""

    CUSTODY = "100"
    DELIVERED = "110"
    COLLECTED = "120"
    EXPIRED = "201"
    TOO_LARGE = "202"
    NOT_PERMITTED = "203"
    VALIDATION_FAILED = "204"
    SIGNATURE = "301"
    UNKNOWN_SIGNER = "302"
    REPLAY = "303"
    NOT_FOR_US = "304"
    DAMAGED = "305"
    EXPIRES_SOON = "401"
    HELD = "402"
    CLOCK_SKEW = "403"


@dataclass(frozen=True, slots=True)
class Transfer:
    """One bundle to one recipient, seen from this node. Times are seconds since 1970 UTC, sizes bytes."""

    id: TransferId
    version: int
    """Counts the changes; a step names the version it saw, so a late answer to an older attempt changes nothing."""
    direction: Direction
    state: State
    link: LinkName | None
    """Known for inbound from the start; for outbound once the route is resolved."""
    route: RouteName | None
    origin: UnitCode | None
    recipient: UnitCode | None
    bundle_id: BundleId | None
    header_hash: Digest | None
    epoch: int | None
    sequence: int | None
    flow: str
    case_no: str
    export_name: str
    """Outbound: name of the export as dropped; inbound: name under which it was delivered."""
    claim: ClaimToken | None
    size: int
    """Outbound found: bytes of the export; afterwards, and inbound: bytes of the bundle."""
    found_at: float
    changed_at: float
    owed_since: float
    """When it entered its state or was last released: what is owed since then for too long is given up."""
    settled_at: float | None
    """When the transfer reached delivered, refused or duplicate."""
    attempts: int
    """Failed attempts at the effect now owed."""
    next_attempt_at: float
    receipt_due_at: float | None
    hold_code: str | None
    """Why a person is needed; None when nobody is."""
    last_error: str | None
    verdict: str
    """The packer's verdict on the export (`pass`, `fix`, `warn`, `hold`, `reject`); empty before it was read."""
    business_key: str | None
    """Outbound: what makes two exports versions of one thing (gateway/standard/business.py); None before it is read."""
    content_hash: Digest | None
    """Outbound: digest over the files of the export as they travel; None before they were read."""
    priority: Priority
    """Lane in which its effects are done; NORMAL until the flow or the class is known."""
    earlier: BundleId | None
    """The bundle that this transfer repeats (state `duplicate`) or corrects; None for all others."""


@dataclass(frozen=True, slots=True)
class FoundExport:
    """A claimed export that is to become an outbound transfer."""

    claim: ClaimToken
    route: RouteName
    export_name: str
    size: int
    found_at: float


@dataclass(frozen=True, slots=True)
class Offer:
    """A bundle listed in a mailbox that is to become an inbound transfer."""

    link: LinkName
    bundle_id: BundleId
    size: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What a step teaches about the transfer; None leaves a column as it is."""

    link: LinkName | None = None
    origin: UnitCode | None = None
    recipient: UnitCode | None = None
    bundle_id: BundleId | None = None
    header_hash: Digest | None = None
    epoch: int | None = None
    sequence: int | None = None
    flow: str | None = None
    case_no: str | None = None
    export_name: str | None = None
    size: int | None = None
    receipt_due_at: float | None = None
    next_attempt_at: float | None = None
    verdict: str | None = None
    business_key: str | None = None
    content_hash: Digest | None = None
    earlier: BundleId | None = None
    priority: Priority | None = None
    route: RouteName | None = None
    hold_code: str | None = None
    """Holds the transfer in its new state; None leaves a hold as it is."""
    matter: Matter | None = None
    """What was in the bundle, kept beside the transfer."""
    look: Look | None = None
    """What was seen in the export, kept beside the transfer."""
    note: str = ""
    """English remark for the timeline: a code, a size, a count; nothing personal."""
    code: str = ""
    """The finding that the step answers, for the timeline."""


@dataclass(frozen=True, slots=True)
class ReceiptRecord:
    """One signed receipt, ours or a peer's, kept verbatim. `raw` is the whole signed statement."""

    bundle_id: BundleId
    header_hash: Digest
    code: ReceiptCode
    issuer: UnitCode
    issued_at: float
    raw: bytes


@dataclass(frozen=True, slots=True)
class Copy:
    """One more recipient of a bundle that is sealed: a transfer of its own is born for it in the same commit."""

    recipient: UnitCode
    link: LinkName
    sequence: int
    business_key: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One change of state asked of the ledger. `transfer` is the value the effect was done for."""

    transfer: Transfer
    event: Event
    stage: Stage
    facts: Facts = field(default_factory=Facts)
    receipt: ReceiptRecord | None = None
    started_at: float | None = None
    """When the successful attempt began; None where there was none (a receipt came in)."""
    actor: str = ""
    """Login name of the person for operator actions; empty for the daemon."""
    copies: tuple[Copy, ...] = ()
    """With `sealed`: who gets the same bundle as well."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided. `subject`: a wire name, or a link; `outcome`: empty, or why it could not be carried out.

    Times are seconds since 1970 UTC; `done_at` None: not carried out yet.
    """

    id: int
    at: float
    actor: str
    action: Action
    thing: QuarantineId | None
    """What in quarantine it is about; None where it is about a transfer or a link."""
    subject: str
    link: LinkName | None
    transfer: TransferId | None
    code: str
    """Why the thing was set aside."""
    why: str
    done_at: float | None = None
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of the record of what people did: to a transfer, to a thing in quarantine, or to a link."""

    at: float
    actor: str
    action: str
    """An Action, or `hold`."""
    transfer: TransferId | None
    thing: QuarantineId | None
    subject: str
    link: LinkName | None
    code: str
    why: str
    done_at: float | None
    outcome: str


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of a transfer's history, oldest first: an event, or a failed attempt."""

    at: float
    kind: str
    """`event`, `attempt`, `hold`, `release` or `receipt`."""
    what: str
    stage: str
    state: str
    code: str
    note: str
    seconds: float | None
    """Duration of the attempt, where there was one."""
    actor: str
