"""The two workers of a link: one carries everything out (receipts before bundles), one brings everything in."""

from gateway.domain.ids import LinkName
from gateway.stages.acknowledge import AcknowledgeStage
from gateway.stages.receive import ReceiveStage
from gateway.stages.resync import ResyncStage
from gateway.stages.send import SendStage
from gateway.transport.api import Transport


class OutLeg:
    """What leaves by one link. A receipt is small and somebody waits for it, so receipts go first, then inventories."""

    def __init__(
        self,
        link: LinkName,
        acknowledge: AcknowledgeStage,
        resync: ResyncStage,
        send: SendStage,
        transport: Transport,
    ) -> None:
        self.name = out_leg(link)
        self._acknowledge = acknowledge
        self._resync = resync
        self._send = send
        self._transport = transport

    def step(self) -> float | None:
        """Do what is due in all three; return the shortest of their waits, None if all wait to be rung."""
        steps = (self._acknowledge.step(), self._resync.step(), self._send.step())
        waits = [wait for wait in steps if wait is not None]
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
