"""The spool: our private disk, and where on it everything lies."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.bundle.names import bundle_name
from gateway.domain.ids import BundleId, ClaimToken, LinkName, bundle_id, link_name
from gateway.folders import disk

_PART = ".part"


@dataclass(frozen=True, slots=True)
class Staging:
    """The folders in which one inbound bundle is opened and made into an import."""

    root: Path
    members: Path
    """The members as they come out of the bundle."""
    imports: Path
    """What the packer writes; published from here."""


class Spool:
    """Paths below `root`; `prepare` makes the folders. Names are made from checked ids only.

    claims/<route>/<token>/        see claim.py
    outbound/<bundle id>.cfb       sealed bundles, kept until the final receipt
    inbound/<link>/<id>.cfb        fetched bundles; by link, so that no peer can touch what another peer sent
    staging/<link>/<id>/           bundles being opened, imports waiting to be published
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def claims(self) -> Path:
        """The folder of the ClaimShelf."""
        return self._root / "claims"

    def prepare(self) -> int:
        """Make the folders, owner only, and remove temporaries of an earlier run; return how many there were.

        Only at start: a temporary of work under way would be removed too. Raises as `disk.failure` says.
        """
        for folder in (self.claims, self._outbound, self._inbound, self._staging):
            disk.owner_only(folder)
        removed = 0
        for folder in (self._outbound, *_folders(self._inbound), *_folders(self._staging)):
            for path in _listed(folder):
                if path.name.startswith("."):
                    disk.remove_tree(path)
                    removed += 1
        disk.fsync_folder(self._root)
        return removed

    def sealing(self, token: ClaimToken) -> Path:
        """Where the bundle of the claimed export `token` is written until it is whole."""
        return self._outbound / f".{token}{_PART}"

    def outbound_bundle(self, bundle: BundleId) -> Path:
        """Where the sealed bundle lies."""
        return self._outbound / bundle_name(bundle)

    def keep_sealed(self, token: ClaimToken, bundle: BundleId) -> Path:
        """Make the file at `sealing(token)` durable under its final name and return that. Repeatable."""
        source, target = self.sealing(token), self.outbound_bundle(bundle)
        _keep(source, target)
        return target

    def fetching(self, link: LinkName, bundle: BundleId) -> Path:
        """Where a bundle is written while it is fetched; its folder exists on return."""
        disk.owner_only(self._inbound / link)
        return self._inbound / link / f".{bundle}{_PART}"

    def inbound_bundle(self, link: LinkName, bundle: BundleId) -> Path:
        """Where the fetched bundle lies."""
        return self._inbound / link / bundle_name(bundle)

    def keep_fetched(self, link: LinkName, bundle: BundleId) -> Path:
        """Make the file at `fetching(link, bundle)` durable under its final name and return that. Repeatable."""
        source, target = self.fetching(link, bundle), self.inbound_bundle(link, bundle)
        _keep(source, target)
        return target

    def staging(self, link: LinkName, bundle: BundleId) -> Staging:
        """Return the staging folders of a bundle as they are; they may not exist."""
        root = self._staging / link / bundle
        return Staging(root, root / "members", root / "imports")

    def fresh_staging(self, link: LinkName, bundle: BundleId) -> Staging:
        """Return the staging folders of a bundle, made anew and empty; a rest of an earlier attempt is removed."""
        staging = self.staging(link, bundle)
        disk.remove_tree(staging.root)
        for folder in (self._staging / link, staging.root, staging.members, staging.imports):
            disk.owner_only(folder)
        return staging

    def stagings(self) -> list[tuple[LinkName, BundleId]]:
        """Return which bundles have staging folders, so that those the ledger does not expect can be dropped."""
        found: list[tuple[LinkName, BundleId]] = []
        for folder in _folders(self._staging):
            for path in _listed(folder):
                with suppress(ValueError):
                    found.append((link_name(folder.name), bundle_id(path.name)))
        return found

    def drop_staging(self, link: LinkName, bundle: BundleId) -> None:
        """Remove the staging folders of a bundle; only once its delivery is recorded. Repeatable."""
        root = self.staging(link, bundle).root
        with disk.mapped(root.parent), suppress(FileNotFoundError):
            # Under a dot-name first: a half-removed journal must never be taken for a delivery that was not begun.
            doomed = root.with_name(f".{bundle}")
            disk.remove_tree(doomed)
            root.rename(doomed)
            disk.remove_tree(doomed)

    def drop(self, path: Path) -> None:
        """Remove one bundle file; what is gone already is no error."""
        disk.remove_tree(path)

    @property
    def _outbound(self) -> Path:
        return self._root / "outbound"

    @property
    def _inbound(self) -> Path:
        return self._root / "inbound"

    @property
    def _staging(self) -> Path:
        return self._root / "staging"


def _keep(source: Path, target: Path) -> None:
    with disk.mapped(target.parent):
        if not source.exists() and target.exists():
            return
    disk.fsync_file(source)
    disk.rename_durably(source, target)


def _folders(folder: Path) -> Iterator[Path]:
    return (path for path in _listed(folder) if path.is_dir() and not path.name.startswith("."))


def _listed(folder: Path) -> list[Path]:
    with disk.mapped(folder):
        return sorted(folder.iterdir())
