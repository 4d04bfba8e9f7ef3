"""A roster's content in any other form than its one is refused, whoever signed it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.bundle import canonical
from gateway.domain.records import Priority
from gateway.roster import codec
from gateway.roster.content import FlowClass, Permission, UnitName
from tests.support.rosters import SINCE, invented, roster_of

UNIT = replace(invented("990102000000"), names=(UnitName("court", "1", SINCE, None),))
WHOLE = codec.encode(
    replace(
        roster_of(UNIT),
        permissions=(Permission("arrest", "police", "court"),),
        classes=(FlowClass(1, "arrest", Priority.HIGH),),
    )
)

ODD: dict[str, tuple[Callable[[Any, Any], object], str]] = {
    "a claim that is no claim": (lambda _, key: key.update(compromised=0), "true or false"),
    "a rule for half a way": (lambda whole, _: whole["permissions"][0].pop(), "a row of 3"),
    "a class without its priority": (lambda whole, _: whole["classes"][0].pop(), "a row of 3"),
    "a code without its end": (lambda whole, _: whole["units"][0]["names"][0].pop(), "a row of 4"),
    "no role": (lambda whole, _: whole["units"][0].update(role=""), "role is empty"),
    "no name": (lambda whole, _: whole["units"][0].update(name=""), "printable"),
    "a name that moves the cursor": (lambda whole, _: whole["units"][0].update(name="\x1b[2J"), "printable"),
    "a name within blanks": (lambda whole, _: whole.update(province=" 省"), "printable"),
    "a key that is no base64": (lambda _, key: key.update(sign="*" + key["sign"][1:]), "not base64"),
    # The last digit before the padding of 32 bytes has two bits that decode to nothing.
    "a key in another form": (lambda _, key: key.update(sign=_with_spare_bits(key["sign"])), "its one form"),
}


def _with_spare_bits(written: str) -> str:
    assert written.endswith("=")
    return f"{written[:-2]}{chr(ord(written[-2]) + 1)}="


@pytest.mark.parametrize("what", ODD)
def test_content_in_another_form_is_refused(what: str) -> None:
    bend, words = ODD[what]
    whole = json.loads(WHOLE)
    bend(whole, whole["units"][0]["keys"][0])
    with pytest.raises(ValueError, match=words):
        codec.decode(canonical.encode(whole))
