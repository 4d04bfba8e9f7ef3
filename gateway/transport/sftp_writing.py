"""Blocks of one file on their way to an SFTP server: bounded in number and bytes, large where the line is quick."""

import os
from collections import deque

from gateway.domain.clock import Clock
from gateway.transport.api import Progress
from gateway.transport.errors import fault, local_disk
from gateway.transport.sftp_session import REQUESTS, UNDER_WAY, SftpSession
from gateway.transport.sftp_wire import Kind

QUICK_SECONDS = 0.1
"""A block that was answered within so long lets the next one be large. UNDER_WAY bytes may be before it: so a line that
gets large blocks moves some 80 MB a second, or has nothing to do, and a stop, a pause or a sign of life waits for none
of them long."""


class Writing:
    """Used by one thread. What was written counts once it was answered, in the order in which it was sent."""

    def __init__(self, session: SftpSession, handle: bytes, clock: Clock, progress: Progress) -> None:
        """progress: told up to which byte the server has answered."""
        self._session = session
        self._handle = handle
        self._clock = clock
        self._progress = progress
        self._asked: deque[tuple[int, int, int, float]] = deque()
        self._under_way = 0
        self._is_quick = False

    def send(self, reader: int, at: int, end: int) -> int:
        """Send the next block of the file `reader`, from byte `at` and not beyond `end`; return where it ends.

        Raises what SftpSession.answer raises, and `local-io` for a file that ends before.
        """
        block = self._session.write_most if self._is_quick else self._session.write_block
        with local_disk():
            data = os.pread(reader, min(block, end - at), at)
        if not data:
            raise fault("local-io", f"the source ended after {at} of {end} bytes", reason="shrunk")
        self.write(at, data)
        return at + len(data)

    def write(self, at: int, data: bytes) -> None:
        """Have `data` written from byte `at` on."""
        while self._asked and (len(self._asked) == REQUESTS or self._under_way + len(data) > UNDER_WAY):
            self._answer()
        number = self._session.ask_write(self._handle, at, data)
        self._asked.append((number, at + len(data), len(data), self._clock.monotonic()))
        self._under_way += len(data)

    def settle(self) -> None:
        """Wait until all of it is answered."""
        while self._asked:
            self._answer()

    def _answer(self) -> None:
        number, end, length, sent_at = self._asked.popleft()
        self._session.answer(number, Kind.OUTCOME)
        self._under_way -= length
        self._is_quick = self._clock.monotonic() - sent_at < QUICK_SECONDS
        self._progress(end)
