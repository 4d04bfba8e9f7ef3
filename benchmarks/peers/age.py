"""`tar | zstd | age`, signed with `ssh-keygen -Y` because age signs nothing, sftp, and the way back."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from benchmarks.peers.peer import Script, tarred, untarred
from benchmarks.peers.site import Site, put
from benchmarks.steps import Steps

_SPACE = "exchange"


class Age(Script):
    """age with X25519 keys and an SSH signature beside each file."""

    tools = "tar, zstd, age, ssh-keygen, sftp"
    needs: ClassVar = {
        "age": "age",
        "age-keygen": "age",
        "ssh-keygen": "openssh-client",
        "zstd": "zstd",
        "tar": "tar",
        "sftp": "openssh-client",
    }
    ending = ".tza"

    def prepare(self, site: Site) -> None:
        """Draw the keys of both sides."""
        if (site.root / "age.key").exists():
            return
        steps = Steps(self.name)
        steps.run(["age-keygen", "-o", site.root / "age.key"])
        steps.run(["age-keygen", "-y", site.root / "age.key"], into=site.root / "age.pub")
        allowed = []
        for side in ("a", "b"):
            key = site.root / f"sign-{side}"
            steps.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", side, "-f", key])
            allowed.append(f"{side} {key.with_suffix('.pub').read_text('ascii')}")
        (site.root / "allowed").write_text("".join(allowed), "ascii")

    def pack(self, site: Site, steps: Steps, case: Path) -> None:
        """Encrypt, then sign what was encrypted."""
        packed = site.out / f"{case.name}{self.ending}"
        steps.run(*tarred(case), ["age", "-R", site.root / "age.pub"], into=packed)
        _sign(site, steps, "a", packed)

    def orders(self, packed: Path, target: Path) -> Sequence[str]:
        """Send the signature ahead."""
        return f'put "{packed}.sig" "{target}.sig"', *put(packed, target)

    def unpack(self, site: Site, steps: Steps, packed: Path, into: Path) -> None:
        """Verify, then decrypt."""
        _verify(site, steps, "a", packed)
        steps.run(["age", "-d", "-i", site.root / "age.key", packed], *untarred(into))

    def receipt(self, site: Site, steps: Steps, name: str, listed: bytes) -> None:
        """Sign beside, send both back, verify."""
        signed, back = site.signed / name, site.receipts / name
        signed.write_bytes(listed)
        _sign(site, steps, "b", signed)
        site.sftp(steps, *self.orders(signed, back))
        _verify(site, steps, "b", back)
        self.check(site, steps, back.read_bytes())


def _sign(site: Site, steps: Steps, side: str, file: Path) -> None:
    steps.run(["ssh-keygen", "-q", "-Y", "sign", "-f", site.root / f"sign-{side}", "-n", _SPACE, file])


def _verify(site: Site, steps: Steps, side: str, file: Path) -> None:
    known = ("-f", site.root / "allowed", "-I", side, "-n", _SPACE, "-s", Path(f"{file}.sig"))
    steps.run(["ssh-keygen", "-Y", "verify", *known], reading=file)
