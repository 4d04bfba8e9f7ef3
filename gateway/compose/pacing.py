"""The hours, the share of the line and the carrying capacity of each link, from its settings."""

import threading
from collections.abc import Callable
from datetime import datetime

from gateway.bundle.convoy import FILE_MAX as CONVOY_MAX
from gateway.daemon.windows import Window, Windows
from gateway.domain.clock import Clock
from gateway.domain.records import Priority
from gateway.settings.boundaries import Receipts, minutes
from gateway.settings.links import LinkSettings, TransportKind
from gateway.settings.node import TimingSettings
from gateway.stages.carrying import Carrying
from gateway.transport.api import Transport
from gateway.transport.paced import PacedTransport, Throttle

MEDIA_RECEIPTS = 14 * 86400.0
"""Seconds: a receipt that comes by a medium waits for two trips; until then nothing is put on a medium again."""


def hours(link: LinkSettings) -> Windows:
    """Return the hours of `link`, in the zone of this machine."""
    return Windows([Window(one.opens, one.lasts) for one in link.windows])


def paced(
    transport: Transport,
    link: LinkSettings,
    clock: Clock,
    is_stopping: Callable[[], bool],
    pause: Callable[[float], object] | None = None,
) -> Transport:
    """Return `transport` within the hours and the bandwidth of `link`; the same one if it has neither.

    One direction has one transport, and so a share of its own. pause: rests for so many seconds.
    """
    if not link.windows and not link.bandwidth:
        return transport
    windows = hours(link)
    throttle = None
    if link.bandwidth:
        rest = pause or (lambda seconds: is_stopping() or threading.Event().wait(seconds))
        throttle = Throttle(lambda: rate(link, clock.now()), clock, rest)
    return PacedTransport(transport, lambda: windows.closed_for(clock.now()), throttle)


def rate(link: LinkSettings, moment: float) -> int | None:
    """Return the bytes a second that `link` may carry at `moment` (seconds since 1970 UTC), None for any number."""
    local = datetime.fromtimestamp(moment).astimezone()
    now = local.hour * 60 + local.minute
    for span in link.bandwidth:
        begin, end = minutes(span.begin), minutes(span.end)
        if (begin <= now < end) if begin < end else (now >= begin or now < end):
            return span.rate
    return None


def carrying(link: LinkSettings, timing: TimingSettings) -> Carrying:
    """Return what `link` carries, and when receipts are due there."""
    expected = link.receipts is Receipts.EXPECTED
    usual = MEDIA_RECEIPTS if link.transport is TransportKind.MEDIA else timing.receipt_timeout
    return Carrying(
        receipt_seconds=(link.receipt_timeout or usual) if expected else None,
        repeats=link.repeat.times if link.repeat else 0,
        repeat_seconds=link.repeat.every if link.repeat else 0.0,
        largest=link.max_bundle,
        convoy=min(CONVOY_MAX, link.max_bundle or CONVOY_MAX) if link.takes_convoys else 0,
        lanes=frozenset(Priority[lane.name] for lane in link.priorities),
        closed_for=hours(link).closed_for,
    )
