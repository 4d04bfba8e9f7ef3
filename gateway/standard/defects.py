"""The numbers of the defects catalogue (docs/catalogue.md) by which operators and vendors quote a finding's code."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ROWS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "FS-NO-MARKER": (1,),
        "FS-MARKER-MISMATCH": (2,),
        "FS-ZERO-BYTE": (3,),
        "FS-LEFTOVER": (4,),
        "ZIP-TRUNCATED": (5,),
        "ZIP-CRC": (6,),
        "ZIP-ENCRYPTED": (7,),
        "ZIP-NAME-UNDECODABLE": (8,),
        "ZIP-PATH-TRAVERSAL": (9,),
        "ZIP-BACKSLASH": (10,),
        "ZIP-BOMB": (11,),
        "ZIP-NOT-ZIP": (12,),
        "ZIP-DUP-ENTRY": (13,),
        "NAME-SLASH-IN-TITLE": (14,),
        "NAME-TOO-LONG": (15,),
        "ENC-DECL-MISMATCH": (
            16,
            67,
        ),
        "ENC-GB2312-RARE": (17,),
        "ENC-REPLACEMENT": (18,),
        "ENC-PUA": (19,),
        "NAME-MIDDLE-DOT": (20,),
        "XML-MALFORMED": (21,),
        "XML-CONTROL-CHAR": (22,),
        "XML-DTD": (23,),
        "FIELD-MISSING": (24,),
        "ID-CHECKSUM": (25,),
        "ID-BIRTH-MISMATCH": (26,),
        "ID-SEX-MISMATCH": (27,),
        "ID-LOWERCASE-X": (28,),
        "ID-15-DIGIT": (29,),
        "ID-MISSING": (30,),
        "ID-DUPLICATE": (31,),
        "AGE-UNDER-16": (32,),
        "AGE-12-14": (33,),
        "DATE-ORDER": (
            34,
            54,
        ),
        "DATE-FUTURE": (35,),
        "DETENTION-LIMIT": (36,),
        "ORG-UNKNOWN": (37,),
        "CHG-MISMATCH": (38,),
        "CHG-INVESTIGATOR": (39,),
        "DOC-MISSING": (
            40,
            57,
        ),
        "DOC-LISTED-ABSENT": (41,),
        "DOC-UNLISTED": (42,),
        "DOC-CORRUPT": (43,),
        "DOC-TYPE": (
            44,
            56,
        ),
        "DOC-EDITABLE-ONLY": (45,),
        "DOC-PASSWORD": (46,),
        "SEC-LEVEL": (47,),
        "SEC-VOLUME": (48,),
        "PERSON-COUNT": (49,),
        "ENC-BOM": (50,),
        "JSON-SYNTAX": (51,),
        "JSON-DUP-KEY": (52,),
        "CORR-ORPHAN": (53,),
        "FS-INCOMPLETE": (55,),
        "TERM-ARITHMETIC": (58,),
        "EXEC-BEFORE-EFFECTIVE": (59,),
        "PRISON-FOUR-DOCS": (60,),
        "CASENO-FORMAT": (61,),
        "CSV-EXCEL-SCI": (62,),
        "CSV-DATE": (63,),
        "CSV-COLUMNS": (64,),
        "CSV-ROWCOUNT": (65,),
        "COMMUTATION-ORDER": (66,),
        "CSV-DUP-PRISONER": (68,),
        "ZIP-SYMLINK": (69,),
        "FS-GROWING": (70,),
        "FS-LOCKED": (71,),
        "FS-NO-SPACE": (72,),
        "SIZE-HOP-LIMIT": (73,),
        "MALWARE": (74,),
        "AV-NO-MOOV": (75,),
        "AV-PROPRIETARY": (76,),
        "DUP-SAME": (77,),
        "DUP-DIFFERENT": (78,),
        "FLOW-SUPP-3RD": (79,),
        "FLOW-EXT-LATE": (80,),
        "CUSTODY-EXPIRED": (81,),
        "JUV-SEALED": (82,),
        "WITNESS-PROTECT": (83,),
        "SIGN-INVALID": (84,),
        "CLOCK-SKEW": (85,),
        "SEQ-GAP": (86,),
        "ACK-TIMEOUT": (87,),
        "KEY-EXPIRED": (88,),
        "ROUTE-MISMATCH": (89,),
        "SOURCE-UPGRADE": (90,),
    }
)
"""Code -> its rows, of which some codes have two: the same defect in another agency's format."""

SYSTEMATIC: Final = frozenset({"ENC-DECL-MISMATCH", "ENC-BOM", "ZIP-BACKSLASH", "CSV-DATE"})
"""What a source's software does to every export alike and is mended without loss: told once a day (principle 5)."""

COUNT: Final = 90
"""Rows of the catalogue, D1 to D90."""


def rows_of(code: str) -> tuple[str, ...]:
    """Return the rows of a finding's code as they are quoted: `D34`, `D54`; nothing for codes beyond the catalogue."""
    return tuple(f"D{number}" for number in ROWS.get(code, ()))
