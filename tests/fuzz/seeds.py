"""Write the seeds of the targets into the corpus; for a new target, or after a change of a format."""

import sys

from tests.fuzz.catalogue import TARGETS
from tests.fuzz.files import CORPUS


def main(names: list[str]) -> None:
    """Write the seeds of the targets `names`, of all if none is named; what else is kept stays."""
    for name in names or TARGETS:
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        for seed, data in TARGETS[name].seeds().items():
            (folder / f"seed-{seed}").write_bytes(data)


if __name__ == "__main__":
    main(sys.argv[1:])
