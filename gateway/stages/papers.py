"""The small files of a mailbox: each is fetched whole, applied, and removed; what is bad is set aside."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.errors import GatewayError, Scope, SecurityError, TransientError
from gateway.domain.ids import LinkName
from gateway.domain.lanes import PAPERS, is_large
from gateway.domain.oplog import OpsLog
from gateway.folders import disk
from gateway.folders.space import SpaceGuard
from gateway.folders.spool import Spool
from gateway.stages.precedence import Precedence
from gateway.stages.suspects import QuarantineDesk, Suspect
from gateway.transport.api import Entry, Progress, Transport


@dataclass(frozen=True, slots=True)
class Paper:
    """A kind of small file in a mailbox. `most`: bytes; `take`: applies it, and may be repeated; `word`: begins what is
    said of one that is refused or has to wait; `too_large`: the code of one that is too large."""

    most: int
    take: Callable[[bytes], object]
    word: str
    too_large: str


class PaperDesk:
    """Takes the small files of one link's mailbox. Used by that link's receiving thread only."""

    def __init__(
        self,
        *,
        link: LinkName,
        spool: Spool,
        space: SpaceGuard,
        transport: Transport,
        quarantine: QuarantineDesk,
        precedence: Precedence,
        progress: Progress,
        ops: OpsLog,
    ) -> None:
        """progress: told of what is fetched; whatever it raises ends the fetch."""
        self._link = link
        self._spool = spool
        self._space = space
        self._transport = transport
        self._quarantine = quarantine
        self._precedence = precedence
        self._progress = progress
        self._ops = ops

    def take(self, entries: Sequence[Entry], paper: Paper) -> None:
        """Read papers of one kind, apply what they prove, then remove them; one that cannot be read, or is bad, holds
        up nothing else."""
        for entry in entries:
            try:
                with self._precedence.moving(PAPERS):
                    self._take_one(entry, paper)
            except GatewayError as error:
                if error.scope is not Scope.TRANSFER:
                    raise
                self._ops.warn(f"{paper.word}-waits", link=self._link, code=error.code, detail=error.detail)

    def _take_one(self, entry: Entry, paper: Paper) -> None:
        part = self._spool.letter(self._link, entry.name)
        if entry.size > paper.most:
            self.set_aside(entry, paper.too_large)
            self._ops.alert(paper.too_large, link=self._link, size=entry.size)
        else:
            self._transport.fetch(entry.name, part, entry.size, self._progress)
            self._apply(part, entry, paper)
        self._transport.remove([entry.name])

    def _apply(self, part: Path, entry: Entry, paper: Paper) -> None:
        with disk.mapped(part.parent):
            body = part.read_bytes()
        try:
            paper.take(body)
        except SecurityError as error:
            self._ops.alert(f"{paper.word}-refused", link=self._link, code=error.code)
            self._quarantine.take(part, Suspect(entry.name, self._link, error.code))
        self._spool.drop(part)

    def set_aside(self, entry: Entry, code: str) -> None:
        """Keep untrusted bytes of the mailbox for a person to look at; TransientError `disk-space-low`, which holds up
        nothing else, while there is no room for them."""
        part = self._spool.letter(self._link, entry.name)
        with ExitStack() as held:
            try:
                held.enter_context(self._space.accept(entry.size, small=not is_large(entry.size)))
            except TransientError as error:
                raise TransientError(error.code, error.detail, scope=Scope.TRANSFER, facts=error.facts) from error
            # Evidence is never pieced together from two attempts.
            self._spool.drop(part)
            self._transport.fetch(entry.name, part, entry.size, self._progress)
            self._quarantine.take(part, Suspect(entry.name, self._link, code))
