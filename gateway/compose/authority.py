"""The authority's folder on its offline machine: a draft to edit, a proposal to be signed, and what was published."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.bundle import canonical
from gateway.compose.offline import missing, not_empty
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, PermanentError, Scope
from gateway.folders import disk, notes
from gateway.keyring.officer import OfficerKey
from gateway.roster import codec, logic
from gateway.roster.authority import (
    Officers,
    Signed,
    merge,
    next_root,
    officers_of,
    propose,
    root_expiry,
    sign,
    signed_by,
)
from gateway.roster.comparing import Difference, compare
from gateway.roster.content import RosterContent
from gateway.roster.drafting import default_classes, default_permissions
from gateway.roster.file import FILE_MAX, RosterFile, join, split
from gateway.roster.store import Trusted, examine, first

NOTE, DRAFT = "authority.json", "draft.json"
PROPOSAL, PUBLISHED = "proposal.cft", "published.cft"
DAYS = 180
"""Days for which a version counts: half a year without a new one is the sign of an authority that is gone."""
ROOT_DAYS = 3 * 365
_DAY = 86400
_PUBLIC_MAX = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """Who signs from the next version on, and for how many days a version and a root count."""

    officers: Officers
    days: int = DAYS
    root_days: int = ROOT_DAYS


@dataclass(frozen=True, slots=True)
class Signing:
    """What signing came to. `published`: the finished file, None while signatures are missing."""

    path: Path
    version: int
    signed: Signed
    change: Difference | None
    published: Trusted | None


class AuthorityFolder:
    """One province's roster in the making. Nothing in the folder is secret: officers keep their keys elsewhere."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def create(cls, folder: Path, province: str, plan: Plan, clock: Clock) -> "AuthorityFolder":
        """Make a new folder with an empty draft and the rules of the exchange standard.

        Raises ConfigError `folder-not-empty`, PermanentError `roster-officers`, SecurityError `key-refused`.
        """
        plan.officers.check()
        with disk.mapped(folder.parent):
            if folder.is_dir() and any(folder.iterdir()):
                raise not_empty(folder)
        disk.owner_only(folder)
        made = cls(folder)
        content = RosterContent(1, int(clock.now()), province, (), default_permissions(), default_classes())
        made.save(content)
        made.set_plan(plan)
        return made

    def plan(self) -> Plan:
        """Return who signs. Raises PermanentError `file-not-there`, or as notes do for a damaged one."""
        note = notes.read(self._folder / NOTE)
        if note is None:
            raise missing(self._folder / NOTE)
        keys = tuple(bytes.fromhex(row.text("public")) for row in note.rows("officers"))
        return Plan(Officers(keys, note.number("threshold")), note.number("days"), note.number("root_days"))

    def set_plan(self, plan: Plan) -> None:
        """Let others sign from the next version on. Raises as `Officers.check`."""
        plan.officers.check()
        note: dict[str, notes.Json] = {
            "v": 1,
            "officers": [{"public": key.hex()} for key in plan.officers.keys],
            "threshold": plan.officers.threshold,
            "days": plan.days,
            "root_days": plan.root_days,
        }
        disk.write_durably(self._folder / NOTE, notes.encode(note))

    def draft(self) -> RosterContent:
        """Return the draft. Raises PermanentError `file-not-there`, ConfigError `roster-draft` with what is wrong."""
        path = self._folder / DRAFT
        raw = _read(path)
        try:
            return codec.decode(canonical.encode(json.loads(raw)))
        except (ValueError, RecursionError) as error:
            why = {"path": str(path), "why": str(error)}
            raise ConfigError("roster-draft", f"{path}: {error}", scope=Scope.NODE, facts=why) from error

    def save(self, content: RosterContent) -> None:
        """Replace the draft, in a form that people can read and edit; a proposal made before is a proposal no more."""
        value = json.loads(codec.encode(content))
        text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        disk.write_durably(self._folder / DRAFT, text.encode())

    def published(self) -> RosterFile | None:
        """Return the last published file, None before the first."""
        path = self._folder / PUBLISHED
        return split(_read(path)) if disk.exists(path) else None

    def sign(self, key: OfficerKey, others: Sequence[Path], clock: Clock) -> Signing:
        """Sign the draft with `key`, add the signatures in `others`, and publish it once enough have signed.

        Raises PermanentError `roster-unsound`, `roster-no-officer`, `roster-differs`, ConfigError
        `roster-draft`.
        """
        now = clock.now()
        before = self.published()
        proposal = sign(self._proposal(before, now), key.public, key.sign)
        for path in others:
            proposal = merge(proposal, split(_read(path)))
        content = codec.decode(proposal.roster)
        change = compare(codec.decode(before.roster), content) if before is not None else None
        signed = signed_by(proposal)
        if signed.missing:
            disk.write_durably(self._folder / PROPOSAL, join(proposal))
            return Signing(self._folder / PROPOSAL, content.version, signed, change, None)
        raw = join(proposal)
        # What no node would accept is not published.
        accepted = first(raw, self._folder, now=now)
        if before is not None:
            examine(raw, first(join(before), self._folder, now=None), self._folder, now=now)
        disk.write_durably(self._folder / PUBLISHED, raw)
        disk.remove_tree(self._folder / PROPOSAL)
        self.save(replace(self.draft(), version=content.version + 1))
        return Signing(self._folder / PUBLISHED, content.version, signed, change, accepted)

    def _proposal(self, before: RosterFile | None, now: float) -> RosterFile:
        """Return the proposal that is being signed if it still is what the draft says, else a new one."""
        draft, plan = self.draft(), self.plan()
        held = codec.decode(before.roster) if before is not None else None
        logic.check(draft, held)
        path = self._folder / PROPOSAL
        if disk.exists(path):
            with suppress(ValueError):
                waiting = split(_read(path))
                its = codec.decode(waiting.roster)
                is_same = its == replace(draft, version=its.version, issued_at=its.issued_at)
                if is_same and officers_of(waiting.roots[-1]) == plan.officers:
                    return waiting
        version = 1 if held is None else held.version + 1
        roots = before.roots if before is not None else ()
        expires = int(now) + plan.days * _DAY
        if not roots or officers_of(roots[-1]) != plan.officers or root_expiry(roots[-1]) < expires:
            roots = (*roots, next_root(roots, plan.officers, int(now) + max(plan.root_days, plan.days) * _DAY))
        return propose(roots, replace(draft, version=version, issued_at=int(now)), expires)


