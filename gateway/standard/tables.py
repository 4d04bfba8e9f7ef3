"""The packaged tables of the exchange standard: offences, and what each flow requires."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from gateway.standard.findings import Verdict


@dataclass(frozen=True, slots=True)
class ChargeRule:
    """What is known of one offence. Ages in full years; `with_approval` 0 where the law has no such case."""

    name: str
    article: str
    age: int
    by: str
    with_approval: int = 0
    code: str = ""


@dataclass(frozen=True, slots=True)
class ConditionalDocument:
    """A document required only `when` the case has it: `detained` or `juvenile`."""

    when: str
    title: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class FlowRule:
    """What a case package of one flow must have."""

    fields: tuple[str, ...]
    person_fields: tuple[str, ...]
    documents: tuple[str, ...]
    documents_if: tuple[ConditionalDocument, ...]
    dossier: bool
    key: tuple[str, ...]
    """What identifies one export of the flow, beside flow and recipient (gateway/standard/business.py)."""


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables; `flows` by flow slug."""

    charges: tuple[ChargeRule, ...]
    flows: Mapping[str, FlowRule]

    def charge_by_code(self, code: str) -> ChargeRule | None:
        """Return the offence that has `code` in the sender's scheme."""
        return next((c for c in self.charges if c.code and c.code == code), None)

    def charge_by_name(self, name: str) -> ChargeRule | None:
        """Return the offence called `name`, or whose choice `name` is a part of (贩卖毒品罪)."""
        return next((c for c in self.charges if c.name == name or _is_choice(name, c.name)), None)


def _is_choice(part: str, whole: str) -> bool:
    """Whether `part` names one or several of the choices in `whole`: 贩卖毒品罪 in 走私、贩卖、运输、制造毒品罪."""
    if "、" not in whole or not part.endswith("罪") or len(part) < 3:
        return False
    # The choices share either the end (毒品罪) or nothing; every piece of the part must stand in the whole, in order.
    at = 0
    for piece in part.replace("、", ""):
        at = whole.find(piece, at) + 1
        if at == 0:
            return False
    return part[0] in {c[0] for c in whole.split("、")} and whole[-3:] == part[-3:]


@cache
def load_tables() -> Tables:
    """Return the tables as packaged; read once."""
    charges = _yaml("charges.yaml")["charges"]
    flows = _yaml("flows.yaml")["flows"]
    return Tables(
        charges=tuple(ChargeRule(**row) for row in charges),
        flows=MappingProxyType({flow: _flow(rule) for flow, rule in flows.items()}),
    )


def _yaml(name: str) -> Any:
    return yaml.safe_load(files("gateway.standard.data").joinpath(name).read_text("utf-8"))


def _flow(rule: dict[str, Any]) -> FlowRule:
    return FlowRule(
        fields=tuple(rule["fields"]),
        person_fields=tuple(rule["person_fields"]),
        documents=tuple(rule["documents"]),
        documents_if=tuple(
            ConditionalDocument(d["when"], d["title"], Verdict(d["verdict"])) for d in rule["documents_if"]
        ),
        dossier=rule["dossier"],
        key=tuple(rule["key"]),
    )
