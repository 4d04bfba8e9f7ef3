"""What a node remembers of a case package names nobody, whatever its source wrote into which field."""

import pytest

from gateway.standard import fields
from gateway.standard.matter import matter_of, to_bytes
from gateway.standard.package import CasePackage, Charge, Decision, Handler, Person, Source, Value
from gateway.standard.pseudonyms import PseudonymKey
from tests.support.standard import STANDARD

KEY = PseudonymKey(bytes(32))
NAMES = ("张三丰", "王经办", "赵律师", "330102199001011234", "13812345678")


def test_sentences_in_fields_of_codes_name_nobody() -> None:
    told = Value("exec-result", "已对张三丰(330102199001011234)执行, 王经办 13812345678")
    person = Person(
        name="张三丰",
        id_no="330102199001011234",
        charges=(Charge(name="张三丰涉嫌的罪"),),
        decisions=(Decision(kind="张三丰不批准", name="不批准逮捕张三丰", day="2026-03-01"),),
        values=(told,),
    )
    for flow in ("arrest-decision", "arrest-execution"):
        package = CasePackage(
            Source("police", "a.zip"),
            flow=flow,
            handler=Handler("王经办", "13812345678"),
            values=(told, Value("lawyer-name", "赵律师"), Value("stage-result", "赵律师已阅卷")),
            persons=(person,),
        )
        raw = to_bytes(matter_of(package, STANDARD, KEY)).decode()
        assert [name for name in NAMES if name in raw] == []
        assert "张**" in raw


def test_a_batch_of_twice_as_many_takes_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    def counted(place: str, value: str, person: int | None = None) -> fields.FieldValue:
        nonlocal looked
        looked += 1
        return fields_value(place, value, person)

    fields_value = fields.FieldValue
    monkeypatch.setattr(fields, "FieldValue", counted)
    counts = []
    for size in (100, 200):
        looked = 0
        package = CasePackage(Source("prison", "b.csv"), flow="commutation-parole-request", persons=(Person(),) * size)
        matter_of(package, STANDARD, KEY)
        counts.append(looked)
    assert counts[1] < 3 * counts[0]
