"""Folders behind a gap device: whatever files lie there, what is fetched is a whole that its parts prove."""

import shutil
from collections.abc import Iterator, Mapping

from gateway.domain.ids import wire_name
from gateway.transport.gap import GapTransport
from gateway.transport.parts import HEADER, Header, Whole, parse_header
from tests.fuzz.places import place
from tests.fuzz.target import Draw, Target, attempt, piece
from tests.support.ledger import ToldClock

NAMES = tuple(wire_name(f"{digit * 32}.cfb") for digit in "0a")
FILES_MAX = 6
RAW, OTHER_NAME, FORGED, PLAIN = 1, 2, 4, 8
"""What a file is, by the bits before it: any bytes, not a part; of the second name; with a digest that is not its own;
called as a bundle is."""


def run_part(data: bytes) -> None:
    """Up to six files: how each is made, then its bytes, or the numbers and the content of a part."""
    root = place("part")
    folder, notes = root / "in", root / "notes"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(notes, ignore_errors=True)
    folder.mkdir()
    made = set()
    for number, (how, name, whole, raw) in enumerate(files(Draw(data))):
        header = parse_header(raw[:HEADER])
        assert header is None or header.pack() == raw[:HEADER]
        made |= {whole, header.whole if header else None}
        (folder / (name if how & PLAIN else f"{number}.dat")).write_bytes(raw)
    transport = GapTransport(None, folder, notes=notes, clock=ToldClock())
    listed = attempt(transport.listing) or []
    assert len({entry.name for entry in listed}) == len(listed)
    into = root / "into"
    for entry in listed:
        head = attempt(lambda entry=entry: transport.head(entry.name, 100))
        into.unlink(missing_ok=True)
        if attempt(lambda entry=entry: (transport.fetch(entry.name, into, entry.size),)):
            content = into.read_bytes()
            assert len(content) == entry.size
            # Two wholes of one name may show the one's beginning and hand out the other, which is then refused.
            assert head == content[:100] or len(made - {None}) > 1
    attempt(lambda: transport.remove(NAMES))
    attempt(transport.listing)


def files(draw: Draw) -> Iterator[tuple[int, str, Whole | None, bytes]]:
    """Yield how a file is made, the name of a bundle, the whole that it truly is a part of, and its bytes."""
    for _ in draw.while_any(FILES_MAX):
        how = draw.number()
        name = NAMES[bool(how & OTHER_NAME)]
        if how & RAW:
            yield how, name, None, draw.piece(2)
            continue
        whole = Whole(name, draw.number(2), draw.number(2) or 1)
        index, content = draw.number(), draw.piece()
        hasher = Header(whole, index, bytes(32)).hasher()
        hasher.update(content)
        digest = bytes(32) if how & FORGED else hasher.digest()
        yield how, name, whole, Header(whole, index, digest).pack() + content


def part_seeds() -> Mapping[str, bytes]:
    def part(how: int, total: int, stride: int, index: int, content: bytes) -> bytes:
        return bytes([how]) + total.to_bytes(2, "big") + stride.to_bytes(2, "big") + bytes([index]) + piece(content)

    set_of_two = part(0, 15, 10, 0, b"0123456789") + part(0, 15, 10, 1, b"abcde")
    raw = Header(Whole(NAMES[0], 3, 3), 0, bytes(32)).pack() + b"abc"
    return {
        "one": part(0, 3, 10, 0, b"abc"),
        "empty": part(0, 0, 10, 0, b""),
        "two": set_of_two,
        "doubled": set_of_two + part(0, 15, 10, 1, b"abcde") + part(FORGED, 15, 10, 0, b"0123456789"),
        "lacking": part(0, 15, 10, 0, b"0123456789"),
        "two-wholes": set_of_two + part(0, 3, 10, 0, b"abc") + part(OTHER_NAME, 3, 3, 0, b"xyz"),
        "plain": part(PLAIN, 3, 10, 0, b"abc") + bytes([RAW | PLAIN | OTHER_NAME]) + piece(b"bundle", 2),
        "raw": bytes([RAW]) + piece(raw, 2),
    }


TARGETS = (Target("part", run_part, part_seeds),)
