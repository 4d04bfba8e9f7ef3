"""Reads a remote file in order with many reads under way, in bounded memory."""

from collections import deque
from collections.abc import Iterator

from gateway.transport.sftp_session import REQUESTS, UNDER_WAY, SftpSession


def blocks(session: SftpSession, handle: bytes, size: int) -> Iterator[bytes]:
    """Yield the first `size` bytes of the file behind `handle`, in order; fewer if it ends before.

    At most UNDER_WAY bytes are asked for ahead. Raises what SftpSession.data raises.
    """
    depth = max(2, min(REQUESTS, UNDER_WAY // session.read_block))
    asked: deque[tuple[int, int, int]] = deque()
    next_offset = 0
    while True:
        while next_offset < size and len(asked) < depth:
            length = min(session.read_block, size - next_offset)
            asked.append((session.ask_read(handle, next_offset, length), next_offset, length))
            next_offset += length
        if not asked:
            return
        number, offset, length = asked.popleft()
        while length:
            block = session.data(number)[:length]
            if not block:
                return
            yield block
            offset += len(block)
            length -= len(block)
            if length:
                # The server may answer with less than was asked for (draft 02, section 6.4).
                number = session.ask_read(handle, offset, length)
