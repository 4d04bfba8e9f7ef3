"""What people do with removable media: what waits for a link goes on a medium, what a medium brings comes in, and for
each trip stand two of them."""

import fcntl
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.bundle.keys import PublicKeys
from gateway.bundle.trip import INDEX_MAX, open_index, seal_index
from gateway.compose.identity import Identity
from gateway.compose.offline import ledger_to_change, link_named, ring_bell
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, GatewayError, PermanentError, Scope, SecurityError, TransientError
from gateway.domain.ids import Digest, LinkName, WireName
from gateway.domain.trips import ENDED, FILES_MAX, HEARD_MAX, LABEL_MAX, Trip, TripFile, TripIndex, TripState, TripWay
from gateway.folders import disk
from gateway.folders.medium import PART, Cut, Medium, part_sizes
from gateway.folders.tripshelf import ABOUT_AN_INDEX, TripShelf, fitting
from gateway.ledger.store import Ledger
from gateway.settings.links import LinkSettings, TransportKind, TwoPersons
from gateway.transport.hosted import IN, OUT
from gateway.transport.media import media_mailbox

_LOCK = "lock"
_PARTIAL = ".part"

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


def silent(_done: int, _total: int) -> None:
    """The Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an export asks for. `left`: files for which the medium has no room; `is_beside`: perhaps nothing is
    mounted there."""

    trip: Trip
    left: int
    is_beside: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at a medium gave: trips that may now be confirmed, and why the others may not."""

    trips: tuple[Trip, ...]
    refused: tuple[tuple[str, GatewayError], ...]
    strangers: int
    """Names in the trips' folders that belong to no trip; they are left alone."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in a link's mailbox for the next export; size in bytes. `missing`: (epoch, number) of trips that
    should have come."""

    link: LinkName
    files: int
    size: int
    missing: tuple[tuple[int, int], ...]


class MediaDesk:
    """One person at the command line with a medium: `actor` is the login name that is recorded.

    part: bytes of one file on a medium.
    """

    def __init__(self, identity: Identity, actor: str, clock: Clock, part: int = PART) -> None:
        self._identity = identity
        self._settings = identity.settings
        self._actor = actor
        self._clock = clock
        self._part = part

    # Out

    def export(self, link: str, medium: Path, label: str, why: str) -> Loaded:
        """Ask that what waits for `link` goes on the medium mounted at `medium`; nothing is written on it yet.

        Small things go first, then bundles, the oldest first, as many as the medium has room for.
        Raises ConfigError `link-unknown`, `link-not-media`; PermanentError `trip-pending`, `trip-nothing`;
        TransientError `medium-full` if not even the first thing fits; as `Medium`.
        """
        there = Medium(medium, self._part)
        settings = self._link(link)
        free = there.free()
        with self._holding(settings.name) as (ledger, shelf):
            waiting = shelf.waiting()
            if not waiting:
                raise PermanentError("trip-nothing", "nothing waits for this link", facts={"link": settings.name})
            taken = fitting(waiting, free, FILES_MAX)
            if not taken:
                needed = waiting[0][1] + ABOUT_AN_INDEX
                raise TransientError(
                    "medium-full",
                    f"{free} bytes are free, {needed} are needed",
                    scope=Scope.LINK,
                    facts={"medium": disk.printable(str(medium)), "free": free, "needed": needed},
                )
            wanted = replace(
                self._asked(TripWay.OUT, settings, medium),
                label=label.strip()[:LABEL_MAX],
                files=len(taken),
                size=sum(size for _, size in taken),
            )
            trip = ledger.trips.ask(wanted, why)
            shelf.take_along(trip.id, [name for name, _ in taken])
            return Loaded(trip, len(waiting) - len(taken), there.is_beside(self._settings.paths.state))

    def _write(self, ledger: Ledger, shelf: TripShelf, trip: Trip, medium: Path, progress: Progress) -> Trip:
        there = Medium(medium, self._part)
        if not there.is_written(trip.trip):
            held = shelf.files(trip.id)
            files, number, counted = [], 1, _counted(progress, sum(size for _, size in held))
            for path, size in held:
                hashed, number = there.put(trip.trip, number, path, counted)
                files.append(TripFile(WireName(path.name), size, Digest(hashed)))
            there.seal(trip.trip, self._index(ledger, trip, tuple(files)))
        return ledger.trips.carried(trip.id)

    def _index(self, ledger: Ledger, trip: Trip, files: tuple[TripFile, ...]) -> bytes:
        now = self._clock.now()
        index = TripIndex(
            issuer=self._settings.node.unit,
            to=trip.peer,
            trip=trip.trip,
            epoch=trip.epoch or ledger.epoch,
            number=trip.number or 1,
            made_at=int(now),
            label=trip.label,
            asked_by=trip.asked_by,
            confirmed_by=trip.confirmed_by or "",
            part=self._part,
            files=files,
            heard=ledger.trips.heard(trip.link, HEARD_MAX),
        )
        reader = self._identity.directory.recipient_keys(trip.peer, now)
        return seal_index(index, self._identity.keyring.signing_keys(now), reader)

    # In

    def look(self, medium: Path, why: str) -> Found:
        """Ask that the trips on the medium at `medium` which are for this node be taken in.

        Verified are the index, its signer, and that everything it names is there; the bytes are verified when they are
        copied. What this node made itself, or took in before, is passed over: media go to and fro.
        Raises PermanentError `trip-none` if nothing was written for this node, `trip-repeated` if all of it was taken
        in before; as `Medium`.
        """
        there = Medium(medium)
        asked: list[Trip] = []
        refused: list[tuple[str, GatewayError]] = []
        strangers = 0
        for trip in self._unknown(there, medium):
            try:
                index, settings = self._read(there, trip)
                sizes = [file.size for file in index.files]
                if lacking := there.lacking(trip, sizes, index.part):
                    raise _torn(lacking, len(sizes))
                strangers += there.strangers(trip, sizes, index.part)
                wanted = _stated(self._asked(TripWay.IN, settings, medium), index)
                with self._holding(settings.name) as (ledger, _shelf):
                    asked.append(ledger.trips.ask(wanted, why))
            except GatewayError as error:
                refused.append((trip, error))
        return Found(tuple(asked), tuple(refused), strangers)

    def _unknown(self, there: Medium, medium: Path) -> list[str]:
        """Return the trips on a medium that this node knows nothing of; raises as `look` if there are none."""
        with ledger_to_change(self._settings, self._clock) as ledger:
            ways = {trip: ledger.trips.way_of(trip) for trip in there.trips()}
        fresh = [trip for trip, way in ways.items() if way is None]
        if not fresh:
            code = "trip-repeated" if TripWay.IN in ways.values() else "trip-none"
            facts: dict[str, str | int] = {"medium": disk.printable(str(medium))}
            raise PermanentError(code, f"{len(ways)} trips are known already", facts=facts)
        return fresh

    def _read(self, there: Medium, trip: str) -> tuple[TripIndex, LinkSettings]:
        """Return the index of a trip on a medium and its link; raises as `open_index`, and `trip-wrong-issuer`,
        `trip-not-for-us`, `link-not-media`."""
        directory = self._identity.directory

        def signer_of(key_id: bytes) -> PublicKeys | None:
            found = directory.signer_of(key_id)
            return None if found is None else found.public

        raw = there.index(trip, INDEX_MAX)
        index, key_id = open_index(raw, self._identity.keyring.node_keys(), signer_of)
        signer = directory.signer_of(key_id)
        if signer is None or signer.unit != index.issuer or index.trip != trip:
            raise SecurityError("trip-wrong-issuer", "signed by another unit than it names, or for another folder")
        # Media travel slowly: what was signed while the key counted counts, unless the key was revoked.
        if not signer.is_valid(index.made_at):
            raise SecurityError("unknown-sender", "the key that signed did not count then, or was revoked")
        if index.to != self._settings.node.unit:
            raise SecurityError("trip-not-for-us", f"the medium is for {index.to}")
        settings = self._settings.link_to(index.issuer)
        if settings is None or settings.transport is not TransportKind.MEDIA:
            raise ConfigError(
                "link-not-media", f"no link by media leads to {index.issuer}", facts={"link": index.issuer}
            )
        return index, settings

    def _take(self, ledger: Ledger, shelf: TripShelf, trip: Trip, medium: Path, progress: Progress) -> Trip:
        there = Medium(medium)
        index, _settings = self._read(there, trip.trip)
        here = {path.name for path, _ in shelf.files(trip.id)}
        needed = sum(file.size for file in index.files if file.name not in here)
        if needed > (free := shelf.room(trip.id) - self._settings.limits.free_space):
            raise TransientError(
                "disk-full", f"{free} bytes may be used, {needed} are needed", scope=Scope.NODE, facts={"free": free}
            )
        folder = shelf.folder(trip.id)
        torn, first, counted = 0, 1, _counted(progress, index.size)
        for file in index.files:
            partial = folder / f".{file.name}{_PARTIAL}"
            if file.name in here:
                counted(file.size)
            elif there.take(Cut(trip.trip, first, file.size, index.part), partial, counted) == file.digest:
                disk.rename_durably(partial, folder / file.name)
            else:
                torn += 1
            first += len(part_sizes(file.size, index.part))
        if torn:
            raise _torn(torn, len(index.files))
        shelf.hand_in(trip.id, [file.name for file in index.files])
        return ledger.trips.carried(trip.id, index.heard)

    # Both

    def confirm(self, trip: int, why: str, medium: Path | None = None, progress: Progress = silent) -> Trip:
        """Confirm a trip and carry it out; one that was confirmed and interrupted is continued.

        medium: where it is mounted now, if elsewhere than when it was asked for.
        Raises as the ledger's `confirm`; as `Medium`; SecurityError `trip-torn` (something is missing or changed:
        nothing of it is handed in), and as `look`.
        """
        known = self._get(trip)
        there = medium or Path(known.medium)
        Medium(there).free()
        with self._holding(known.link) as (ledger, shelf):
            confirmed = ledger.trips.confirm(
                trip, self._actor, why, epoch=ledger.epoch, two_persons=self.needs_two(known)
            )
            work = self._write if confirmed.way is TripWay.OUT else self._take
            return work(ledger, shelf, confirmed, there, progress)

    def needs_two(self, trip: Trip) -> bool:
        """Whether another person than the one who asked must confirm the trip."""
        wanted = self._link(trip.link).by_media.two_persons
        return wanted is TwoPersons.BOTH or wanted == (
            TwoPersons.EXPORT if trip.way is TripWay.OUT else TwoPersons.IMPORT
        )

    def cancel(self, trip: int, why: str) -> Trip:
        """Call a trip off that is not finished; what it was to carry waits again. Raises as the ledger's `cancel`."""
        with self._holding(self._get(trip).link) as (ledger, _shelf):
            return ledger.trips.cancel(trip, self._actor, why)

    def lose(self, trip: int, why: str) -> Trip:
        """Declare the medium of a trip lost; the same bytes wait again. Raises as the ledger's `lose`."""
        with self._holding(self._get(trip).link) as (ledger, _shelf):
            return ledger.trips.lose(trip, self._actor, why)

    def listing(self, limit: int) -> tuple[list[Trip], list[Waiting]]:
        """Return the trips, newest first, and what waits for each link by media."""
        with ledger_to_change(self._settings, self._clock) as ledger:
            waiting = []
            for link in self._settings.links:
                if link.transport is TransportKind.MEDIA:
                    found = self._shelf(link.name).waiting()
                    missing = tuple(ledger.trips.missing(LinkName(link.name)))
                    waiting.append(Waiting(LinkName(link.name), len(found), sum(size for _, size in found), missing))
            return ledger.trips.newest(limit), waiting

    def _get(self, trip: int) -> Trip:
        with ledger_to_change(self._settings, self._clock) as ledger:
            return ledger.trips.get(trip)

    def _link(self, name: str) -> LinkSettings:
        found = link_named(self._settings, name)
        if found.transport is not TransportKind.MEDIA:
            raise ConfigError("link-not-media", f"link {name} has transport {found.transport}", facts={"link": name})
        return found

    def _asked(self, way: TripWay, link: LinkSettings, medium: Path) -> Trip:
        """Return a trip that this person asks for, which carries nothing yet."""
        return Trip(
            id=0,
            way=way,
            trip=secrets.token_hex(16),
            link=LinkName(link.name),
            peer=link.peer,
            state=TripState.ASKED,
            medium=str(medium.absolute()),
            label="",
            files=0,
            size=0,
            asked_by=self._actor,
            asked_at=0.0,
            confirm_by=self._clock.now() + link.by_media.confirm_within,
        )

    def _shelf(self, link: str) -> TripShelf:
        box = media_mailbox(self._settings.paths.state, link)
        return TripShelf(box, box / OUT, box / IN)

    @contextmanager
    def _holding(self, link: str) -> Iterator[tuple[Ledger, TripShelf]]:
        """Yield ledger and shelf while nobody else works on the trips of `link`; everything is put where it belongs
        before and after. ConfigError `ledger-missing`; TransientError `media-busy`."""
        shelf = self._shelf(link)
        shelf.prepare()
        with ledger_to_change(self._settings, self._clock) as ledger, (shelf.box / _LOCK).open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise TransientError(
                    "media-busy", "another command works on the media of this link", scope=Scope.LINK
                ) from None
            ledger.trips.expire()
            _tidy(shelf, ledger, LinkName(link))
            yield ledger, shelf
            _tidy(shelf, ledger, LinkName(link))
        ring_bell(self._settings)


