"""Keeps the catalogue of texts: extract the originals, merge the translations, compile, and say what is missing.

python -m tests.support.catalogue make     write .pot, .po and .mo anew (`make words`)
python -m tests.support.catalogue check    exit 1 and say why if they are not what the sources say, or a word is missing
"""

import gettext
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from gateway.words import terms
from gateway.words.errors import ERRORS
from gateway.words.findings import FINDINGS
from gateway.words.language import CHINESE
from gateway.words.templates import fields
from tests.support import sources

LOCALE = sources.ROOT / "gateway" / "words" / "locale"
POT = LOCALE / "caseferry.pot"
PO = LOCALE / CHINESE / "LC_MESSAGES" / "caseferry.po"
MO = PO.with_suffix(".mo")

# The same sources give the same bytes, whenever and wherever the catalogue is made.
_THEN = datetime(2026, 1, 1, tzinfo=UTC)
_HEADER = "# Texts of CaseFerry. Originals are English; see docs/adr/0012-words.md."


def extract() -> Catalog:
    """Return the catalogue of originals, in the order of their text, each with the files that use it."""
    catalog = _empty(None)
    places: dict[str, set[str]] = {}
    for used in sources.texts(sources.trees()):
        places.setdefault(used.text, set()).add(used.place)
    for table in terms.TERMS:
        for text in table.values():
            places.setdefault(text, set()).add("gateway/words/terms.py")
    for text in sorted(places.keys() - {""}):
        catalog.add(text, locations=[(place, 0) for place in sorted(places[text])])
    return catalog


def merge(template: Catalog, old: Catalog) -> Catalog:
    """Return `template` with the translations of `old`; nothing is guessed from similar texts."""
    merged = _empty(CHINESE)
    for message in template:
        if message.id:
            known = old.get(message.id)
            merged.add(
                message.id,
                known.string if known else "",
                locations=message.locations,
                flags=known.flags & {"fuzzy"} if known else (),
                user_comments=known.user_comments if known else (),
            )
    return merged


def _empty(locale: str | None) -> Catalog:
    return Catalog(
        locale=locale,
        domain="caseferry",
        project="caseferry",
        version="1",
        header_comment=_HEADER,
        creation_date=_THEN,
        revision_date=_THEN,
        msgid_bugs_address="-",
        last_translator="-",
        language_team="-",
        fuzzy=False,
    )


def po_bytes(catalog: Catalog) -> bytes:
    """Return the catalogue as a .po file; without line numbers, so that moving code changes nothing."""
    out = io.BytesIO()
    write_po(out, catalog, width=0, include_lineno=False, sort_output=False)
    return out.getvalue()


def read(path: Path) -> Catalog:
    """Return the catalogue in a .po file, an empty one if there is none."""
    if not path.is_file():
        return _empty(CHINESE)
    with path.open("rb") as stream:
        return read_po(stream, locale=CHINESE, domain="caseferry")


def compiled(catalog: Catalog) -> bytes:
    """Return the catalogue as a .mo file."""
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def pairs(mo: bytes) -> dict[str, str]:
    """Return original -> translation of a .mo file, without its header."""
    table = vars(gettext.GNUTranslations(io.BytesIO(mo)))["_catalog"]
    return {original: text for original, text in table.items() if original}


def complaints(catalog: Catalog) -> Iterator[str]:
    """Yield what is wrong with the translations: none, fuzzy, or other fields than the original."""
    for message in catalog:
        if not message.id:
            continue
        if not message.string:
            yield f"untranslated: {message.id}"
        elif message.fuzzy:
            yield f"fuzzy: {message.id}"
        elif fields(message.id) != fields(message.string):
            yield f"other fields: {message.id} -> {message.string}"


def unexplained() -> Iterator[str]:
    """Yield the codes that the sources use and the tables of words do not explain."""
    modules = sources.trees()
    for table, used_codes in ((ERRORS, sources.error_codes(modules)), (FINDINGS, sources.finding_codes(modules))):
        for text, place in sorted({(used.text, f"{used.place}:{used.line}") for used in used_codes}):
            if text not in table:
                yield f"{place}: no words for {text}"


def stale() -> Iterator[str]:
    """Yield the files of the catalogue that are not what the sources say."""
    template = extract()
    for path, wanted in ((POT, po_bytes(template)), (PO, po_bytes(merge(template, read(PO))))):
        if not path.is_file() or path.read_bytes() != wanted:
            yield f"{path.relative_to(sources.ROOT)} is not up to date: run make words"
    if not MO.is_file() or pairs(MO.read_bytes()) != pairs(compiled(read(PO))):
        yield f"{MO.relative_to(sources.ROOT)} is not what its .po says: run make words"


def make() -> None:
    """Write .pot, .po and .mo anew."""
    template = extract()
    merged = merge(template, read(PO))
    PO.parent.mkdir(parents=True, exist_ok=True)
    POT.write_bytes(po_bytes(template))
    PO.write_bytes(po_bytes(merged))
    MO.write_bytes(compiled(merged))


def main(mode: str) -> int:
    """Do `make` or `check`; return the exit code."""
    if mode == "make":
        make()
    wrong = [*stale(), *complaints(read(PO)), *unexplained()]
    for line in wrong:
        print(line)
    return 1 if wrong and mode == "check" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
