"""The page of the two formats names every field that the packers read and write."""

from pathlib import Path

from packers import police_fields, procuratorate_fields
from packers.police_fields import ROWS as POLICE_ROWS
from packers.procuratorate_fields import ROWS as PROCURATORATE_ROWS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "police-and-procuratorate.md").read_text("utf-8")


def test_every_field_of_both_formats_is_on_the_page() -> None:
    p, q = police_fields, procuratorate_fields
    tables = [p.CASE, p.PERSON, p.DOCUMENT, p.VOLUME, p.CATALOGUE, p.ENTRY, p.PROPERTY, p.VALUE]
    tables += [q.EXCHANGE, q.CASE, q.PERSON, q.DECISION, q.DOCUMENT, q.VOLUME, q.ENTRY, q.PROPERTY, q.VALUE]
    tables += [known for rows in (POLICE_ROWS, PROCURATORATE_ROWS) for _, known, _ in rows.values()]
    named = {f"`{tag}` {label}" for known in tables for tag, (_, label) in known.items()}
    named |= {f"{tag}` {label}" for tag, (_, _, label) in POLICE_ROWS.items()}
    named |= {f"{tag}[]` {label}" for tag, (_, _, label) in PROCURATORATE_ROWS.items()}
    assert [one for one in sorted(named) if one not in PAGE] == []
