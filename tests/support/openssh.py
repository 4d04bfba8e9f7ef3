"""A server on which OpenSSH serves a node's mailboxes: a real sshd, and accounts that only a mount namespace knows.

The accounts are made by systemd-sysusers in copies of /etc/passwd and the like, which only the processes started here
see: nothing of this machine is changed. Everything lies below /run, since OpenSSH locks nobody into a folder below one
that others may write in, as /tmp is.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.demo_nodes import POLICE, DemoNode
from gateway.transport.accounts import account_of
from tests.support.desk import run
from tests.support.nodes import Node, Pair, configure, eventually, make_pair, relink

ROOT = Path(__file__).parents[2]
ACCOUNT = account_of(POLICE)
OTHER = "990199"
"""A second guest, who has a mailbox and never calls."""
_AS_SERVICE = ("setpriv", "--reuid=caseferry", "--regid=caseferry", "--init-groups", "--no-new-privs")
_ETC = ("passwd", "group", "shadow", "gshadow")
_SBIN = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def cannot() -> str:
    """Return why this machine cannot run such a server, empty if it can."""
    if os.geteuid() != 0:
        return "OpenSSH locks guests into their mailboxes as root only; run the tests as root"
    for program in ("sshd", "unshare", "setpriv", "systemd-sysusers", "systemd-tmpfiles"):
        if shutil.which(program, path=_SBIN) is None:
            return f"{program} is not installed"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"no mount namespace may be made here ({tried.stderr.strip()})"


@dataclass(frozen=True)
class Village:
    """The police, who calls from outside, and the procuratorate's server with its sshd."""

    base: Path
    pair: Pair
    port: int
    log: Path

    @property
    def mailbox(self) -> Path:
        return self.base / "mailboxes" / POLICE

    def inside(self, *command: str | Path) -> list[str]:
        """Return the command line that runs `command` as root with the server's accounts."""
        return [*_entering(self.base), *map(str, command)]

    def run(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self.inside(*command), capture_output=True, text=True, check=False, env=_environment())

    def serve(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run one command under the account of the procuratorate's service."""
        config = self.pair.procuratorate.config
        return self.run(*_AS_SERVICE, self.base / "bin" / "caseferry", *arguments, "--config", config)

    def caseferry(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run one command of the procuratorate's administrator, who is root."""
        config = self.pair.procuratorate.config
        return self.run(self.base / "bin" / "caseferry", "openssh", *arguments, "--config", config)


class _Confined(DemoNode):
    """The procuratorate's daemon: under an account of its own, which may do nothing special."""

    def start(self) -> None:
        command = [
            *_entering(self.place.root.parent),
            *_AS_SERVICE,
            *(sys.executable, "-m", "gateway", "run", "--config", str(self.place.config)),
        ]
        with (self.place.root / "daemon.err").open("ab") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, env=_environment()
            )


@contextmanager
def village() -> Iterator[Village]:
    """Make everything as an administrator would, by what the commands print; end and remove it in any case."""
    base = Path(tempfile.mkdtemp(prefix="caseferry-", dir="/run"))
    with ExitStack() as stack:
        stack.callback(os.umask, os.umask(0o022))  # sshd's and the guests' accounts are to read what is made here
        stack.callback(shutil.rmtree, base, ignore_errors=True)
        base.chmod(0o755)
        made = _made(base)
        _prepare(made)
        stack.enter_context(_sshd(made))
        stack.callback(made.pair.stop)
        # Who is refused before the host has written down its guests asks again after ten minutes.
        made.pair.procuratorate.start()
        made.pair.police.start()
        yield made


def _made(base: Path) -> Village:
    pair = make_pair(base)
    police, host = pair.police, Node(_Confined(pair.procuratorate.daemon.place))
    pair = Pair(police, host)
    port = host.daemon.place.port
    configure(host, "server:\n", "server:\n  mode: openssh\n")
    configure(host, "paths:\n", f"paths:\n  mailboxes: {base}/mailboxes\n")
    relink(pair, host, "none")
    relink(pair, police, "both")
    configure(police, "sftp:\n", f"sftp:\n  user: {ACCOUNT}\n", "links.d/procuratorate.yaml")
    (host.config / "links.d" / "other.yaml").write_text(f'name: other\npeer: "{OTHER}"\ninitiate: none\n', "utf-8")
    return Village(base, pair, port, base / "sshd.log")


def _prepare(made: Village) -> None:
    base = made.base
    (base / "etc").mkdir()
    for name in _ETC:
        shutil.copy(Path("/etc") / name, base / "etc" / name)
    (base / "bin").mkdir()
    program = base / "bin" / "caseferry"
    program.write_text(f'#!/bin/sh\nexport PYTHONPATH={ROOT}\nexec {sys.executable} -m gateway "$@"\n')
    program.chmod(0o755)
    lines = base / "sysusers.conf"
    lines.write_text((ROOT / "systemd" / "caseferry.sysusers.conf").read_text() + _told(made, "sysusers"))
    _must(["systemd-sysusers", f"--root={base}", str(lines)])
    folders = base / "tmpfiles.conf"
    folders.write_text(_told(made, "sysusers", "--folders"))
    _must(made.inside("systemd-tmpfiles", "--create", folders))
    key = base / "host_key"
    _told(made, "hostkey", "--out", str(key))
    _must(made.inside("chown", "-R", "caseferry:caseferry", made.pair.procuratorate.root))
    config = base / "sshd_config"
    config.write_text(_told(made, "config", "--program", str(program), "--host-key", str(key)))


@contextmanager
def _sshd(made: Village) -> Iterator[None]:
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    program = shutil.which("sshd", path=_SBIN)
    assert program is not None
    with made.log.open("wb") as complaints:
        process = subprocess.Popen(
            made.inside(program, "-D", "-e", "-f", made.base / "sshd_config"), stderr=complaints, env=_environment()
        )
    try:
        eventually(lambda: b"Server listening" in made.log.read_bytes() or process.poll() is not None, "an sshd")
        assert process.poll() is None, made.log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(60)


def _told(made: Village, *arguments: str) -> str:
    done = run("openssh", *arguments, "--config", made.pair.procuratorate.config)
    assert done.code == 0, done.out + done.err
    return done.out


def _must(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
    assert done.returncode == 0, done.stdout + done.stderr


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": _SBIN, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}


def _entering(base: Path) -> list[str]:
    """Return what puts a command into the namespace: the server's accounts, and a Python that every account may run."""
    lines = [f"mount --bind {base}/etc/{name} /etc/{name}" for name in _ETC if (base / "etc" / name).exists()]
    lines += _opened(base, [Path(sys.base_prefix), Path(sys.prefix), ROOT])
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", "\n".join([*lines, 'exec "$@"']), "sh"]


def _opened(base: Path, wanted: Sequence[Path]) -> Iterator[str]:
    """Yield what makes folders reachable that lie in one of root's own, such as a Python below /root."""
    closed: dict[Path, list[Path]] = {}
    for path in wanted:
        for above in reversed(path.resolve().parents):
            if not above.stat().st_mode & 0o001:
                closed.setdefault(above, []).append(path.resolve())
                break
    for number, (above, paths) in enumerate(closed.items()):
        for place, path in enumerate(paths):
            yield f"mkdir -p {base}/hidden-{number}-{place}; mount --bind {path} {base}/hidden-{number}-{place}"
        yield f"mount -t tmpfs -o mode=755 tmpfs {above}"
        for place, path in enumerate(paths):
            yield f"mkdir -p {path}; mount --bind {base}/hidden-{number}-{place} {path}"
