"""Every user-facing text in the reader's language: looked up by its English original and filled in from facts."""

import gettext
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from gateway.domain.errors import GatewayError, Scope
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.records import ReceiptCode, Stage
from gateway.standard.findings import Finding, Place, Verdict
from gateway.words import terms
from gateway.words.errors import ERRORS, UNKNOWN_ERROR
from gateway.words.findings import FINDINGS, UNKNOWN_FINDING
from gateway.words.language import ENGLISH
from gateway.words.templates import Template, fill, mark

DOMAIN = "caseferry"
"""Name of the catalogue's files below locale/."""

_EXPORT = mark("the export")
_FIELD = mark("a field")


@dataclass(frozen=True, slots=True)
class Explained:
    """An explanation in the reader's language: what happened, why, and what to do; each one or two whole sentences."""

    what: str
    why: str
    do: str

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.do) if part)


class Words:
    """The texts of one language. A text without translation shows in English; nothing here raises over a missing word.

    language: `en` or `zh_CN` (see choose_language); one without a catalogue gets English.
    """

    def __init__(self, language: str = ENGLISH) -> None:
        self._translations = _load(language)
        self.language = ENGLISH if type(self._translations) is gettext.NullTranslations else language

    def text(self, original: str, /, **facts: object) -> str:
        """Return the translation of `original`, which is an English literal with `{fact}` fields, filled in."""
        return fill(self._translate(original), facts)

    def error(self, error: GatewayError) -> Explained:
        """Explain an error by its code and facts."""
        return self.error_code(error.code, error.facts)

    def error_code(self, code: str, facts: Mapping[str, str | int] | None = None) -> Explained:
        """Explain a code of which only the text is left: a hold, a last error, a reason in a receipt."""
        if code in FINDINGS:
            return self.finding(Finding(code, Verdict.HOLD, facts=facts or {}))
        return self._explain(ERRORS.get(code, UNKNOWN_ERROR), {**(facts or {}), "code": code})

    def finding(self, finding: Finding) -> Explained:
        """Explain what a check found; the place, the present and the expected value are shown by the caller.

        A finding's own facts win over its place: they are what the check meant.
        """
        template = FINDINGS.get(finding.code)
        known = {"value": finding.value, "expected": finding.expected, **finding.facts}
        place: dict[str, object] = {
            "file": finding.place.file or self._translate(_EXPORT),
            "field": finding.place.field or self._translate(_FIELD),
            "line": finding.place.line,
            "column": finding.place.column,
        }
        facts = {**place, **{name: fact for name, fact in known.items() if fact != ""}}
        if template is None:
            return self._explain(UNKNOWN_FINDING, {"code": finding.code})
        return self._explain(template, facts)

    def place(self, place: Place) -> str:
        """Return where a finding is, e.g. `案件信息.xml, line 7, column 50, 案件编号(AJBH)`; empty if nowhere."""
        parts = (
            place.file,
            self.text(mark("line {line}"), line=place.line) if place.line else "",
            self.text(mark("column {column}"), column=place.column) if place.column else "",
            place.field,
        )
        return self._translate(mark(", ")).join(filter(None, parts))

    def direction(self, direction: Direction) -> str:
        """Return the name of a direction."""
        return self._term(terms.DIRECTIONS, direction)

    def state(self, state: State) -> str:
        """Return what a state means to an operator."""
        return self._term(terms.STATES, state)

    def event(self, event: Event | str) -> str:
        """Return what an event says in a timeline."""
        return self._term(terms.EVENTS, event)

    def stage(self, stage: Stage | str) -> str:
        """Return the name of a leg of the journey."""
        return self._term(terms.STAGES, stage)

    def receipt(self, code: ReceiptCode | str) -> str:
        """Return what a receipt states."""
        return self._term(terms.RECEIPTS, code)

    def verdict(self, verdict: Verdict | str) -> str:
        """Return the name of a check's answer."""
        return self._term(terms.VERDICTS, verdict)

    def mender(self, mender: str) -> str:
        """Return who can mend a finding."""
        return self._term(terms.MENDERS, mender)

    def answer(self, kind: str) -> str:
        """Return how far one is answered: a Kind of gateway/domain/answers.py, or `open`."""
        return self._term(terms.ANSWERS, kind)

    def scope(self, scope: Scope | str) -> str:
        """Return how far an error reaches."""
        return self._term(terms.SCOPES, scope)

    def _term(self, table: Mapping[str, str], value: str) -> str:
        return self._translate(table[value]) if value in table else str(value)

    def _explain(self, template: Template, facts: Mapping[str, object]) -> Explained:
        what, why, do = (fill(self._translate(part), facts) for part in (template.what, template.why, template.do))
        return Explained(what, why, do)

    def _translate(self, original: str) -> str:
        # The empty original is the catalogue's own header.
        return self._translations.gettext(original) if original else ""


def _load(language: str) -> gettext.NullTranslations:
    compiled = files("gateway.words") / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.mo"
    if not language.replace("_", "").isalpha() or not compiled.is_file():
        return gettext.NullTranslations()
    with compiled.open("rb") as stream:
        return gettext.GNUTranslations(stream)
