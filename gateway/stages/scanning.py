"""Scans what comes in and what goes out for viruses, and says what follows from what cannot be scanned."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import IO, Final

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError, SecurityError, TransientError
from gateway.domain.oplog import OpsLog
from gateway.domain.scanning import WhenDown, WhenTooLarge
from gateway.packing import Member
from gateway.scanning.clamd import Clamd, ScannerAt
from gateway.stages.layout import CASE_PACKAGE
from gateway.standard.findings import Finding, Place, Verdict

MALWARE: Final = "MALWARE"
"""Code of the finding that the virus scanner has found something."""
DOWN: Final = "scanner-down"
MISSING: Final = "scan-missing"
"""Code of a bundle that could not be scanned; a person may let it pass."""


@dataclass(frozen=True, slots=True)
class Scanning:
    """How a node scans; fit to be sent to a worker process."""

    at: ScannerAt
    when_down: WhenDown
    when_too_large: WhenTooLarge

    def of_parts(self, parts: Sequence[Path], progress: Callable[[int], None]) -> tuple[Finding, ...]:
        """Return what is found in the files among the parts of an export, as they lie in our spool.

        A folder's files, and what is too large as a whole, are scanned as the members that they hold. Raises
        TransientError `scanner-down` where that means to wait, OSError.
        """
        small = [one for one in parts if one.is_file() and one.stat().st_size <= self.at.largest]
        return tuple(self._each(((one.name, one.stat().st_size, _opener(one)) for one in small), progress))

    def of_members(self, members: Iterable[Member], progress: Callable[[int], None]) -> tuple[Finding, ...]:
        """Return what is found in members; raises as `of_parts` does."""
        return tuple(self._each(((one.path, one.size, one.open) for one in members), progress))

    def require_clean(self, root: Path, case_package: bytes, progress: Callable[[int], None], *, waived: bool) -> None:
        """Raise SecurityError `malware` if a file below `root`, or the case package, holds something, PermanentError
        `scan-missing` if one could not be scanned and a person has to decide (unless one has, `waived`); else as
        `of_parts` does."""
        files = sorted(one for one in root.rglob("*") if one.is_file())
        delivered = ((one.name, one.stat().st_size, _opener(one)) for one in files)
        package = (CASE_PACKAGE, len(case_package), lambda: BytesIO(case_package))
        found = tuple(self._each(chain([package], delivered), progress))
        for finding in found:
            if finding.code == MALWARE:
                signature = str(finding.facts["signature"])
                detail = f"the scanner found {signature}" if signature.isascii() else "the scanner found something"
                raise SecurityError("malware", detail, facts={"signature": signature})
        if not waived and any(finding.verdict is Verdict.HOLD for finding in found):
            raise PermanentError(MISSING, "a file could not be scanned for viruses")

    def _each(
        self, files: Iterable[tuple[str, int, Callable[[], IO[bytes]]]], progress: Callable[[int], None]
    ) -> Iterator[Finding]:
        scanner = Clamd(self.at)
        for name, size, opened in files:
            facts: dict[str, str | int] = {"file": name}
            try:
                if size > self.at.largest:
                    yield self._unscanned(name, is_held=self.when_too_large is WhenTooLarge.HOLD)
                    continue
                with opened() as stream:
                    said = scanner.scan(stream, progress)
            except TransientError as error:
                if error.code != DOWN or self.when_down is WhenDown.WAIT:
                    raise
                # Who does not answer now will not answer for the next thousand files either.
                yield self._unscanned(name, is_held=self.when_down is WhenDown.HOLD)
                return
            if said.signature:
                facts |= {"signature": said.signature}
                yield Finding(MALWARE, Verdict.REJECT, Place(name), mender="security", alarm=True, facts=facts)
                return
            if said.is_too_large:
                yield self._unscanned(name, is_held=self.when_too_large is WhenTooLarge.HOLD)

    @staticmethod
    def _unscanned(name: str, *, is_held: bool) -> Finding:
        verdict = Verdict.HOLD if is_held else Verdict.WARN
        return Finding("MALWARE-UNSCANNED", verdict, Place(name), mender="security", facts={"file": name})


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


class ScannerWatch:
    """Tells a person once a scanner has not answered for long, and when it answers again. One for the node; the threads
    of two legs call it."""

    def __init__(self, clock: Clock, ops: OpsLog, alarm_after: float) -> None:
        """alarm_after: seconds."""
        self._clock = clock
        self._ops = ops
        self._alarm_after = alarm_after
        self._silent_since: float | None = None
        self._is_told = False

    def heard(self, errors: Iterable[GatewayError | None]) -> None:
        """Take in what became of the exports or bundles of one batch."""
        found = list(errors)
        if any(error is not None and error.code == DOWN for error in found):
            self._silent()
        elif any(error is None for error in found):
            self._answered()

    def _silent(self) -> None:
        now = self._clock.now()
        if self._silent_since is None:
            self._silent_since = now
        if not self._is_told and now - self._silent_since >= self._alarm_after:
            self._is_told = True
            self._ops.alert("scanner-silent", seconds=int(now - self._silent_since))

    def _answered(self) -> None:
        if self._is_told:
            self._ops.info("scanner-answers-again")
        self._silent_since, self._is_told = None, False
