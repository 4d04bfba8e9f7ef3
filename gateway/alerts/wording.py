"""What an alert says: one JSON object, and the same in English and Chinese for people."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from gateway.domain.alerts import Alert, AlertKind, Severity
from gateway.domain.oplog import Fact
from gateway.words.catalogue import Words
from gateway.words.templates import mark

TEXT_MAX = 1000
"""Characters of one language; a syslog line and a mail's subject are shorter still."""

SHOWN_MAX = 200
"""Characters of one fact; all of it stands in the JSON."""

_LEVELS = MappingProxyType(
    {
        Severity.NOTICE: mark("Deadline near"),
        Severity.WARNING: mark("Deadline on its last days"),
        Severity.CRITICAL: mark("Deadline passed"),
    }
)
_OURS = mark("{level}: {term}. Flow {flow}, case {case}, person {person}. We must act; last day {last}. {basis}")
_THEIRS = mark(
    "{level}: {term}. Flow {flow}, case {case}, person {person}. Unit {unit} must act; last day {last}. {basis}"
)
_OPERATION = mark("The gateway needs a person: {event} {code}. {what} {do}")
_EVENT = mark("The gateway needs a person: {event} ({facts}). The operations log says more.")
_TEST = mark("This is a test of the gateway's alerts. Nothing has happened.")


@dataclass(frozen=True, slots=True)
class Wording:
    """An alert as a sink sends it. key: the same for every repetition of one alert, and for no other."""

    key: str
    unit: str
    alert: Alert
    title: str
    texts: Mapping[str, str]
    """Language -> text."""

    def as_json(self) -> bytes:
        """Return one line of JSON without its end; plain ASCII."""
        alert = self.alert
        whole = {
            "id": self.key,
            "unit": self.unit,
            "at": datetime.fromtimestamp(alert.at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "kind": alert.kind,
            "severity": alert.severity.name.lower(),
            "name": alert.name,
            "text": dict(self.texts),
            "facts": dict(alert.facts),
        }
        return json.dumps(whole, separators=(",", ":"), sort_keys=True).encode("ascii")


class Writer:
    """Puts alerts of one node into words. epoch: of its ledger, so that no number comes twice after a restore."""

    def __init__(self, unit: str, epoch: int) -> None:
        self._unit = unit
        self._epoch = epoch
        self._languages = (Words("zh_CN"), Words("en"))

    def wording(self, alert: Alert) -> Wording:
        """Return what `alert` says."""
        texts = {
            name: _text(alert, words)[:TEXT_MAX] for name, words in zip(("zh", "en"), self._languages, strict=True)
        }
        key = f"{self._unit}-{self._epoch}-{alert.id}"
        return Wording(key, self._unit, alert, _title(alert), MappingProxyType(texts))


def _title(alert: Alert) -> str:
    return f"[CaseFerry {alert.severity.name.lower()}] {alert.name} {_say(alert.facts.get('case_no'), '')}".strip()


def _text(alert: Alert, words: Words) -> str:
    facts = alert.facts
    if alert.kind is AlertKind.TEST:
        return words.text(_TEST)
    if alert.kind is AlertKind.OPERATION:
        code = str(facts.get("code") or "")
        known = {name: value for name, value in facts.items() if isinstance(value, str | int)}
        if not code:
            shown = ", ".join(f"{name} {value}" for name, value in known.items() if value != "")
            return words.text(_EVENT, event=alert.name, facts=shown or "-")
        told = words.error_code(code, known)
        return words.text(_OPERATION, event=alert.name, code=code, what=told.what, do=told.do).strip()
    is_chinese = words.language != "en"
    name = "zh" if is_chinese else "en"
    return words.text(
        _OURS if facts.get("is_ours") else _THEIRS,
        level=words.text(_LEVELS[alert.severity]),
        term=_say(facts.get(f"term_{name}")),
        flow=_say(facts.get(f"flow_{name}")),
        case=_say(facts.get("case_no")),
        person=_say(facts.get("person")),
        unit=_say(facts.get("unit")),
        last=_say(facts.get("last_day")),
        basis=_say(facts.get("basis"), ""),
    ).strip()


def _say(fact: Fact, nothing: str = "-") -> str:
    return nothing if fact is None or fact == "" else one_line(str(fact))


def one_line(text: str) -> str:
    """Return `text` as a header or a line of a log may hold it: a case number is whatever another agency wrote."""
    return "".join(one for one in " ".join(text[:SHOWN_MAX].split()) if one.isprintable())
