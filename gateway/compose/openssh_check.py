"""Whether this server is set up for OpenSSH as `caseferry openssh` says: accounts, owners, modes, sshd's own view."""

import grp
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from gateway.compose.guests import accounts_path
from gateway.compose.openssh import GUESTS, READER, Places, guests_of, sftp_command
from gateway.domain.errors import GatewayError
from gateway.domain.ids import UnitCode
from gateway.settings.load import Settings
from gateway.transport.accounts import account_of, load_accounts
from gateway.transport.hosted import IN, OUT
from gateway.transport.shared import IN_MODE, MAILBOX_MODE, OUT_MODE
from gateway.words.templates import mark

_SBIN = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_PATIENCE = 20.0
"""Seconds for sshd to tell its configuration."""
_WANTED = (
    ("disableforwarding", "yes"),
    ("permittty", "no"),
    ("permitrootlogin", "no"),
    ("passwordauthentication", "no"),
    ("kbdinteractiveauthentication", "no"),
    ("hostbasedauthentication", "no"),
    ("authenticationmethods", "publickey"),
    ("authorizedkeysfile", "none"),
    ("authorizedkeyscommanduser", READER),
    ("pubkeyacceptedalgorithms", "ssh-ed25519"),
    ("hostkeyalgorithms", "ssh-ed25519"),
    ("chrootdirectory", "%h"),
    ("forcecommand", sftp_command()),
)


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is not as it should be: an English original for the catalogue, and its facts."""

    text: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `wrong` None: it is as it should be."""

    subject: str
    wrong: Wrong | None = None


_ABSENT = Wrong(mark("is not there"))


def check_openssh(settings: Settings, places: Places, config: Path) -> list[Finding]:
    """Look at everything; config: the sshd's configuration file. sshd itself is asked only where this runs as root.

    Nothing is changed.
    """
    found = [*_above(settings.paths.mailboxes), *_accounts_file(settings, places)]
    found.append(_looked(f"group {GUESTS}", lambda: _none(grp.getgrnam(GUESTS))))
    found.append(_looked(f"account {READER}", lambda: _none(pwd.getpwnam(READER))))
    for unit in guests_of(settings):
        found += _guest(settings, places, unit)
    found += _program(places.program)
    found += _sshd(settings, places, config)
    return found


def _looked(subject: str, look: Callable[[], Wrong | None]) -> Finding:
    """Return what `look` says is wrong, None for nothing; what cannot be looked at is wrong as well."""
    try:
        return Finding(subject, look())
    except (KeyError, FileNotFoundError):
        return Finding(subject, _ABSENT)
    except OSError as error:
        return Finding(subject, Wrong(mark("cannot be read: {why}"), {"why": error.strerror}))
    except GatewayError as error:
        return Finding(subject, Wrong(mark("cannot be read: {why}"), {"why": error.detail}))


def _above(folder: Path) -> Iterator[Finding]:
    """What sshd refuses to lock anybody into: a folder, or one above it, that others than root may change."""
    for path in (folder, *folder.parents):
        yield _looked(str(path), partial(_roots_alone, path))


def _roots_alone(path: Path) -> Wrong | None:
    told = path.stat()
    if told.st_uid != 0:
        return _owner(told.st_uid, "root")
    return Wrong(mark("others than root may write in it")) if told.st_mode & 0o022 else None


def _program(program: Path) -> Iterator[Finding]:
    """What sshd refuses to run: a program that others than root may change."""
    yield _looked(str(program), lambda: None if os.access(program, os.X_OK) else Wrong(mark("cannot be run")))
    for path in (program, *program.parents):
        wrong = _looked(str(path), partial(_roots_alone, path))
        if wrong.wrong is not None:
            yield wrong


def _accounts_file(settings: Settings, places: Places) -> Iterator[Finding]:
    path = accounts_path(settings)
    yield _looked(str(path.parent), lambda: _like(path.parent, places.user, None, 0o755))

    def readable() -> Wrong | None:
        load_accounts(path)
        return None if path.stat().st_mode & stat.S_IROTH else Wrong(mark("{user} cannot read it"), {"user": READER})

    yield _looked(str(path), readable)


def _guest(settings: Settings, places: Places, unit: UnitCode) -> Iterator[Finding]:
    account, mailbox = account_of(unit), settings.paths.mailboxes / unit

    def known() -> Wrong | None:
        told = pwd.getpwnam(account)
        if told.pw_uid == 0:
            return Wrong(mark("is root"))
        if Path(told.pw_dir) != mailbox:
            return Wrong(mark("has the home {held}, not {wanted}"), {"held": told.pw_dir, "wanted": mailbox})
        if account not in grp.getgrnam(GUESTS).gr_mem:
            return Wrong(mark("lacks in the group {group}: {user}"), {"group": GUESTS, "user": account})
        if places.user not in grp.getgrnam(account).gr_mem:
            return Wrong(mark("lacks in the group {group}: {user}"), {"group": account, "user": places.user})
        return None

    yield _looked(f"account {account}", known)
    yield _looked(str(mailbox), lambda: _like(mailbox, "root", account, MAILBOX_MODE))
    yield _looked(str(mailbox / IN), lambda: _like(mailbox / IN, places.user, account, IN_MODE))
    yield _looked(str(mailbox / OUT), lambda: _like(mailbox / OUT, places.user, account, OUT_MODE))


def _like(path: Path, user: str, group: str | None, mode: int) -> Wrong | None:
    told = path.lstat()
    if not stat.S_ISDIR(told.st_mode):
        return Wrong(mark("is no folder"))
    if told.st_uid != pwd.getpwnam(user).pw_uid:
        return _owner(told.st_uid, user)
    if group is not None and told.st_gid != grp.getgrnam(group).gr_gid:
        return Wrong(mark("is of another group than {group}"), {"group": group})
    held = stat.S_IMODE(told.st_mode)
    return None if held == mode else _differs(f"{held:04o}", f"{mode:04o}")


def _sshd(settings: Settings, places: Places, config: Path) -> Iterator[Finding]:
    guests = guests_of(settings)
    program = shutil.which("sshd", path=_SBIN)
    if program is None:
        yield _looked("sshd", lambda: _ABSENT)
        return
    if os.geteuid() != 0 or not guests:
        return
    account = account_of(guests[0])
    asked = [program, "-T", "-f", str(config), "-C", f"user={account},host=localhost,addr=127.0.0.1"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603 - sshd of this machine, our own words
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Finding(str(config), Wrong(mark("cannot be read: {why}"), {"why": str(error)}))
        return
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[:300]
        yield Finding(str(config), Wrong(mark("sshd refuses it: {why}"), {"why": said}))
        return
    told = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    for name, wanted in _WANTED:
        held = told.get(name, "nothing")
        yield _looked(f"sshd {name}", partial(_same, held, wanted))
    command = told.get("authorizedkeyscommand", "")
    wanted = f"{places.program} openssh keys --accounts {accounts_path(settings)} %u %f"
    yield _looked("sshd authorizedkeyscommand", lambda: _same(command, wanted))


def _none(_there: object) -> None:
    """Say that nothing is wrong with what is there."""


def _same(held: str, wanted: str) -> Wrong | None:
    return None if held == wanted else _differs(held, wanted)


def _differs(held: str, wanted: str) -> Wrong:
    return Wrong(mark("is {held}, not {wanted}"), {"held": held, "wanted": wanted})


def _owner(uid: int, wanted: str) -> Wrong:
    return Wrong(mark("belongs to {held}, not to {wanted}"), {"held": _user(uid), "wanted": wanted})


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
