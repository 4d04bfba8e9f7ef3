"""Publishing the finished imports of one inbound folder together: each as if it were alone, with the fsyncs of one.

The name of an import's private folder is its journal: before its first entry moves, the folder gets the ending BEGUN,
together with all others, and no entry's new name lasts without it. From then on an entry that is no longer in it has
arrived, even if whoever reads the inbound folder has taken it away since.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.errors import GatewayError
from gateway.folders import deliver, disk, moving, order

BEGUN = ".begun"
"""Ending of the name of a private folder from which something may have been published."""


@dataclass(frozen=True, slots=True)
class Import:
    """A finished import in its private folder `staging`, which is durable with all that is in it. `entries`: names in
    the order of publication, the completion mark last; whoever reads the inbound folder was given access to them."""

    staging: Path
    entries: tuple[str, ...]


def is_begun(staging: Path) -> bool:
    """Whether something may have been published from the private folder `staging`."""
    return staging.name.endswith(BEGUN)


def begun(staging: Path) -> Path:
    """Return the name that `staging` gets when its publication begins."""
    return staging.with_name(f"{staging.name}{BEGUN}")


def publish_together(
    imports: Sequence[Import], inbound: Path, *, sentinel: str | None = None, written_down_in: Path | None = None
) -> list[GatewayError | None]:
    """Do for each of `imports` what `deliver.publish` does, and return in their order what it would have raised.

    written_down_in: where its caller writes down next, durably, what was published. If that lies on the same disk, and
        the disk keeps order, what was published lasts with it and not before.

    Idempotent after a crash at any point, with each folder under the name that it has by then. Keep them until the
    deliveries are recorded. What renames do not reach is published by `deliver.publish` itself, one by one.
    """
    going = [_Going(one.staging, deliver.checked(one.entries), inbound) for one in imports]
    try:
        deliver.require_mount(inbound, sentinel)
        reach = _Reach(inbound)
        _each(going, lambda one: one.look(reach))
        # Where order is kept, a name lasts only together with what was done before it.
        places = {inbound, *(one.staging.parent for one in imports)}
        is_ordered = written_down_in is not None and order.is_kept_between(*places, written_down_in)
        _begin([one for one in going if one.is_to_begin], is_ordered=is_ordered)
        _each(going, _Going.move_all_but_last)
        if not is_ordered and any(len(one.entries) > 1 for one in imports):
            # A completion mark must never be on the disk before what it vouches for.
            disk.fsync_folder(inbound)
        _each(going, _Going.move)
        if not is_ordered:
            disk.fsync_folder(inbound)
        _each(going, lambda one: one.publish_alone(sentinel))
        deliver.require_mount(inbound, sentinel)
    except GatewayError as error:
        for one in going:
            one.error = one.error or error
    return [None if one.error is None else deliver.explained(one.error, inbound, sentinel) for one in going]


class _Reach:
    """From which folders a rename reaches the folder `inbound`; asked once for each, for all imports together."""

    def __init__(self, inbound: Path) -> None:
        self._device = disk.device(inbound)
        self._found: dict[Path, bool] = {}

    def is_from(self, folder: Path) -> bool:
        if folder not in self._found:
            self._found[folder] = disk.device(folder) == self._device
        return self._found[folder]


@dataclass(slots=True)
class _Going:
    """One import on its way. `is_alone`: renames do not reach the inbound folder; `error`: why it goes no further."""

    staging: Path
    names: list[str]
    inbound: Path
    is_alone: bool = False
    error: GatewayError | None = None

    @property
    def is_to_begin(self) -> bool:
        return self.error is None and not self.is_alone and not is_begun(self.staging)

    def look(self, reach: "_Reach") -> None:
        """Leave in `names` what is owed. Of what was not begun all must be there, and every name free."""
        staging, inbound = os.fspath(self.staging), os.fspath(self.inbound)
        if disk.lies_at(f"{staging}/{moving.JOURNAL}"):
            self.is_alone = True
            return
        self.is_alone = not reach.is_from(self.staging.parent)
        owed = [name for name in self.names if disk.lies_at(f"{staging}/{name}")]
        if is_begun(self.staging):
            self.names = owed
        elif len(owed) < len(self.names):
            raise deliver.missing()
        elif any(disk.lies_at(f"{inbound}/{name}") for name in self.names):
            raise deliver.taken(self.inbound)

    def move_all_but_last(self) -> None:
        while len(self.names) > 1 and not self.is_alone:
            self._move_first()

    def move(self) -> None:
        if self.names and not self.is_alone:
            self._move_first()

    def publish_alone(self, sentinel: str | None) -> None:
        if self.is_alone and self.names:
            deliver.publish(self.staging, self.names, self.inbound, sentinel=sentinel)

    def _move_first(self) -> None:
        outcome = disk.rename_new(self.staging / self.names[0], self.inbound / self.names[0])
        if outcome is disk.Moved.TAKEN:
            raise deliver.taken(self.inbound)
        # Bind mounts: one device number, and yet a rename between them is refused.
        self.is_alone = outcome is disk.Moved.ELSEWHERE
        if not self.is_alone:
            del self.names[0]


def _each(going: Sequence[_Going], step: Callable[[_Going], None]) -> None:
    """Do `step` for each that nothing has stopped; one that fails does not touch its neighbours."""
    for one in going:
        if one.error is None:
            try:
                step(one)
            except GatewayError as error:
                one.error = error


def _begin(going: Sequence[_Going], *, is_ordered: bool) -> None:
    for one in going:
        new = begun(one.staging)
        with disk.mapped(new.parent):
            one.staging.rename(new)
        one.staging = new
    for folder in () if is_ordered else dict.fromkeys(one.staging.parent for one in going):
        disk.fsync_folder(folder)
