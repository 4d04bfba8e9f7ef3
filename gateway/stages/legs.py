"""The two workers of a link: one carries everything out (receipts before bundles), one brings everything in."""

from gateway.domain.ids import LinkName
from gateway.stages.acknowledge import AcknowledgeStage
from gateway.stages.receive import ReceiveStage
from gateway.stages.send import SendStage
from gateway.transport.api import Transport


class OutLeg:
    """What leaves by one link. A receipt is small and somebody waits for it, so receipts go first."""

    def __init__(self, link: LinkName, acknowledge: AcknowledgeStage, send: SendStage, transport: Transport) -> None:
        self.name = out_leg(link)
        self._acknowledge = acknowledge
        self._send = send
        self._transport = transport

    def step(self) -> float | None:
        """Do what is due in both; return the shorter of their waits, None if both wait to be rung."""
        waits = [wait for wait in (self._acknowledge.step(), self._send.step()) if wait is not None]
        return min(waits, default=None)

    def close(self) -> None:
        """Give back the connection."""
        self._transport.close()


class InLeg:
    """What arrives by one link."""

    def __init__(self, link: LinkName, receive: ReceiveStage, transport: Transport) -> None:
        self.name = in_leg(link)
        self._receive = receive
        self._transport = transport

    def step(self) -> float | None:
        """Look into the mailbox once; return the seconds until the next look."""
        return self._receive.step()

    def close(self) -> None:
        """Give back the connection."""
        self._transport.close()


def out_leg(link: LinkName) -> str:
    """Return the name of the worker that carries things out by `link`."""
    return f"out-{link}"


def in_leg(link: LinkName) -> str:
    """Return the name of the worker that brings things in by `link`."""
    return f"in-{link}"
