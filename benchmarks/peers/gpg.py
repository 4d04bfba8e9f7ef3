"""`tar | zstd | gpg --sign --encrypt`, sftp, and the way back: what most people script first."""

from pathlib import Path
from typing import ClassVar

from benchmarks.peers.peer import Script, tarred, untarred
from benchmarks.peers.site import Site
from benchmarks.steps import Command, Steps

_SIDES = ("a", "b")
_KEY = """\
%no-protection
Key-Type: eddsa
Key-Curve: ed25519
Key-Usage: sign
Subkey-Type: ecdh
Subkey-Curve: cv25519
Subkey-Usage: encrypt
Name-Email: {side}@example.org
Expire-Date: 0
%commit
"""


class Gpg(Script):
    """GnuPG with keys on curve 25519; its own compression is off, because zstd has done that."""

    tools = "tar, zstd, gpg, sftp"
    needs: ClassVar = {"gpg": "gnupg", "gpg-agent": "gnupg", "zstd": "zstd", "tar": "tar", "sftp": "openssh-client"}
    ending = ".tzg"

    def prepare(self, site: Site) -> None:
        """Draw both key pairs, and let each side trust the other's."""
        if _home(site, "a").exists():
            return
        steps = Steps(self.name)
        public = {}
        for side in _SIDES:
            _home(site, side).mkdir(mode=0o700)
            steps.run(_gpg(site, side, "--gen-key"), told=_KEY.format(side=side).encode())
            public[side] = steps.run(_gpg(site, side, "--export", f"{side}@example.org"))
        for side, other in (_SIDES, _SIDES[::-1]):
            steps.run(_gpg(site, side, "--import"), told=public[other])
            told = steps.run(_gpg(site, side, "--with-colons", "--fingerprint", f"{other}@example.org")).decode()
            print_ = next(line.split(":")[9] for line in told.splitlines() if line.startswith("fpr"))
            steps.run(_gpg(site, side, "--import-ownertrust"), told=f"{print_}:6:\n".encode())

    def pack(self, site: Site, steps: Steps, case: Path) -> None:
        """Sign and encrypt."""
        to = ("-z", "0", "-u", "a@example.org", "-r", "b@example.org", "--sign", "--encrypt")
        steps.run(*tarred(case), _gpg(site, "a", *to), into=site.out / f"{case.name}{self.ending}")

    def unpack(self, site: Site, steps: Steps, packed: Path, into: Path) -> None:
        """Decrypt, which verifies the signature at its end."""
        steps.run(_gpg(site, "b", "-d", packed), *untarred(into))

    def receipt(self, site: Site, steps: Steps, name: str, listed: bytes) -> None:
        """Sign in the clear, send back, verify."""
        signed, back = site.signed / f"{name}.asc", site.receipts / f"{name}.asc"
        steps.run(_gpg(site, "b", "--clearsign", "-u", "b@example.org"), told=listed, into=signed)
        site.put(steps, signed, back)
        self.check(site, steps, steps.run(_gpg(site, "a", "-d", back)))

    def tidy(self, site: Site) -> None:
        """End the agents, which GnuPG starts by itself."""
        for side in _SIDES:
            Steps(self.name).run(["gpgconf", "--homedir", _home(site, side), "--kill", "all"])


def _home(site: Site, side: str) -> Path:
    # Short, because the agent's socket lies in it, whose name has at most 107 bytes.
    return site.root / f"g{side}"


def _gpg(site: Site, side: str, *arguments: str | Path) -> Command:
    return ["gpg", "--homedir", _home(site, side), "--quiet", "--batch", *arguments]
