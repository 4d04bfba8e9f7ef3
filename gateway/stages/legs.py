"""The two workers of a link: one carries everything out (receipts before bundles), one brings everything in."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from gateway.domain.ids import LinkName
from gateway.transport.api import Transport


class Leg(Protocol):
    """A stage of one link."""

    def step(self) -> float | None:
        """Do what is due; return the seconds until more may be due, None if it waits to be rung."""


@runtime_checkable
class LastingLeg(Protocol):
    """A stage that has something under way between two steps."""

    def close(self) -> None:
        """Cut that off, record what of it is done, and wait until it has ended."""


class OutLeg:
    """What leaves by one link, in the order of its stages."""

    def __init__(self, link: LinkName, stages: Sequence[Leg], transport: Transport) -> None:
        self.name = out_leg(link)
        self._stages = tuple(stages)
        self._transport = transport

    def step(self) -> float | None:
        """Do what is due in each; return the shortest of their waits, None if all wait to be rung."""
        steps = [stage.step() for stage in self._stages]
        return min((wait for wait in steps if wait is not None), default=None)

    def close(self) -> None:
        """End what is under way, and give back the connection."""
        _close(self._stages, self._transport)


class InLeg:
    """What arrives by one link."""

    def __init__(self, link: LinkName, receive: Leg, transport: Transport) -> None:
        self.name = in_leg(link)
        self._receive = receive
        self._transport = transport

    def step(self) -> float | None:
        """Look into the mailbox once; return the seconds until the next look."""
        return self._receive.step()

    def close(self) -> None:
        """End what is under way, and give back the connection."""
        _close((self._receive,), self._transport)


def _close(stages: Sequence[Leg], transport: Transport) -> None:
    try:
        for stage in stages:
            if isinstance(stage, LastingLeg):
                stage.close()
    finally:
        transport.close()


def out_leg(link: LinkName) -> str:
    """Return the name of the worker that carries things out by `link`."""
    return f"out-{link}"


def in_leg(link: LinkName) -> str:
    """Return the name of the worker that brings things in by `link`."""
    return f"in-{link}"
