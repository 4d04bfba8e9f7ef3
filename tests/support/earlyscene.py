"""A large export that is opened while it arrives in the recipient's mailbox, into which faults are injected."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from gateway.cli.demo_nodes import POLICE
from gateway.cli.demo_samples import Sample
from gateway.domain.lanes import SMALL_BYTES
from gateway.stages.crew import Crew
from gateway.stages.headstart import Placed
from gateway.transport.hosted import IN, OUT, growing
from tests.support.arriving import POLICE_LINK, hosting
from tests.support.faults import Fault
from tests.support.houses import Street, street
from tests.support.scenes import Scene

MAILBOXES = "procuratorate/state/mailboxes"
DOSSIER = "dossier.bin"


class MailboxStreet(Street):
    """Both houses, joined by a mailbox that the procuratorate keeps for the police."""

    @property
    def mailboxes(self) -> Path:
        return self.procuratorate.state / "mailboxes"

    @property
    def there(self) -> Path:
        return self.mailboxes / POLICE / IN

    @property
    def back(self) -> Path:
        return self.mailboxes / POLICE / OUT


@dataclass
class Foresight:
    """The crew of the police: what it seals large has arrived, but for its front, before the police knows of it.

    As with two daemons, where the bundle leaves by the link while it is sealed; but nothing happens at the same time,
    so that a fault has its place.
    """

    street: MailboxStreet
    crew: Crew

    def run(
        self,
        work: Callable[[Any, Any], Any],
        argument: Any,
        on_progress: Callable[[int], None] | None = None,
        on_news: Callable[[object], None] | None = None,
        **how: Any,
    ) -> Future[Any]:
        """See Crew."""
        announced: list[tuple[Placed, bytes]] = []

        def told(news: object) -> None:
            if isinstance(news, Placed) and news.herald:
                with self.street.aside():
                    announced.append((news, _bytes_of(argument.orders[0].out, 0, news.herald)))
            if on_news is not None:
                on_news(news)

        future = self.crew.run(work, argument, on_progress, told, **how)
        for placed, herald in announced:
            if future.exception() is None and (bundle := argument.orders[0].out).exists():
                self._arrives(
                    herald.ljust(placed.data_offset, b"\0"), _bytes_of(bundle, placed.data_offset, placed.size)
                )
        return future

    def close(self, deadline: float) -> None:
        """Nothing runs between calls."""
        del deadline

    def _arrives(self, herald: bytes, data: bytes) -> None:
        street = self.street
        ahead = growing(street.mailboxes, POLICE)
        with street.aside():
            ahead.write_bytes(herald + data)
        street.procuratorate.plan.open.heard_growing(POLICE_LINK)
        street.step(street.procuratorate, "open")
        with street.aside():
            ahead.unlink()  # the server gives it the bundle's name, which the police's link does here


def _bytes_of(path: Path, start: int, end: int) -> bytes:
    with path.open("rb") as source:
        return os.pread(source.fileno(), end - start, start)


@dataclass(frozen=True)
class EarlyScene(Scene):
    """An exchange of one large file, which is opened while it arrives."""

    def build(self, root: Path) -> None:
        super().build(root)
        (root / DOSSIER).write_bytes(Random(DOSSIER).randbytes(SMALL_BYTES + (1 << 16)))
        link = root / "police" / "etc" / "links.d" / "procuratorate.yaml"
        mailbox = f"{MAILBOXES}/{POLICE}"
        text = link.read_text("utf-8").replace("to-procuratorate", f"{mailbox}/{IN}")
        link.write_text(text.replace("to-police", f"{mailbox}/{OUT}"), "utf-8")

    def dropped(self, root: Path) -> Sequence[Sample]:
        return [Sample(DOSSIER, (root / DOSSIER,), "files", "folder", "delivered", "")]

    def street(self, root: Path) -> Street:
        found = street(root)
        made = MailboxStreet(found.root, found.clock, found.police, found.procuratorate)
        made.procuratorate.equip = hosting
        made.police.change = lambda ground: replace(ground, crew=Foresight(made, ground.crew))
        return made

    def play(self, root: Path, fault: Fault) -> None:
        _guests_end(root)
        super().play(root, fault)

    def check(self, root: Path) -> None:
        _guests_end(root)
        super().check(root)


def _guests_end(root: Path) -> None:
    """A server ends with the node that hosts it, and so does what a guest had under way; the next guest removes it."""
    growing(root / MAILBOXES, POLICE).unlink(missing_ok=True)


ARRIVING = EarlyScene("a large file is opened while it arrives", ())
