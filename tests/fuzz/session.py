"""One session of atheris on one target, in a process of its own: it leaves by the fuzzer's own exit."""

import argparse
import os
import random
import resource
import sys
import time
from pathlib import Path

import atheris

from tests.fuzz.files import CORPUS
from tests.fuzz.shapes import changed, dictionary

ADDRESS_SPACE = 4 << 30
"""Bytes; no input may need more, whatever a library allocates beside Python."""
RESIDENT_MIB = 1024
HANG_SECONDS = 20
"""Wall-clock time after which one input counts as a hang; the target's own bound is counted in processor time."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("found", type=Path, help="folder of the inputs that reach something new")
    parser.add_argument("crashes", type=Path, help="folder of the inputs that break a promise")
    parser.add_argument("--seconds", type=int, required=True)
    arguments = parser.parse_args()
    # Only what is imported here is instrumented.
    with atheris.instrument_imports(include=["gateway", "packers"], enable_loader_override=False):
        from tests.fuzz.catalogue import TARGETS
    target = TARGETS[arguments.name]
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))

    def one(data: bytes) -> None:
        began = time.thread_time()
        target.run(data)
        spent = time.thread_time() - began
        assert spent <= target.cpu, f"{spent:.2f} s for {len(data)} bytes"

    def mutated(data: bytes, longest: int, seed: int) -> bytes:
        rng = random.Random(seed)
        at = target.json_at
        if at is not None and rng.random() < 0.6:
            text = changed(data[at:], rng)
            if text is not None and len(text) + at <= longest:
                return data[:at] + text
        return bytes(atheris.Mutate(data, longest))

    words = arguments.found.with_name("words.txt")
    words.write_text(dictionary(target.words))
    options = [
        f"-max_total_time={arguments.seconds}",
        f"-max_len={target.longest}",
        f"-timeout={HANG_SECONDS}",
        f"-rss_limit_mb={RESIDENT_MIB}",
        f"-artifact_prefix={arguments.crashes}{os.sep}",
        *([f"-dict={words}"] if target.words else []),  # an empty one is refused
        "-print_final_stats=1",
        "-use_value_profile=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(arguments.found), str(CORPUS / target.name)], one, custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
