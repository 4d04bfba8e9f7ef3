"""The spool: our private disk, and where on it everything lies."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from gateway import linux
from gateway.bundle.names import Kind, bundle_name, parse
from gateway.domain.ids import BundleId, ClaimToken, Digest, LinkName, WireName, bundle_id, claim_token, link_name
from gateway.folders import deliveries, disk, order, rounds

NOTE = f"{disk.TEMP_PREFIX}delivery.json"
"""In the staging folder of a verified bundle: what its delivery needs to know."""
_PART = ".part"
_INBOUND = "inbound"
_HEADER_DIGITS = 32
"""Hexadecimal digits of a header's digest that are in a file's name: 128 bits."""


@dataclass(frozen=True, slots=True)
class Staging:
    """The folders in which one inbound bundle is opened and made into an import."""

    imports: Path
    """What the packer writes; published from here."""
    members: Path
    """The members as they come out of the bundle; worth nothing after a crash."""

    def make(self) -> None:
        """Make both anew; a rest of an earlier attempt is removed. Not yet durable. Raises as `disk.failure` says."""
        imports, begun, members = os.fspath(self.imports), f"{self.imports}{deliveries.BEGUN}", os.fspath(self.members)
        if disk.lies_at(begun):
            _clear(imports, begun, members)
        with disk.mapped(self.imports.parent):
            try:
                _make(imports, members)
            except FileExistsError:
                _clear(imports, begun, members)
                _make(imports, members)
            except FileNotFoundError:
                disk.owner_only(self.imports.parent)
                _make(imports, members)


class Spool:
    """Paths below `root`; `prepare` makes the folders. Names are made from checked ids only.

    claims/<route>/<token>/        see claim.py
    outbound/<id>-<token>.cfb      sealed bundles, kept until the final receipt; the token of the claimed export is in
                                   the name, so that a ledger put back from a backup can learn of them again
    inbound/<link>/<id>.cfb        fetched bundles; by link, so that no peer can touch what another peer sent
    relayed/<id>-<header>.cfb      bundles in our custody for others, one file for all recipients and arrivals; half of
                                   the header's digest is in the name, so that no two bundles ever share one
    outbox/<link>/                 see outbox.py
    staging/<link>/<id>/           imports waiting to be published, `<id>.begun` once that was begun, see deliveries.py;
                                   the members of a bundle that is being opened lie in `.<id>`, and in `.<id>-early`
                                   while it arrives
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._outbound = root / "outbound"
        self._relayed = root / "relayed"
        self._inbound = root / _INBOUND
        self._staging = root / "staging"

    @property
    def claims(self) -> Path:
        """The folder of the ClaimShelf."""
        return self._root / "claims"

    @property
    def outbox(self) -> Path:
        """The folder of the Outbox."""
        return self._root / "outbox"

    def prepare(self, *, fetching_since: float = float("inf")) -> int:
        """Make the folders, owner only, and remove temporaries of an earlier run; return how many there were.

        fetching_since: seconds since 1970; what was written at `fetching` since then stays, a fetch can continue it.
        Only at start: a temporary of work under way would be removed too. Raises as `disk.failure` says.
        """
        for folder in (self.claims, self.outbox, self._outbound, self._inbound, self._relayed, self._staging):
            disk.owner_only(folder)
            # A process that was killed may have made folders in it whose names do not last yet.
            disk.fsync_folder(folder)
        removed = 0
        for folder in (self._outbound, *_folders(self.outbox), *_folders(self._inbound), *_folders(self._staging)):
            for path in (folder / name for name in _names(folder) if name.startswith(".")):
                if not (_is_fetching(path) and _touched(path) >= fetching_since):
                    disk.remove_tree(path)
                    removed += 1
        disk.fsync_folder(self._root)
        return removed

    def sealing(self, token: ClaimToken) -> Path:
        """Where the bundle of the claimed export `token` is written until it is whole."""
        return self._outbound / f".{token}{_PART}"

    def outbound_bundle(self, bundle: BundleId, token: ClaimToken) -> Path:
        """Where the sealed bundle of the claimed export `token` lies."""
        return self._outbound / f"{bundle}-{token}{Kind.BUNDLE}"

    def keep_sealed(self, bundles: Sequence[tuple[ClaimToken, BundleId]]) -> None:
        """Make the files at `sealing(token)` durable under their final names, sharing one fsync of the folder.
        Repeatable."""
        _keep([(self.sealing(token), self.outbound_bundle(bundle, token)) for token, bundle in bundles])

    def outbound_bundles(self) -> list[tuple[BundleId, ClaimToken]]:
        """Return which sealed bundles lie in the spool, so that those the ledger does not know can be dropped."""
        found: list[tuple[BundleId, ClaimToken]] = []
        for name in _names(self._outbound):
            bundle, _, token = name.removesuffix(Kind.BUNDLE).partition("-")
            with suppress(ValueError):
                found.append((bundle_id(bundle), claim_token(token)))
        return found

    def fetching(self, link: LinkName, bundle: BundleId) -> Path:
        """Where a bundle is written while it is fetched; its folder exists on return."""
        disk.owner_only(self._inbound / link)
        return self._inbound / link / f".{bundle}{_PART}"

    def size_of(self, part: Path) -> int:
        """Return the bytes at `part` by now; 0 if there is nothing."""
        with disk.mapped(part.parent):
            try:
                return part.stat().st_size
            except FileNotFoundError:
                return 0

    def give_room(self, part: Path, size: int) -> None:
        """Cut `size` bytes off the end of a half-fetched bundle at `part`: a fetch continues what is left of it."""
        with disk.mapped(part.parent), suppress(FileNotFoundError):
            found = part.stat()
            if found.st_nlink == 1:  # else these bytes lie in a mailbox too, and cutting them would free nothing
                os.truncate(part, max(0, found.st_size - size))

    def inbound_bundle(self, link: LinkName, bundle: BundleId) -> Path:
        """Where the fetched bundle lies."""
        return Path(f"{self._inbound}/{link}/{bundle_name(bundle)}")  # quicker than two steps, for bundles of thousands

    def keep_fetched(self, link: LinkName, bundles: Sequence[BundleId]) -> None:
        """Make the files at `fetching(link, bundle)` durable under their final names, sharing one fsync of the folder.

        Repeatable.
        """
        _keep([(self._inbound / link / f".{one}{_PART}", self.inbound_bundle(link, one)) for one in bundles])

    def keep_unloaded(
        self, link: LinkName, bundles: Mapping[BundleId, memoryview], begun: Collection[BundleId]
    ) -> None:
        """Make bundles whose bytes are at hand durable where fetched ones lie, synced together.

        Repeatable. What a fetch has left of those that are `begun` is removed.
        """
        folder = self._inbound / link
        disk.owner_only(folder)
        disk.write_many([(folder / bundle_name(bundle), body) for bundle, body in bundles.items()])
        with disk.mapped(folder):
            for bundle in begun:
                (folder / f".{bundle}{_PART}").unlink(missing_ok=True)

    def holds(self, link: LinkName, bundle: BundleId, body: memoryview) -> bool:
        """Whether the fetched bundle that lies here has just these bytes; True as well where none lies here."""
        path = self.inbound_bundle(link, bundle)
        with disk.mapped(path.parent):
            try:
                return path.read_bytes() == body
            except FileNotFoundError:
                return True

    def inbound_bundles(self) -> list[tuple[LinkName, BundleId]]:
        """Return which fetched bundles lie in the spool, so that those the ledger does not expect can be dropped."""
        found = [(folder.name, parse(name)) for folder in _folders(self._inbound) for name in _names(folder)]
        return [(link_name(link), bundle_id(one[1])) for link, one in found if one and one[0] is Kind.BUNDLE]

    def relayed_bundle(self, bundle: BundleId, header: Digest) -> Path:
        """Where a bundle that we hold for others lies."""
        return self._relayed / f"{bundle}-{header[:_HEADER_DIGITS]}{Kind.BUNDLE}"

    def keep_relayed(self, bundles: Sequence[tuple[LinkName, BundleId, Digest]]) -> None:
        """Give fetched bundles a second, durable name for as long as others need them, sharing one fsync of the folder.
        Repeatable.

        Not moved: until the ledger says that we hold them for others, they are expected where they were fetched.
        """
        for link, bundle, header in bundles:
            target = self.relayed_bundle(bundle, header)
            with disk.mapped(target.parent), suppress(FileExistsError):
                os.link(self.inbound_bundle(link, bundle), target)
        disk.fsync_folder(self._relayed)

    def relayed_bundles(self) -> list[tuple[BundleId, str, Path]]:
        """Return the bundles that we hold for others: id, beginning of the header's digest, and where it lies."""
        found: list[tuple[BundleId, str, Path]] = []
        for name in _names(self._relayed):
            bundle, _, header = name.removesuffix(Kind.BUNDLE).partition("-")
            with suppress(ValueError):
                found.append((bundle_id(bundle), header, self._relayed / name))
        return found

    def letter(self, link: LinkName, name: WireName) -> Path:
        """Where a receipt file lies while it is written, read or set aside; its folder exists on return.

        A dot-name, since it is worth nothing after a crash: what it holds is in the ledger, or still in the mailbox.
        """
        disk.owner_only(self._inbound / link)
        return self._inbound / link / f".{name}"

    def staging(self, link: LinkName, bundle: BundleId) -> Staging:
        """Return the staging folders of a bundle under the names they have now; they may not exist."""
        imports, begun, doomed = self._names_of_staging(link, bundle)
        return Staging(Path(begun if disk.lies_at(begun) else imports), Path(doomed))

    def early(self, link: LinkName, bundle: BundleId) -> Path:
        """Return where the members of a bundle lie that is opened while it arrives; worth nothing after a crash."""
        return self._staging / link / f".{bundle}-early"

    def fresh_staging(self, link: LinkName, bundle: BundleId) -> Staging:
        """Return where a bundle is opened, to be made."""
        imports, _begun, doomed = self._names_of_staging(link, bundle)
        return Staging(Path(imports), Path(doomed))

    def stagings(self) -> list[tuple[LinkName, BundleId]]:
        """Return which bundles have staging folders, so that those the ledger does not expect can be dropped."""
        found: list[tuple[LinkName, BundleId]] = []
        for folder in _folders(self._staging):
            for name in _names(folder):
                with suppress(ValueError):
                    found.append((link_name(folder.name), bundle_id(name.removesuffix(deliveries.BEGUN))))
        return found

    def drop_staging(self, link: LinkName, bundle: BundleId) -> None:
        """Remove the staging folders of a bundle; only once its delivery is recorded. Repeatable."""
        _clear(*self._names_of_staging(link, bundle))

    def drop_delivered(self, link: LinkName, bundle: BundleId) -> None:
        """Remove what is left of a bundle whose delivery is recorded. Repeatable."""
        _imports, begun, _doomed = self._names_of_staging(link, bundle)
        try:
            # All that most have left. Nothing of it is owed any more, so half of it does no harm.
            os.unlink(f"{begun}/{NOTE}")
            os.rmdir(begun)
        except OSError:
            self.drop_staging(link, bundle)
        self.drop(self.inbound_bundle(link, bundle))

    def _names_of_staging(self, link: LinkName, bundle: BundleId) -> tuple[str, str, str]:
        """Return the names of the folder of an import, before and after its publication was begun, and of what is
        worth nothing after a crash."""
        home = f"{self._staging}/{link}/"
        return f"{home}{bundle}", f"{home}{bundle}{deliveries.BEGUN}", f"{home}.{bundle}"

    def drop(self, path: Path) -> None:
        """Remove one file; what is gone already is no error."""
        with disk.mapped_at(path), suppress(FileNotFoundError):
            os.unlink(path)


