"""What SFTP knows and a mailbox has not: refused outright, whoever asks."""

from typing import NoReturn

import asyncssh


class MailboxServer(asyncssh.SFTPServer):
    """An SFTP server without folders to make, links, locks and the opening of later versions of the protocol."""

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> NoReturn:
        _refuse()

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> NoReturn:
        _refuse()

    def rmdir(self, path: bytes) -> NoReturn:
        _refuse()

    def readlink(self, path: bytes) -> NoReturn:
        _refuse()

    def symlink(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        _refuse()

    def link(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        _refuse()

    def lock(self, file_obj: object, offset: int, length: int, flags: int) -> NoReturn:
        _refuse()

    def unlock(self, file_obj: object, offset: int, length: int) -> NoReturn:
        _refuse()

    def fstatvfs(self, file_obj: object) -> NoReturn:
        _refuse()


def _refuse() -> NoReturn:
    raise asyncssh.SFTPOpUnsupported("not in a mailbox")