def _tidy(shelf: TripShelf, ledger: Ledger, link: LinkName) -> None:
    """Put the files of every trip where its state says; may be interrupted anywhere and repeated."""
    known = {trip.id: trip for way in TripWay for trip in ledger.trips.on(link, way)}
    for number in shelf.shelved():
        trip = known.get(number)
        if trip is None:
            continue
        if trip.way is TripWay.OUT and trip.state in {TripState.CANCELLED, TripState.LOST}:
            shelf.put_back(number)
        elif trip.state in ENDED or (trip.way is TripWay.IN and trip.state is TripState.CARRIED):
            shelf.forget(number)


def _stated(trip: Trip, index: TripIndex) -> Trip:
    """Return an inbound trip with what its index states."""
    return replace(
        trip,
        trip=index.trip,
        label=index.label,
        files=len(index.files),
        size=index.size,
        epoch=index.epoch,
        number=index.number,
    )


def _counted(progress: Progress, total: int) -> Callable[[int], None]:
    done = 0

    def count(moved: int) -> None:
        nonlocal done
        done += moved
        progress(done, total)

    return count


def _torn(files: int, of: int) -> SecurityError:
    return SecurityError(
        "trip-torn", f"{files} of {of} files are missing or changed", scope=Scope.LINK, facts={"files": files, "of": of}
    )
