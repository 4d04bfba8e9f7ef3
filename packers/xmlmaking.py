"""Makes XML as case software writes it: two blanks a level, no empty elements, the same bytes for the same values."""

import re
from collections.abc import Mapping
from typing import Final

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no type information

_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0, 2.2: what no document may hold; a JSON text may."""


def element(above: etree._Element | None, tag: str, text: str = "", **attributes: str) -> etree._Element:
    """Return a new element below `above` with the attributes that have a value. What XML cannot hold becomes U+FFFD."""
    found = {name: _clean(value) for name, value in attributes.items() if value}
    made = etree.Element(tag, found) if above is None else etree.SubElement(above, tag, found)
    if text:
        made.text = _clean(text)
    return made


def leaves(above: etree._Element, values: Mapping[str, str]) -> None:
    """Add one element for each of `values` (tag -> text) that has a text."""
    for tag, text in values.items():
        if text:
            element(above, tag, text)


def drop_if_empty(made: etree._Element) -> None:
    """Take an element out again that says nothing."""
    if not (len(made) or made.text or made.attrib):
        made.getparent().remove(made)


def document_bytes(root: etree._Element) -> bytes:
    """Return `root` as a document in UTF-8 with its declaration."""
    etree.indent(root, "  ")
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n'
    return head + bytes(etree.tostring(root, encoding="utf-8")) + b"\n"


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
