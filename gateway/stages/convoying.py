"""Convoys on their way out: small bundles that are due on one link leave as one file, as many as it takes quickly."""

from collections.abc import Iterator, Sequence

from gateway.bundle.convoy import COUNT_MAX, FILE_MAX, convoy_size, join_bundles
from gateway.bundle.names import Kind, paper_name
from gateway.domain.clock import Clock
from gateway.domain.ids import BundleId, LinkName
from gateway.domain.lifecycle import State
from gateway.domain.records import Transfer, known
from gateway.folders.spool import Spool
from gateway.stages.letters import post
from gateway.transport.api import Progress, Transport

ALONE_BYTES = 1 << 20
"""A bundle larger than this travels alone: to copy it twice costs what a file of its own costs."""
FIRST_BYTES = 512 << 10
"""How large a convoy may be on a line of which nothing is known yet: less than is worth continuing if it breaks."""
QUICK_SECONDS = 1.0
"""What comes meanwhile and is more urgent waits for a convoy about so long."""

Parcel = Sequence[Transfer]
"""One bundle on its way to all its recipients behind one link: its bytes travel once."""

_NEVER_SENT = frozenset({State.SEALED, State.CHECKED})


class Convoying:
    """Puts the small bundles of one link together. Used by that link's sending thread only.

    most: bytes of a convoy that the link takes; 0 where nothing travels in convoys.
    """

    def __init__(self, link: LinkName, spool: Spool, transport: Transport, clock: Clock, most: int) -> None:
        self._link = link
        self._spool = spool
        self._transport = transport
        self._clock = clock
        self._most = min(most, FILE_MAX)
        self._now = FIRST_BYTES
        """Bytes of a convoy now: doubled while one takes less than QUICK_SECONDS, halved when it takes more."""

    def groups(self, parcels: Sequence[Parcel]) -> Iterator[list[Parcel]]:
        """Yield `parcels` in their order, those together that leave together.

        What was sent before and had no receipt leaves alone: so a bundle arrives also where no convoy does.
        """
        together: dict[BundleId, Parcel] = {}
        size = convoy_size([])
        for parcel in parcels:
            first = parcel[0]
            bundle, more = known(first.bundle_id), convoy_size([first.size]) - convoy_size([])
            is_alone = first.size > ALONE_BYTES or first.state not in _NEVER_SENT
            is_over = len(together) == COUNT_MAX or size + more > min(self._now, self._most)
            if together and (is_alone or is_over or bundle in together):
                yield list(together.values())
                together, size = {}, convoy_size([])
            if is_alone:
                yield [parcel]
            else:
                together[bundle] = parcel
                size += more
        if together:
            yield list(together.values())

    def deposit(self, bundles: Sequence[tuple[BundleId, bytes]], progress: Progress) -> None:
        """Deposit `bundles` as one file; may be repeated. Raises what the transport raises, or as `disk.failure`
        says."""
        raw = join_bundles(bundles)
        began = self._clock.monotonic()
        most, self._now = self._now, FIRST_BYTES  # unless it arrives
        post(self._spool, self._transport, self._link, paper_name(raw, Kind.CONVOY), raw, progress=progress)
        if self._clock.monotonic() - began > QUICK_SECONDS:
            self._now = max(most // 2, FIRST_BYTES)
        else:
            # A convoy much smaller than it might have been tells nothing of the line.
            self._now = min(2 * most, FILE_MAX) if len(raw) > most // 2 else most
