"""The claim shelf: where settled exports go when they leave the outbound folder, and stay until retention is over."""

import os
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from gateway.domain.errors import GatewayError, PermanentError, TransientError
from gateway.domain.ids import ClaimToken, RouteName, claim_token, route_name
from gateway.folders import disk, intent, moving, sharing, taking
from gateway.folders.together import Together
from gateway.packing import Candidate, Entry

MADE_MOST = 1024
"""Claims remembered until they are asked for: those of a few commits; what waits longer is read from its note."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One claimed export. `parts` are paths on the shelf, in the order of `Candidate.parts`; size in bytes of all."""

    token: ClaimToken
    route: RouteName
    name: str
    root: Path
    """The outbound folder it came from."""
    parts: tuple[Path, ...]
    size: int
    newest_ns: int
    """The newest modification time of its parts: when it was dropped, as far as can be told."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What `ClaimShelf.recover` found. `problems`: claims that wait to be finished or undone; none is lost."""

    claims: tuple[Claim, ...]
    finished: int
    undone: int
    problems: tuple[GatewayError, ...]


class ClaimShelf:
    """The folder `claims/<route>/<token>/` of the spool, private to us. Safe for several threads on different tokens.

    folder: the shelf; made owner-only on first use.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._made: dict[ClaimToken, Claim] = {}
        """What was just claimed and not asked for since: its note need not be read."""

    def claim_all(
        self,
        root: Path,
        wanted: Sequence[tuple[ClaimToken, Candidate]],
        route: RouteName,
        seen: Mapping[str, Entry] = MappingProxyType({}),
    ) -> tuple[list[Claim], dict[ClaimToken, GatewayError]]:
        """Move exports out of the outbound folder `root` onto the shelf, sharing the syncs; durable on return. One that
        fails does not touch its neighbours. Returns the claims in the order wanted, and what became of the others.

        seen: the entries that the scan settled on; a part that looks otherwise by now is not claimed.
        Repeatable: a token that is already on the shelf returns its claim. After any error the export is back in
        `root`, or will be finished or put back by `recover`.
        Failures: `export-changed`, `export-vanished`, `export-unreadable`, `export-locked`, `claim-busy` (transient,
        transfer), `entry-unsafe`, `export-too-many-files` (permanent, transfer), or as `disk.failure` says; what befell
        the shelf itself is raised.
        """
        found: dict[ClaimToken, Claim] = {}
        intents: list[intent.Intent] = []
        together = Together(self._folder / route)
        with ExitStack() as held:
            for token, candidate in wanted:
                try:
                    held.enter_context(self._hold(token))
                    if disk.lies_at(f"{together.folder}/{token}"):
                        found[token] = self._read(together.folder / token)
                    else:
                        intents.append(intent.survey(root, candidate, route, token, seen))
                except GatewayError as error:
                    together.failures[token] = error
            if intents:
                disk.owner_only(self._folder)
                disk.owner_only(together.folder)
            made = {
                one.token: _claimed(together.folder / one.token, one)
                for one in together.take(_secured(intents, together))
            }
            with self._lock:
                self._made |= made
                for oldest in list(self._made)[:-MADE_MOST]:
                    del self._made[oldest]
        found |= made
        return [found[token] for token, _ in wanted if token in found], together.failures

    def recover(self, settled: Collection[str] = frozenset()) -> Recovery:
        """Finish or undo every interrupted claim, release and discard, and list the whole claims but `settled`.

        settled: claims of which the caller knows all that their notes say. Whether anything is left to do with them is
            looked at, but their notes are not read: there may be a hundred thousand of them at a start.
        Must run before the first scan; may run again at any time.
        Raises as `disk.failure` says if the shelf itself cannot be read.
        """
        finished = undone = 0
        problems: list[GatewayError] = []
        claims: list[Claim] = []
        for route in self._routes():
            for name in self._names(route):
                if self._is_busy(name):
                    continue
                try:
                    if name.startswith(taking.GONE):
                        self._forget(route / name)
                    elif name.startswith("."):
                        resumed = self._resume(route / name, problems)
                        finished, undone = finished + len(resumed), undone + (not resumed)
                        claims += resumed
                    elif name not in settled or not taking.is_at_rest(f"{route}/{name}"):
                        claims += self._settle(route / name, problems)
                except GatewayError as error:
                    problems.append(error)
        return Recovery(tuple(claims), finished, undone, tuple(problems))

    def orphans(self, root: Path) -> list[Path]:
        """Return dot-folders of claims in the outbound folder `root` that the shelf knows nothing of.

        They can only come from a spool that was lost or exchanged, and hold exports in nobody's sight: tell a person.
        """
        found = {name: root / name for name in self._names(root) if _is_of_claim(name)}
        known = self.tokens() if found else frozenset()
        return [path for name, path in found.items() if name.removeprefix(disk.TEMP_PREFIX) not in known]

    def tokens(self) -> frozenset[str]:
        """Return the names of all claims on the shelf, whole or not, without looking into any."""
        names = (name for route in self._routes() for name in self._names(route))
        return frozenset(name.removeprefix(taking.GONE).removeprefix(".") for name in names)

    def get(self, token: ClaimToken, route: RouteName | None = None) -> Claim:
        """Return the claim `token`; `claim-missing` (permanent, transfer) if it is not on the shelf.

        route: where its caller knows it, no other is looked for.
        """
        if route is not None:
            with self._lock:
                made = self._made.pop(token, None)
            if made is not None and disk.lies_at(f"{self._folder}/{route}/{token}"):
                return made
            whole = self._folder / route / token
            if (wanted := intent.read(whole / taking.INTENT)) is not None:
                return _claimed(whole, wanted)
        if (found := self._find(token)) is None:
            raise PermanentError("claim-missing", "the claimed original is not on the shelf", facts={"claim": token})
        return self._read(found)

    def is_held(self, token: ClaimToken) -> bool:
        """Whether the claim `token` is on the shelf."""
        return self._find(token) is not None

    def release(self, token: ClaimToken, to_folder: Path) -> tuple[Path, ...]:
        """Put the original back into `to_folder` (made if missing), never overwriting (`name~2`).

        Returns where its parts are now. Repeatable after a crash; a token that is no longer on the shelf returns ().
        Raises as `disk.failure` says.
        """
        with self._hold(token):
            whole = self._find(token)
            if whole is None:
                return ()
            wanted = self._intent(whole)
            with sharing.opened_own(to_folder, wanted.root):
                return self._release(whole, wanted, to_folder)

    def discard(self, token: ClaimToken) -> None:
        """Remove the original for good; only retention may ask for it. Repeatable."""
        with self._hold(token):
            for route in self._routes():
                whole, gone = route / token, route / f"{taking.GONE}{token}"
                if disk.exists(whole):
                    disk.rename_durably(whole, gone)
                if disk.exists(gone):
                    self._forget(gone)

    def _release(self, whole: Path, wanted: intent.Intent, folder: Path) -> tuple[Path, ...]:
        names = [part.name for part in wanted.parts]
        paths = moving.carry_beside(whole / taking.PARTS, names, folder, is_own=True)
        gone = whole.with_name(f"{taking.GONE}{wanted.token}")
        disk.rename_durably(whole, gone)
        self._forget(gone)
        return paths

    def _resume(self, folder: Path, problems: list[GatewayError]) -> list[Claim]:
        """Finish or undo the interrupted claim in `folder`; return it if it is whole now, see `_settle`."""
        wanted = intent.read(folder / taking.INTENT)
        if wanted is None:
            disk.remove_tree(folder)  # nothing moves before the intent stands
            return []
        steps = taking.Taking(folder, wanted)
        steps.require_share()
        if steps.is_undoing() or not steps.is_begun():
            steps.undo()
            return []
        try:
            steps.take()
            disk.fsync_folder(Path(steps.hold))
            steps.sync_left()
            steps.bring_home()
        except TransientError as error:
            if error.code not in {"export-vanished", "export-changed"}:
                raise
            steps.undo()
            return []
        whole = folder.with_name(wanted.token)
        steps.name(whole)
        with suppress(GatewayError):  # as in `Together.take`
            disk.fsync_folder(whole.parent)
        return self._settle(whole, problems)

    def _settle(self, whole: Path, problems: list[GatewayError]) -> list[Claim]:
        """Finish what was begun with a whole claim: the removal of the source on a share, or a release. Return it
        unless it was released; what keeps it from being finished is added to `problems`."""
        wanted = self._intent(whole)
        try:
            taking.Taking(whole, wanted).forget_outside(whole)
            journal = moving.journal_of(whole / taking.PARTS)
            if journal is not None:
                self._release(whole, wanted, journal.folder)
                return []
        except GatewayError as error:
            problems.append(error)
        return [_claimed(whole, wanted)]

    def _forget(self, gone: Path) -> None:
        wanted = intent.read(gone / taking.INTENT)
        if wanted is None:
            disk.remove_tree(gone)
        else:
            taking.Taking(gone, wanted).forget(gone)

    def _read(self, whole: Path) -> Claim:
        return _claimed(whole, self._intent(whole))

    @staticmethod
    def _intent(whole: Path) -> intent.Intent:
        wanted = intent.read(whole / taking.INTENT)
        if wanted is None:
            raise PermanentError("note-damaged", "a claim has lost its note", facts={"folder": str(whole)})
        return wanted

    def _find(self, token: ClaimToken) -> Path | None:
        return next((route / token for route in self._routes() if disk.exists(route / token)), None)

    def _routes(self) -> list[Path]:
        found: list[Path] = []
        for name in self._names(self._folder):
            with suppress(ValueError):
                found.append(self._folder / route_name(name))
        return found

    @staticmethod
    def _names(folder: Path) -> list[str]:
        with disk.mapped(folder):
            try:
                return sorted(os.listdir(folder))
            except FileNotFoundError:
                return []

    @contextmanager
    def _hold(self, token: ClaimToken) -> Iterator[None]:
        with self._lock:
            if token in self._busy:
                raise TransientError("claim-busy", "another thread works on this claim", facts={"claim": token})
            self._busy.add(token)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(token)

    def _is_busy(self, name: str) -> bool:
        with self._lock:
            return bool(self._busy) and name.removeprefix(taking.GONE).removeprefix(".") in self._busy


def _is_of_claim(name: str) -> bool:
    """Whether `name` is that of the dot-folder of a claim in an outbound folder."""
    if not name.startswith(disk.TEMP_PREFIX):
        return False
    try:
        claim_token(name.removeprefix(disk.TEMP_PREFIX))
    except ValueError:
        return False
    return True


def _claimed(whole: Path, wanted: intent.Intent) -> Claim:
    home = whole / taking.PARTS
    parts = tuple([home / part.name for part in wanted.parts])
    return Claim(wanted.token, wanted.route, wanted.name, wanted.root, parts, wanted.size, wanted.newest_ns)


def _secured(intents: Sequence[intent.Intent], together: Together) -> list[intent.Intent]:
    """Return those of `intents` whose exports are on the disk, or will be once they are written down; say in the
    failures what became of the others."""
    errors = intent.secure(intents, together.folder) if intents else []
    pairs = list(zip(intents, errors, strict=True))
    together.failures.update({one.token: error for one, error in pairs if error is not None})
    return [one for one, error in pairs if error is None]
