"""NNCP: packets of files between two spools, over its own TCP daemon or through a folder that is carried."""

import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from benchmarks.figures import BenchmarkError
from benchmarks.peers.peer import Peer, tarred, untarred
from benchmarks.peers.site import Site
from benchmarks.steps import Command, Steps
from gateway.compose.setup import free_ports

_FIELDS = ("id", "exchpub", "exchprv", "signpub", "signprv", "noisepub", "noiseprv")
_PUBLIC = ("id", "exchpub", "signpub", "noisepub")
_SIDES = ("a", "b")
_PORT_SECONDS = 10.0
_LOOK_SECONDS = 0.005


class Nncp(Peer):
    """`nncp-file`, the way to the other spool, `nncp-ack` and `nncp-toss` there, and the acknowledgement back."""

    needs: ClassVar = {"nncp-file": "nncp", "zstd": "zstd", "tar": "tar"}

    def __init__(self, *, is_carried: bool) -> None:
        self.is_carried = is_carried
        self.name = "NNCP (folder)" if is_carried else "NNCP (TCP)"
        self._port = 0

    def prepare(self, site: Site) -> None:
        """Draw the keys of both sides and write their configurations."""
        port = site.root / "nncp-port"  # both ways share keys, spools and configurations
        if not port.exists():
            port.write_text(str(free_ports(1)[0]), "ascii")
            write_configurations(site, int(port.read_text("ascii")), "")
        self._port = int(port.read_text("ascii"))

    @contextmanager
    def serving(self, site: Site, steps: Steps) -> Iterator[None]:
        """Clear both spools; run the receiver's daemon."""
        clear(site)
        if self.is_carried:
            yield
            return
        with steps.served(nncp("daemon", site, "b", "-bind", f"127.0.0.1:{self._port}"), self._port, _PORT_SECONDS):
            yield

    def carry(self, site: Site, steps: Steps, cases: Sequence[Path]) -> None:
        """Pack all, go over once, acknowledge and unpack all, come back once."""
        for case in cases:
            steps.run(*tarred(case), nncp("file", site, "a", "-", f"b:{case.name}.tar.zst"))
        self._meet(site, steps, ("a", "b"))
        steps.run(nncp("ack", site, "b", "-all"))
        steps.run(nncp("toss", site, "b"))
        for case in cases:
            packed = _incoming(site, "b") / f"{case.name}.tar.zst"
            steps.run(["zstd", "-q", "-d", "-c", packed], untarred(site.final)[1])
            packed.unlink()
        self._meet(site, steps, ("b", "a"))
        steps.run(nncp("toss", site, "a"))
        left = [path for path in (spool(site, "a")).glob("*/tx/*") if path.is_file() and path.suffix != ".lock"]
        if left:
            raise BenchmarkError(f"NNCP left {len(left)} packets that nobody acknowledged")

    def _meet(self, site: Site, steps: Steps, order: Sequence[str]) -> None:
        if self.is_carried:
            for side in order:
                steps.run(nncp("xfer", site, side, "-mkdir", _carrier(site)))
        else:
            steps.run(nncp("call", site, "a", "-onlinedeadline", "1", "b"))


def nncp(program: str, site: Site, side: str, *arguments: str | Path) -> Command:
    """Return the command line of one of NNCP's programs at one side."""
    return [f"nncp-{program}", "-cfg", _folder(site, side) / "cfg.hjson", "-quiet", *arguments]


def spool(site: Site, side: str) -> Path:
    """Return the spool of one side."""
    return _folder(site, side) / "spool"


def clear(site: Site) -> None:
    """Empty both spools, and the folder between them."""
    for folder in (*(spool(site, s) for s in _SIDES), *(_incoming(site, s) for s in _SIDES), _carrier(site)):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)


def write_configurations(site: Site, port: int, calls: str) -> None:
    """Write the configurations of both sides, with new keys.

    calls: how side a calls side b by itself, in the words of NNCP's configuration; empty if it does not.
    """
    keys = {side: _keys(Steps("NNCP")) for side in _SIDES}
    for side, other in (_SIDES, _SIDES[::-1]):
        folder = _folder(site, side)
        folder.mkdir(exist_ok=True)
        more = f'addrs: {{lan: "127.0.0.1:{port}"}}\n{calls}' if side == "a" else ""
        (folder / "cfg.hjson").write_text(
            f"""{{
  spool: {spool(site, side)}
  log: {folder / "log"}
  self: {{
{_lines(keys[side], _FIELDS)}
  }}
  neigh: {{
    self: {{
{_lines(keys[side], _PUBLIC)}
      exec: {{}}
    }}
    {other}: {{
{_lines(keys[other], _PUBLIC)}
      incoming: {_incoming(site, side)}
{more}
    }}
  }}
}}
""",
            "utf-8",
        )
    clear(site)


def arrived(site: Site, name: str, patience: float) -> tuple[float, Path]:
    """Wait until a file stands in the receiver's folder; return when, in seconds since 1970, and where.

    Raises BenchmarkError after `patience` seconds.
    """
    path = _incoming(site, "b") / name
    until = time.monotonic() + patience
    while not path.exists():
        if time.monotonic() > until:
            raise BenchmarkError(f"NNCP did not deliver within {patience:.0f} s")
        time.sleep(_LOOK_SECONDS)
    return time.time(), path


def _keys(steps: Steps) -> dict[str, str]:
    told = steps.run(["nncp-cfgnew", "-nocomments"]).decode()
    own = re.search(r"self:\s*\{([^}]*)\}", told)
    found = dict(re.findall(r"(\w+):\s*(\S+)", own[1])) if own else {}
    if not found.keys() >= set(_FIELDS):
        raise BenchmarkError("nncp-cfgnew wrote no keys that are known here")
    return found


def _lines(values: dict[str, str], names: Sequence[str]) -> str:
    return "\n".join(f"      {name}: {values[name]}" for name in names)


def _folder(site: Site, side: str) -> Path:
    return site.root / f"nncp-{side}"


def _incoming(site: Site, side: str) -> Path:
    return _folder(site, side) / "in"


def _carrier(site: Site) -> Path:
    return site.root / "nncp-carrier"