def _make(*folders: str) -> None:
    for folder in folders:
        os.mkdir(folder, 0o700)


def _clear(imports: str, begun: str, doomed: str) -> None:
    if disk.lies_at(doomed):
        disk.remove_private(doomed)
    for folder in (begun, imports):
        # Under a dot-name first: half of it must never be taken for an import that waits to be published.
        with disk.mapped(Path(doomed).parent), suppress(FileNotFoundError):
            os.rename(folder, doomed)
            disk.remove_private(doomed)


def _keep(moves: Sequence[tuple[Path, Path]]) -> None:
    """Give files their final names, and make bytes and names durable; no name is there before its bytes. What has its
    name already is made durable too: who gave it may not have come to that."""
    moves = [(source if disk.exists(source) or not disk.exists(target) else target, target) for source, target in moves]
    sources = [source for source, _target in moves]
    with ExitStack() as held:
        opened: list[int] = []
        for source in sources if len(sources) < rounds.FEWEST else ():
            with disk.mapped_at(source):
                opened.append(disk.readable(source))
            held.callback(os.close, opened[-1])
        if is_ordered := order.is_kept(opened):
            # Bytes and names of a few are synced as one.
            disk.raise_first(disk.failures(order.settle(opened), sources))
        else:
            disk.raise_first(disk.fsync_files(sources))
        for source, target in moves:
            with disk.mapped_at(target):
                os.replace(source, target)
        if is_ordered:
            with disk.mapped_at(moves[-1][1]):
                linux.conclude(opened[-1])
        else:
            disk.fsync_renamed(moves)


def _is_fetching(path: Path) -> bool:
    if path.parent.parent.name != _INBOUND or not path.name.endswith(_PART):
        return False
    try:
        bundle_id(path.name[1 : -len(_PART)])
    except ValueError:
        return False
    return True


def _folders(folder: Path) -> Iterator[Path]:
    paths = (folder / name for name in _names(folder) if not name.startswith("."))
    return (path for path in paths if _is_folder(path))


def _is_folder(path: Path) -> bool:
    with disk.mapped(path.parent):
        return disk.is_folder(path)


def _touched(path: Path) -> float:
    with disk.mapped(path.parent):
        return path.stat().st_mtime


def _names(folder: Path) -> list[str]:
    with disk.mapped(folder):
        return sorted(os.listdir(folder))