def sign_file(path: Path, key: OfficerKey) -> Signing:
    """Add `key`'s signature to the proposal in `path`, on a machine that has nothing but that file.

    Raises PermanentError `file-not-there`, `roster-no-officer`, SecurityError `roster-malformed`.
    """
    file = split(_read(path))
    content = codec.decode(file.roster)
    logic.check(content)
    signed = sign(file, key.public, key.sign)
    disk.write_durably(path, join(signed), mode=0o644)
    return Signing(path, content.version, signed_by(signed), None, None)


def draw_key(path: Path, passphrase: Callable[[], bytes]) -> bytes:
    """Draw an officer's key into `path` and its public half into `path`.pub; return the public half.

    Raises ConfigError `keys-exist`, `passphrase-weak`.
    """
    key = OfficerKey.draw()
    key.save(path, passphrase())
    disk.write_durably(public_path(path), (key.public.hex() + "\n").encode(), mode=0o644)
    return key.public


def public_path(path: Path) -> Path:
    """Return where the public half of the officer's key in `path` lies."""
    return path.with_name(path.name + ".pub")


def read_public(path: Path) -> bytes:
    """Return the public key in a `.pub` file; PermanentError `file-not-there`, `roster-officer-file`."""
    raw = _read(path)[:_PUBLIC_MAX]
    try:
        public = bytes.fromhex(raw.decode("ascii").strip())
        if len(public) != 32:
            raise ValueError("wrong length")
    except ValueError:
        raise PermanentError(
            "roster-officer-file", f"{path} holds no public key", scope=Scope.NODE, facts={"path": str(path)}
        ) from None
    return public


def read_roster(path: Path) -> bytes:
    """Return the bytes of a roster file; PermanentError `file-not-there`, or as `disk.failure` says."""
    return _read(path)


def _read(path: Path) -> bytes:
    with disk.mapped(path.parent):
        if not path.is_file():
            raise missing(path)
        with path.open("rb") as source:
            return source.read(FILE_MAX + 1)
