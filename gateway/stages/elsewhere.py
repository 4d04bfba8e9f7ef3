"""Room in inbound folders on other disks, where deliveries are copied to and may find none."""

from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.domain.errors import GatewayError, TransientError
from gateway.folders import disk, entries
from gateway.folders.space import SpaceGuard
from gateway.stages.shortage import Shortage, ShortageView


class Elsewhere:
    """Asked before each delivery; tells what lacked room once a step is over."""

    def __init__(self, space: SpaceGuard, shortage_of: Callable[[SpaceGuard], Shortage]) -> None:
        """space: of our own disk. shortage_of: makes what tells of one other disk."""
        self._space = space
        self._shortage_of = shortage_of
        self._known: dict[Path, Shortage] = {}
        self._lacking: dict[Path, list[int]] = {}
        """Inbound folder -> sizes of the imports that found no room there in this step."""
        self._first: dict[Path, TransientError] = {}

    @property
    def is_lacking(self) -> bool:
        """Whether an import found no room in this step."""
        return bool(self._lacking)

    def begin(self) -> None:
        """A step begins: nothing has lacked room in it."""
        self._lacking, self._first = {}, {}

    def tell(self, who: str) -> None:
        """The step is over: `who` tells what lacked room where."""
        for folder, shortage in self._known.items():
            shortage.waits(who, self._lacking.get(folder, ()), self._first.get(folder))

    def views(self) -> list[ShortageView]:
        """Return which folders lack room, as the last steps saw it. Any thread."""
        return [view for one in list(self._known.values()) if (view := one.view()) is not None]

    def space_of(self, folder: Path) -> SpaceGuard | None:
        """Return what guards the disk of `folder`, None if that is ours."""
        try:
            return self._space.elsewhere(folder)
        except GatewayError:
            return None  # a folder that is away is told by who publishes there

    def has_room(self, imports: Path, names: Sequence[str], space: SpaceGuard) -> bool:
        """Whether the entries `names` of the staging folder `imports` fit on the disk of an inbound folder. Raises as
        `entries.look` and `disk.failure` say if that cannot be told."""
        folder = space.root
        with disk.mapped(imports):
            size = sum(entries.look(path).size for name in names if disk.exists(path := imports / name))
        try:
            space.may_accept(size, small=True)
        except TransientError as error:
            self._first.setdefault(folder, error)
            if folder not in self._known:
                self._known[folder] = self._shortage_of(space)
            self._lacking.setdefault(folder, []).append(size)
            return False
        return True
