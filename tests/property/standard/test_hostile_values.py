"""No value of any field stops the checks: a worker that dies of one export takes its neighbours with it."""

from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest

from gateway.packing import Reading, checked
from gateway.standard.package import CasePackage, Change, Charge, Decision, Measure, Person, Sentence, Source, Value
from tests.support.standard import STANDARD

DAY = date(2026, 3, 1)
VALUES = ("9999-12-31", "0001-01-01", "99999999", "2026-13-45", "２０２６-０１-０１", "²", "9" * 11, "9" * 5000)


def every(kind: type[Any], value: str, **other: Any) -> Any:
    return kind(**{one.name: value for one in fields(kind) if one.type in (str, "str")} | other)


@pytest.mark.parametrize("value", VALUES, ids=[value[:12] for value in VALUES])
def test_a_value_in_every_field_of_every_flow_is_checked(value: str) -> None:
    rows = {"decisions": Decision, "measures": Measure, "changes": Change, "sentences": Sentence, "charges": Charge}
    person = every(Person, value, **{name: (every(row, value),) for name, row in rows.items()})
    served = replace(person.sentences[0], kind="有期徒刑", term="三年")
    other = replace(person, birth_date="2010-01-01", sentences=(served,))
    found = 0
    for flow in STANDARD.flows(DAY):
        package = every(
            CasePackage,
            value,
            source=Source("police", "a.zip"),
            flow=flow.code,
            persons=(person, other),
            values=tuple(Value(name, value) for name in STANDARD.fields),
        )
        reading = Reading(package, (), (), is_understood=True, is_whole=False)
        found += len(checked(reading, STANDARD).findings)
    assert found > 100
