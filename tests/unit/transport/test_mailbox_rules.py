"""What a guest of the embedded server may and may not do, asked by a raw client that keeps to no rules."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.domain.ids import wire_name
from gateway.transport import sftp_wire as wire
from gateway.transport.disk import HEAD_START, temp_name
from gateway.transport.sftp_session import RefusedError, SftpSession
from gateway.transport.sftp_wire import OPEN_EXCLUSIVE, OPEN_PART, OPEN_READ, Kind, Outcome, string

NAME = wire_name("0123456789abcdef0123456789abcdef.cfb")
TEMP = temp_name(NAME)
_WRITE, _APPEND, _CREATE, _TRUNCATE, _EXCLUSIVE = 0x02, 0x04, 0x08, 0x10, 0x20
# Packet types that our own client never sends (draft 02, section 3).
_LSTAT, _SETSTAT, _FSETSTAT, _MKDIR, _RMDIR, _REALPATH, _READLINK, _SYMLINK = 7, 9, 10, 14, 15, 16, 19, 20


def raw(session: SftpSession, kind: int, *fields: bytes) -> int:
    """Send a request of any kind and return the code of the status that answers it."""
    number = session.ask(kind, *fields)  # type: ignore[arg-type]  # kinds that our client does not know
    return session.settle(number)


def code_of(call: Callable[[], object]) -> int:
    try:
        call()
    except RefusedError as refused:
        return refused.code
    return Outcome.OK


def opening(session: SftpSession, path: bytes, flags: int) -> int:
    return code_of(lambda: session.handle(session.ask_open(path, flags)))


def put(session: SftpSession, data: bytes, temp: bytes = TEMP.encode()) -> bytes:
    handle = session.handle(session.ask_open(b"/in/" + temp, OPEN_EXCLUSIVE))
    session.answer(session.ask_write(handle, 0, data), Kind.OUTCOME)
    return handle


def close(session: SftpSession, handle: bytes) -> None:
    session.answer(session.ask(Kind.CLOSE, handle), Kind.OUTCOME)


def until(is_so: Callable[[], bool]) -> None:
    """The server cleans up when it notices the end of a line; it answers others meanwhile."""
    if not any(is_so() for _ in range(10_000)):
        pytest.fail("it has not cleaned up")


def is_gone(watcher: SftpSession, name: str) -> bool:
    return watcher.attributes_if_there(watcher.ask_stat(b"/in/" + name.encode())) is None


REFUSED = {Outcome.NO_SUCH_FILE, Outcome.PERMISSION_DENIED}
ESCAPES = [
    b"/etc/passwd",
    b"/in/../../330103000000/in/x",
    b"/out/../../../../../etc/passwd",
    b"../../etc/passwd",
    b"/..",
    b"/in/..",
    b"/out/./../../x",
    b"//etc//passwd",
    b"/in/a/b",
    b"/out/a/b",
    b"/330102000000/in/x",
    b"~root",
    b"/in/.",
    b"\x00",
    b"/out/x\x00y",
    b"/out/" + b"a" * 101,
    b"/out/" + b"a" * 3_000,
    b"/" * 400,
    "/out/笔录".encode("gbk"),
    "/out/笔录".encode(),
    b"/out/\xff\xfe",
    b"/out/with space",
    b"/out/-dash",
    b"/out/.hidden",
    b"/out/..part",
    b"C:\\windows",
    b"/out\\x",
    b"/OUT/x",
]


@pytest.mark.parametrize("path", ESCAPES)
def test_no_path_leads_out_of_the_mailbox(session: SftpSession, mailbox: Path, path: bytes) -> None:
    (mailbox / "out" / "-dash").write_bytes(b"x")
    (mailbox / "out" / ".hidden").write_bytes(b"x")
    (mailbox.parent / "x").write_bytes(b"x")
    if path.strip(b"/.") in {b"", b"in"} and b".." not in path:
        assert code_of(lambda: session.attributes(session.ask_stat(path))) == Outcome.OK
    else:
        assert code_of(lambda: session.attributes(session.ask_stat(path))) in REFUSED
        assert raw(session, _LSTAT, string(path)) in REFUSED
        assert raw(session, _REALPATH, string(path)) in REFUSED
    for flags in (OPEN_READ, OPEN_EXCLUSIVE, _WRITE | _CREATE | _TRUNCATE, _WRITE, OPEN_READ | _WRITE):
        assert opening(session, path, flags) in REFUSED
    assert raw(session, Kind.REMOVE, string(path)) in REFUSED
    handle = put(session, b"data")
    close(session, handle)
    for rename in (
        lambda: session.ask(Kind.RENAME, string(b"/in/" + TEMP.encode()), string(path)),
        lambda: session.extend(b"posix-rename@openssh.com", string(b"/in/" + TEMP.encode()), string(path)),
        lambda: session.ask(Kind.RENAME, string(path), string(b"/in/" + NAME.encode())),
    ):
        assert session.settle(rename()) in REFUSED
    assert [found.name for found in (mailbox / "in").iterdir()] == [TEMP]
    assert sorted(found.name for found in (mailbox / "out").iterdir()) == ["-dash", ".hidden"]
    assert (mailbox.parent / "x").read_bytes() == b"x"


@pytest.mark.parametrize("path", [b"", b".", b"/", b"//", b"/./", b"in", b"/in/", b"./out", b"/out//"])
def test_the_mailbox_and_its_folders_have_many_spellings(session: SftpSession, path: bytes) -> None:
    mode = session.attributes(session.ask_stat(path)).mode
    assert mode is not None
    assert stat.S_ISDIR(mode)


def test_the_root_shows_two_folders(session: SftpSession) -> None:
    assert sorted(item.name for item in session.names(b"/")) == [b"in", b"out"]


def test_what_was_deposited_is_not_listed(session: SftpSession, mailbox: Path) -> None:
    (mailbox / "in" / NAME).write_bytes(b"x")
    assert session.names(b"/in") == []


def test_a_file_cannot_be_listed(session: SftpSession, mailbox: Path) -> None:
    (mailbox / "out" / NAME).write_bytes(b"x")
    assert code_of(lambda: session.names(b"/out/" + NAME.encode())) == Outcome.NO_SUCH_FILE


def test_a_link_in_the_mailbox_leads_nowhere(session: SftpSession, mailbox: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    for folder in ("in", "out"):
        (mailbox / folder / NAME).symlink_to(secret)
        (mailbox / folder / TEMP).symlink_to(secret)
    assert session.names(b"/out") == []
    for path in (b"/out/" + NAME.encode(), b"/in/" + NAME.encode(), b"/in/" + TEMP.encode()):
        assert code_of(lambda path=path: session.attributes(session.ask_stat(path))) == Outcome.NO_SUCH_FILE
        assert opening(session, path, OPEN_READ) in REFUSED
        assert opening(session, path, OPEN_EXCLUSIVE) != Outcome.OK
        assert raw(session, Kind.REMOVE, string(path)) in REFUSED
    assert secret.read_bytes() == b"secret"


def test_a_deposit_is_created_for_writing_only_when_asked_to(session: SftpSession, mailbox: Path) -> None:
    path = b"/in/" + TEMP.encode()
    for flags in (_WRITE, _WRITE | _TRUNCATE, OPEN_PART, OPEN_READ, OPEN_READ | _CREATE):
        assert opening(session, path, flags) == Outcome.NO_SUCH_FILE
    close(session, put(session, b"data"))
    assert opening(session, path, OPEN_EXCLUSIVE) == Outcome.FAILURE
    assert (mailbox / "in" / TEMP).read_bytes() == b"data"
    assert stat.S_IMODE((mailbox / "in" / TEMP).stat().st_mode) == 0o600


def test_a_temporary_file_can_be_read_cut_and_continued(session: SftpSession, mailbox: Path) -> None:
    close(session, put(session, b"0123456789"))
    path = b"/in/" + TEMP.encode()
    reading = session.handle(session.ask_open(path, OPEN_READ))
    assert session.data(session.ask_read(reading, 2, 100)) == b"23456789"
    assert session.settle(session.ask_write(reading, 0, b"x")) == Outcome.PERMISSION_DENIED
    close(session, reading)
    handle = session.handle(session.ask_open(path, OPEN_PART))
    assert session.data(session.ask_read(handle, 0, 100)) == b"0123456789"
    assert raw(session, Kind.FSETSTAT, handle, wire.size_attribute(11)) == Outcome.PERMISSION_DENIED
    assert raw(session, Kind.FSETSTAT, handle, wire.size_attribute(4)) == Outcome.OK
    session.answer(session.ask_write(handle, 4, b"four"), Kind.OUTCOME)
    assert session.data(session.ask_read(handle, 0, 100)) == b"0123"  # what was there before, and is still
    close(session, handle)
    assert (mailbox / "in" / TEMP).read_bytes() == b"0123four"


def test_a_temporary_file_can_be_begun_anew_and_appended_to(session: SftpSession, mailbox: Path) -> None:
    path = b"/in/" + TEMP.encode()
    for flags, data in ((_WRITE | _CREATE | _TRUNCATE, b"abc"), (_WRITE | _CREATE | _APPEND, b"def")):
        handle = session.handle(session.ask_open(path, flags))
        session.answer(session.ask_write(handle, 0, data), Kind.OUTCOME)
        close(session, handle)
    assert (mailbox / "in" / TEMP).read_bytes() == b"abcdef"
    close(session, session.handle(session.ask_open(path, _WRITE | _TRUNCATE | _CREATE)))
    assert (mailbox / "in" / TEMP).read_bytes() == b""


@pytest.mark.parametrize(
    ("writes", "kept"),
    [
        ([(0, b"ab"), (4, b"ef")], b"ab"),
        ([(4, b"ef"), (2, b"cd"), (0, b"ab")], b"abcdef"),
        ([(1, b"x"), (5, b"x"), (0, b"a"), (3, b"x")], b"ax"),
        ([(2, b"cdef"), (1, b"b")], b""),
    ],
)
def test_a_file_never_has_holes(
    session: SftpSession, mailbox: Path, writes: list[tuple[int, bytes]], kept: bytes
) -> None:
    handle = session.handle(session.ask_open(b"/in/" + TEMP.encode(), OPEN_EXCLUSIVE))
    for offset, data in writes:
        session.answer(session.ask_write(handle, offset, data), Kind.OUTCOME)
    close(session, handle)
    assert (mailbox / "in" / TEMP).read_bytes() == kept


def test_gaps_are_few(session: SftpSession, mailbox: Path) -> None:
    handle = session.handle(session.ask_open(b"/in/" + TEMP.encode(), OPEN_EXCLUSIVE))
    codes = [session.settle(session.ask_write(handle, 10 * number, b"x")) for number in range(1, 300)]
    assert codes == [Outcome.OK] * 256 + [Outcome.FAILURE] * 43


def test_a_file_cannot_be_copied_into_itself_without_end(session: SftpSession, mailbox: Path) -> None:
    close(session, put(session, b"0123"))
    handle = session.handle(session.ask_open(b"/in/" + TEMP.encode(), OPEN_PART))
    copying = session.extend(b"copy-data", handle, wire.u64(0), wire.u64(0), handle, wire.u64(4))
    assert session.settle(copying) == Outcome.OK
    close(session, handle)
    assert (mailbox / "in" / TEMP).read_bytes() == b"01230123"


@pytest.mark.parametrize(
    "name", [NAME.encode(), b".x", b".part", b"..part", b".a b.part", b"." + b"a" * 101 + b".part"]
)
def test_only_temporary_names_can_be_created(session: SftpSession, mailbox: Path, name: bytes) -> None:
    assert opening(session, b"/in/" + name, OPEN_EXCLUSIVE) in REFUSED
    assert list((mailbox / "in").iterdir()) == []


def test_nothing_can_be_created_in_what_is_collected(session: SftpSession, mailbox: Path) -> None:
    for name in (NAME, TEMP):
        assert opening(session, b"/out/" + name.encode(), OPEN_EXCLUSIVE) == Outcome.PERMISSION_DENIED
    assert list((mailbox / "out").iterdir()) == []


def test_what_was_deposited_cannot_be_read_overwritten_renamed_or_removed(session: SftpSession, mailbox: Path) -> None:
    handle = put(session, b"data")
    assert session.data(session.ask_read(handle, 0, 10)) == b""
    close(session, handle)
    final, temp = b"/in/" + NAME.encode(), b"/in/" + TEMP.encode()
    assert session.settle(session.ask_rename(temp, final)) == Outcome.OK
    for flags in (OPEN_READ, _WRITE, _WRITE | _TRUNCATE, _WRITE | _APPEND, OPEN_EXCLUSIVE):
        assert opening(session, final, flags) == Outcome.PERMISSION_DENIED
    assert raw(session, Kind.REMOVE, string(final)) == Outcome.PERMISSION_DENIED
    assert session.settle(session.ask_rename(final, temp)) == Outcome.PERMISSION_DENIED
    assert session.settle(session.ask_rename(final, b"/out/" + NAME.encode())) == Outcome.PERMISSION_DENIED
    assert session.attributes(session.ask_stat(final)).size == 4
    close(session, put(session, b"other"))
    for rename in (Kind.RENAME, None):
        ask = (
            session.ask(rename, string(temp), string(final)) if rename is not None else session.ask_rename(temp, final)
        )
        assert session.settle(ask) == Outcome.FAILURE
    assert (mailbox / "in" / NAME).read_bytes() == b"data"
    assert session.settle(session.ask(Kind.REMOVE, string(temp))) == Outcome.OK


def test_a_temporary_name_becomes_its_own_wire_name_only(session: SftpSession, mailbox: Path) -> None:
    close(session, put(session, b"data"))
    other = b"/in/fedcba9876543210fedcba9876543210.cfb"
    assert session.settle(session.ask_rename(b"/in/" + TEMP.encode(), other)) == Outcome.PERMISSION_DENIED
    assert [found.name for found in (mailbox / "in").iterdir()] == [TEMP]


def test_what_was_sent_ahead_becomes_a_part_and_nothing_else(session: SftpSession, mailbox: Path) -> None:
    ahead, part = b"/in/" + HEAD_START.encode(), b"/in/" + TEMP.encode()
    close(session, put(session, b"all of it", HEAD_START.encode()))
    assert session.settle(session.ask_rename(ahead, b"/in/" + NAME.encode())) == Outcome.PERMISSION_DENIED
    assert session.settle(session.ask_rename(ahead, ahead)) == Outcome.PERMISSION_DENIED
    assert session.settle(session.ask_rename(ahead, part)) == Outcome.OK
    assert session.settle(session.ask_rename(part, ahead)) == Outcome.PERMISSION_DENIED
    assert session.settle(session.ask_rename(part, b"/in/" + NAME.encode())) == Outcome.OK
    assert (mailbox / "in" / NAME).read_bytes() == b"all of it"


def test_what_was_sent_ahead_goes_with_its_line_whatever_its_size(
    session: SftpSession, mailbox: Path, log_in: Callable[[], SftpSession]
) -> None:
    handle = session.handle(session.ask_open(b"/in/" + HEAD_START.encode(), OPEN_EXCLUSIVE))
    block = b"x" * (200 << 10)
    for number in range(1, 300):  # more than the stretches that may lie beyond a gap: they are one
        session.answer(session.ask_write(handle, number * len(block), block), Kind.OUTCOME)
    session.answer(session.ask_write(handle, 0, block), Kind.OUTCOME)
    session.close()
    watcher = log_in()
    until(lambda: is_gone(watcher, HEAD_START))
    assert list((mailbox / "in").iterdir()) == []


def test_what_is_collected_cannot_be_changed(session: SftpSession, mailbox: Path) -> None:
    (mailbox / "out" / NAME).write_bytes(b"data")
    path = b"/out/" + NAME.encode()
    handle = session.handle(session.ask_open(path, OPEN_READ))
    assert session.settle(session.ask_write(handle, 0, b"evil")) == Outcome.PERMISSION_DENIED
    for flags in (_WRITE, _WRITE | _TRUNCATE, OPEN_READ | _WRITE, OPEN_READ | _CREATE):
        assert opening(session, path, flags) == Outcome.PERMISSION_DENIED
    assert session.settle(session.ask_rename(path, b"/in/" + NAME.encode())) == Outcome.PERMISSION_DENIED
    close(session, handle)
    assert (mailbox / "out" / NAME).read_bytes() == b"data"


def test_everything_else_of_the_protocol_is_unknown(session: SftpSession, mailbox: Path) -> None:
    (mailbox / "out" / NAME).write_bytes(b"data")
    path, new = string(b"/out/" + NAME.encode()), string(b"/in/" + NAME.encode())
    unsupported = 8
    assert raw(session, _MKDIR, string(b"/in/folder"), wire.NO_ATTRIBUTES) == unsupported
    assert raw(session, _RMDIR, string(b"/out")) == unsupported
    assert raw(session, _READLINK, path) == unsupported
    assert raw(session, _SYMLINK, path, new) == unsupported
    assert raw(session, Kind.EXTENDED, string(b"hardlink@openssh.com"), path, new) == unsupported
    assert raw(session, Kind.EXTENDED, string(b"expand-path@openssh.com"), path) == unsupported
    assert raw(session, 250, path) == unsupported
    assert sorted(found.name for found in (mailbox / "out").iterdir()) == [NAME]


def test_modes_and_times_are_ignored_and_sizes_refused(session: SftpSession, mailbox: Path) -> None:
    handle = put(session, b"data")
    mode, size = wire.u32(4) + wire.u32(0o777), wire.u32(1) + wire.u64(1 << 40)
    assert raw(session, _FSETSTAT, handle, mode) == Outcome.OK
    assert raw(session, _FSETSTAT, handle, size) == Outcome.PERMISSION_DENIED
    assert raw(session, _SETSTAT, string(b"/in/" + TEMP.encode()), mode) == Outcome.OK
    assert raw(session, _SETSTAT, string(b"/in/" + TEMP.encode()), size) == Outcome.PERMISSION_DENIED
    close(session, handle)
    found = (mailbox / "in" / TEMP).stat()
    assert (found.st_size, stat.S_IMODE(found.st_mode)) == (4, 0o600)


def test_attributes_tell_nothing_about_the_host(session: SftpSession, mailbox: Path) -> None:
    (mailbox / "out" / NAME).write_bytes(b"data")
    (mailbox / "out" / NAME).chmod(0o4755)
    [item] = session.names(b"/out")
    assert (item.attributes.size, item.attributes.mode) == (4, stat.S_IFREG | 0o600)


def test_handles_are_few(session: SftpSession, mailbox: Path) -> None:
    (mailbox / "out" / NAME).write_bytes(b"data")
    path = b"/out/" + NAME.encode()
    handles = [session.handle(session.ask_open(path, OPEN_READ)) for _ in range(16)]
    assert opening(session, path, OPEN_READ) == Outcome.FAILURE
    close(session, handles[0])
    assert opening(session, path, OPEN_READ) == Outcome.OK


def test_a_read_is_bounded_whatever_was_asked(session: SftpSession, mailbox: Path) -> None:
    (mailbox / "out" / NAME).write_bytes(b"x" * (1 << 20))
    handle = session.handle(session.ask_open(b"/out/" + NAME.encode(), OPEN_READ))
    assert len(session.data(session.ask_read(handle, 0, 0xFFFFFFFF))) == 256 << 10
    assert session.data(session.ask_read(handle, 1 << 20, 10)) == b""
    assert session.data(session.ask_read(handle, 0xFFFFFFFFFFFFFFFF, 10)) == b""


def test_what_a_broken_line_left_behind_is_removed(
    session: SftpSession, mailbox: Path, log_in: Callable[[], SftpSession]
) -> None:
    put(session, b"half")
    finished = temp_name(wire_name("finished.cfb"))
    close(session, put(session, b"whole, but not renamed", finished.encode()))
    session.close()
    watcher = log_in()
    until(lambda: is_gone(watcher, TEMP))
    assert list((mailbox / "in").iterdir()) == []


def test_what_is_worth_continuing_survives_the_line(
    session: SftpSession, mailbox: Path, log_in: Callable[[], SftpSession]
) -> None:
    handle = session.handle(session.ask_open(b"/in/" + TEMP.encode(), OPEN_EXCLUSIVE))
    block = b"x" * (200 << 10)
    for number in range(6):
        session.answer(session.ask_write(handle, number * len(block), block), Kind.OUTCOME)
    # Beyond a gap, as a server may have it whose client sends out of order.
    session.answer(session.ask_write(handle, 20 * len(block), block), Kind.OUTCOME)
    session.close()
    path = b"/in/" + TEMP.encode()
    watcher = log_in()
    until(lambda: watcher.attributes(watcher.ask_stat(path)).size == 6 * len(block))
    assert (mailbox / "in" / TEMP).read_bytes() == block * 6


def test_who_lost_a_name_to_another_line_writes_no_more(
    session: SftpSession, mailbox: Path, log_in: Callable[[], SftpSession]
) -> None:
    handle = put(session, b"first")
    successor = log_in()
    taken = successor.handle(successor.ask_open(b"/in/" + TEMP.encode(), OPEN_PART))
    assert session.settle(session.ask_write(handle, 0, b"late")) == Outcome.PERMISSION_DENIED
    session.close()
    successor.answer(successor.ask_write(taken, 5, b" second"), Kind.OUTCOME)
    close(successor, taken)
    final = b"/in/" + NAME.encode()
    assert successor.settle(successor.ask_rename(b"/in/" + TEMP.encode(), final)) == Outcome.OK
    assert (mailbox / "in" / NAME).read_bytes() == b"first second"


def test_what_was_renamed_is_not_written_any_more(session: SftpSession, mailbox: Path) -> None:
    handle = put(session, b"data")
    assert session.settle(session.ask_rename(b"/in/" + TEMP.encode(), b"/in/" + NAME.encode())) == Outcome.OK
    assert session.settle(session.ask_write(handle, 0, b"evil")) == Outcome.PERMISSION_DENIED
    assert (mailbox / "in" / NAME).read_bytes() == b"data"


def test_a_taken_over_name_is_not_removed_with_the_line_that_had_it(
    session: SftpSession, mailbox: Path, log_in: Callable[[], SftpSession]
) -> None:
    put(session, b"from the line that breaks")
    successor = log_in()
    temp, final = b"/in/" + TEMP.encode(), b"/in/" + NAME.encode()
    assert successor.settle(successor.ask(Kind.REMOVE, string(temp))) == Outcome.OK
    handle = put(successor, b"from its successor")
    session.close()
    assert successor.names(b"/out") == []
    close(successor, handle)
    assert successor.settle(successor.ask_rename(temp, final)) == Outcome.OK
    assert {found.name: found.read_bytes() for found in (mailbox / "in").iterdir()} == {NAME: b"from its successor"}


def test_the_server_says_what_it_takes(session: SftpSession) -> None:
    assert session.write_block == session.read_block == 255 << 10
    for extension in (b"posix-rename@openssh.com", b"fsync@openssh.com", b"limits@openssh.com", b"statvfs@openssh.com"):
        assert session.offers(extension)


def test_a_mailbox_is_its_owners_alone(mailbox: Path) -> None:
    for folder in (mailbox, mailbox / "in", mailbox / "out"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_open_folders_are_few(session: SftpSession) -> None:
    handles = [session.handle(session.ask(Kind.OPENDIR, string(b"/out"))) for _ in range(16)]
    assert code_of(lambda: session.names(b"/out")) == Outcome.FAILURE
    for handle in handles:
        close(session, handle)
    for _ in range(40):
        assert session.names(b"/out") == []


@pytest.mark.parametrize("temp", [TEMP, HEAD_START])
def test_a_handle_kept_open_changes_nothing_that_was_renamed(session: SftpSession, mailbox: Path, temp: str) -> None:
    path = b"/in/" + temp.encode()
    kept = put(session, b"what was deposited", temp.encode())
    if temp == HEAD_START:
        session.answer(session.ask_rename(path, b"/in/" + TEMP.encode()), Kind.OUTCOME)
    session.answer(session.ask_rename(b"/in/" + TEMP.encode(), b"/in/" + NAME.encode()), Kind.OUTCOME)
    # The name is in use again, by the same session.
    put(session, b"something else", temp.encode())
    size = wire.size_attribute(3)
    refused = Outcome.PERMISSION_DENIED
    assert code_of(lambda: session.answer(session.ask_write(kept, 0, b"changed"), Kind.OUTCOME)) == refused
    assert raw(session, Kind.FSETSTAT, kept, size) == refused
    close(session, kept)
    assert (mailbox / "in" / NAME).read_bytes() == b"what was deposited"
