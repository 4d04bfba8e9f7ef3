"""Where inputs lie: those that are kept with the code, and those of the machine that fuzzes."""

from collections.abc import Mapping
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
"""One folder for each target; committed."""
CORPUS_MAX = 1 << 20
"""Bytes of all of it: it is read in every test run and lives in every clone."""
WORKING = Path(__file__).resolve().parents[2] / ".fuzz"
"""What long runs found, on this machine only: `<target>/found` and `<target>/crashes`."""


def kept(name: str) -> Mapping[str, bytes]:
    """Return file name -> input of what is kept for the target `name`."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / name).iterdir()) if path.name[0] != "."}
