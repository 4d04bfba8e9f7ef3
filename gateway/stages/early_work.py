"""The part of early opening that runs in a worker process: follow a bundle while it arrives, write its members."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.bundle.herald import Herald, open_herald
from gateway.bundle.keys import NodeKeys
from gateway.bundle.manifest import Manifest, ManifestFile
from gateway.bundle.unseal import open_promised
from gateway.domain.clock import SystemClock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import UnitCode
from gateway.folders import disk, rounds, sharing
from gateway.folders.growing import GivenUpError, GrowingFile
from gateway.folders.members import MemberFiles
from gateway.folders.space import OPENING
from gateway.stages import layout
from gateway.stages.admission import Admission
from gateway.stages.open_work import require_room, route_of
from gateway.stages.routes import InboundRoute


@dataclass(frozen=True, slots=True)
class EarlyOrder:
    """One bundle whose herald was verified, and which grows at `growing`. `members`: the folder for its members, not
    there yet; `floor`: bytes of our disk that must stay free."""

    growing: Path
    herald: Herald
    members: Path
    keys: tuple[NodeKeys, ...]
    routes: tuple[InboundRoute, ...]
    origin: UnitCode
    admission: Admission
    floor: int
    read_again: bool
    """Whether a virus scanner reads the members next."""


@dataclass(frozen=True, slots=True)
class EarlyOutcome:
    """`fingerprint`: of the manifest that the members written have, see Front; None if it came to nothing, for the
    reason `code`. `durable`: how many files were forced to the disk, all of them or 0."""

    fingerprint: bytes | None
    code: str = ""
    durable: int = 0


def open_early(order: EarlyOrder, progress: Callable[[int], None]) -> EarlyOutcome:
    """Open a bundle as far as that can be done without its hashes; whatever fails leaves nothing behind.

    Nothing of it counts: who gets the bundle compares the fingerprint with what its sender signed.
    """
    try:
        disk.owner_only(order.members.parent)
        with disk.mapped(order.members.parent):
            order.members.mkdir(mode=0o700)
            with rounds.Stretch(os.fspath(order.members)) as stretch:
                singly = not stretch.is_sound
                draft, fingerprint = _followed(order, progress, singly=singly)
                durable = len(draft.files) if singly else _forced(stretch, order.members, draft)
                return EarlyOutcome(fingerprint, durable=durable)
    except GivenUpError as reason:
        code = str(reason)
    except GatewayError as error:
        code = error.code
    disk.remove_private(order.members)
    return EarlyOutcome(None, code)


def _forced(stretch: rounds.Stretch, members: Path, draft: Manifest) -> int:
    """Force what was written in `stretch` to the disk where one order does that, and return how many files it were; 0
    where whoever publishes them has to sync each."""
    count = len(draft.files)
    size = sum(file.size for file in draft.files)
    return count if stretch.force(f"{members}/{draft.files[0].path}", [os.fspath(members)], count, size) else 0


def _followed(order: EarlyOrder, progress: Callable[[int], None], *, singly: bool) -> tuple[Manifest, bytes]:
    """Write the members as they come, each forced to the disk if `singly`; return the manifest that was promised, and
    the fingerprint of what came."""
    telling = threading.Lock()

    def told(done: int) -> None:
        with telling:
            progress(done)

    def rest(seconds: float) -> None:
        """Wait for more, in whatever thread reads."""
        told(0)  # so that who wants us to stop is heard
        time.sleep(seconds)

    with (
        GrowingFile(order.growing, order.herald.envelope.size, SystemClock(), rest) as growing,
        MemberFiles(order.members, read_again=order.read_again, singly=singly) as files,
    ):
        source = growing.as_binary()
        promise = open_herald(source, order.herald, order.keys)
        draft = promise.manifest
        require_room(order.members, draft, copies=OPENING, floor=order.floor)
        order.admission.check(str(draft.meta.get(layout.FLOW, "")))
        model = _model(route_of(draft, order.origin, order.routes).folder)
        made: os.stat_result | None = None

        def sink(member: ManifestFile) -> BinaryIO:
            nonlocal made
            file = files.create(member.path, member.size)
            if model is not None and member.path.startswith(layout.CONTENT):
                # While it is open, and while the bundle still comes: afterwards all would wait for two thousand. One
                # is looked at, as all are made alike; whoever publishes them looks at each.
                made = made or os.fstat(file.fileno())
                sharing.adopt_open(file.fileno(), made, model)
            return file

        return draft, open_promised(source, order.herald, promise, sink=sink, progress=told, beside=files.beside)


def _model(folder: Path) -> os.stat_result | None:
    """Return whose rights the files will have, None if the inbound folder is away; they are looked at again at the
    end."""
    try:
        return folder.stat()
    except OSError:
        return None
