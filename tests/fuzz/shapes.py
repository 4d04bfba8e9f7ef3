"""Shapes of inputs: the canonical form of what is nearly JSON, changes that keep it JSON, and words."""

import json
import random
from collections.abc import Iterator, Sequence

Trail = tuple[str | int, ...]
_ODD = (
    *(None, True, False, 0, 1, -1, 255, 2**31, 2**53 - 1, 2**53, 2**63, 2**64, 10**30),
    *("", "x", "00", "ab" * 32, "0a" * 16, "990101", "../x", "a/b", "\u202e", "\ud800", "é", "é", "\0", "😀" * 9),
    *([], {}, [[]], {"": []}, [0] * 9),
)


def canonical_form(text: bytes) -> bytes:
    """Return the one form of the JSON in `text` that our readers accept; `text` itself if it is none."""
    try:
        value = json.loads(text)
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return text


def changed(text: bytes, rng: random.Random) -> bytes | None:
    """Return the JSON in `text` with one to three things in it changed; None if it is none."""
    try:
        value = json.loads(text)
        for _ in range(rng.randint(1, 3)):
            value = _with_change(value, rng)
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
            "utf-8", "surrogatepass"
        )
    except (ValueError, RecursionError):
        return None


def _with_change(value: object, rng: random.Random) -> object:
    trail = rng.choice(list(_trails(value)))
    if not trail:
        return _odd(value, rng)
    holder = value
    for step in trail[:-1]:
        holder = holder[step]  # type: ignore[index]  # the steps were taken from this very value
    assert isinstance(holder, dict | list)
    last = trail[-1]
    match rng.randrange(4):
        case 0:
            del holder[last]  # type: ignore[arg-type]  # as above
        case 1 if isinstance(holder, list):
            holder.insert(int(last), _odd(holder[int(last)], rng))
        case 1:
            holder[str(_odd(last, rng))] = holder[last]  # type: ignore[index]  # as above
        case _:
            holder[last] = _odd(holder[last], rng)  # type: ignore[index]  # as above
    return value


def _trails(value: object, trail: Trail = ()) -> Iterator[Trail]:
    yield trail
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        yield from _trails(one, (*trail, step))


def _odd(value: object, rng: random.Random) -> object:
    """Another value: near the old one, or one of those that readers stumble over."""
    if isinstance(value, int) and rng.random() < 0.5:
        return value + rng.choice((-1, 1, 2, 256))
    if isinstance(value, str) and rng.random() < 0.5:
        at = rng.randint(0, len(value))
        return value[:at] + rng.choice(("", "0", "f", ".", "/", " ", "ü", "\n")) + value[at + rng.randint(0, 2) :]
    if isinstance(value, list) and value and rng.random() < 0.5:
        return [*value, rng.choice(value)]
    return rng.choice(_ODD)


def dictionary(words: Sequence[bytes]) -> str:
    """Return `words` as a file that the fuzzer reads."""
    spelt = ("".join(f"\\x{byte:02x}" for byte in word) for word in words)
    return "".join(f'"{word}"\n' for word in spelt)
