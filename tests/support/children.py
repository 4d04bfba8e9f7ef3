"""Child processes of a test that see the system otherwise: small disks of their own, or less power than root has."""

import ctypes
import errno
import os
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_PRIVATE, _RECURSIVE = 1 << 18, 1 << 14
_LAZY = 2
_CAPABILITIES_V3 = 0x20080522
_REFUSED = 79
MIB = 1 << 20


def on_small_disks(disks: dict[Path, int], action: Callable[[], None]) -> None:
    """Run `action` in a forked child in which each folder of `disks` is a disk of so many bytes, empty at first.

    Fails with the child's traceback; skips where the system lets nobody mount.
    """
    _in_a_child(lambda: _own_mounts() and all(mount(folder, size) for folder, size in disks.items()), action)


def without_power(action: Callable[[], None]) -> None:
    """Run `action` in a forked child that may read and write only what its permissions allow, also where we are
    root."""
    _in_a_child(_give_up_power, action)


def mount(folder: Path, size: int) -> bool:
    """Put a disk of `size` bytes over `folder`; only inside `on_small_disks`. False if the system refuses."""
    if (
        ctypes.CDLL(None, use_errno=True).mount(
            b"none", os.fsencode(folder), b"tmpfs", 0, f"size={size},mode=700".encode()
        )
        == 0
    ):
        return True
    if ctypes.get_errno() == errno.EPERM:
        return False
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))


def unmount(folder: Path) -> None:
    """Take the disk off `folder` again; what the folder held beneath is seen once more."""
    if ctypes.CDLL(None, use_errno=True).umount2(os.fsencode(folder), _LAZY) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))


def free(folder: Path) -> int:
    """Return the bytes that the disk of `folder` still takes."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def fill(folder: Path, leaving: int) -> Path:
    """Write a file of ballast that leaves so many bytes of the disk of `folder` free, and return it."""
    ballast = folder / "ballast"
    with ballast.open("wb") as out:
        os.posix_fallocate(out.fileno(), 0, free(folder) - leaving)
    return ballast


def _in_a_child(prepare: Callable[[], bool], action: Callable[[], None]) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if prepare() else _REFUSED
            if status == 0:
                action()
        except BaseException:  # noqa: BLE001 - whatever it is, the child must end here and not in the test runner
            status = 1
            os.write(writing, traceback.format_exc().encode()[-60_000:])
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    _, ended = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(ended)
    if code == _REFUSED:
        pytest.skip("this system does not let a test do that")
    assert code == 0, said or f"the child ended with {code}"


def _own_mounts() -> bool:
    system = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if system.unshare(_NEW_MOUNTS) != 0:
        if ctypes.get_errno() != errno.EPERM or system.unshare(_NEW_MOUNTS | _NEW_USER) != 0:
            return False
        Path("/proc/self/setgroups").write_text("deny", "ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
    return bool(system.mount(b"none", b"/", None, _PRIVATE | _RECURSIVE, None) == 0)


def _give_up_power() -> bool:
    """Drop every capability of this process; permission bits then count for root as for everybody."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
    none = (ctypes.c_uint32 * 6)()
    return bool(ctypes.CDLL(None, use_errno=True).capset(header, none) == 0)
