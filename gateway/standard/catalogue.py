"""The exchange standard as values: flows, what they must hold, by when they are answered; dictionaries and codes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from gateway.domain.records import Priority
from gateway.standard.charges import Charges
from gateway.standard.editions import Index, of_day
from gateway.standard.profiles import Profile

_EXPLAINED = re.compile(r"(?<=.)[（(][^（）()]*[）)]$")

REPLY_CLASSES = 100
"""The reply of a flow travels under the number of the flow's class and this."""


@dataclass(frozen=True, slots=True)
class Life:
    """Which edition of a file of the standard counts when: from `since` until before `until` (None: still)."""

    version: str
    since: date
    until: date | None = None

    def holds(self, day: date) -> bool:
        """Whether it counts on `day`."""
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class RequiredIf:
    """Documents that are required where the condition `when` holds (gateway/standard/conditions.py)."""

    when: str
    documents: tuple[str, ...]
    severity: str = "reject"


@dataclass(frozen=True, slots=True)
class Documents:
    """Documents of one flow or reply, by their slugs. `one_of`: sets of which exactly one must be whole."""

    required: tuple[str, ...] = ()
    required_if: tuple[RequiredIf, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extension:
    """A longer limit that the law allows, from the same clock, once notice of it has come. `limit`: ISO 8601."""

    limit: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Deadline:
    """One term. `limit`, `amber` and `red` are ISO 8601 durations from `clock`; negative ones count back from it.

    kind:  reply (the other side answers), send (this side sends), stage (a term of the case itself, shown only).
    owner: `sender` or `receiver` of the request.
    clock: `receipt`, `receipt:<flow>`, `field:<field>`, `before:<field>` or `event:<event>`.
    """

    id: str
    zh: str
    en: str
    kind: str
    owner: str
    clock: str
    when: str
    limit: str
    calendar: str
    amber: str
    red: str
    extensions: tuple[Extension, ...]
    basis: tuple[str, ...]
    note: str = ""
    note_en: str = ""
    interim: bool = False
    """An interim answer, such as acceptance, ends it too."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The business answer to a flow: an ordinary case package under a flow slug of its own.

    request: the flow that it answers. number: of its routing class. per: `person` where each is answered by itself.
    returns: kinds of documents by which the request is sent back to be completed.
    business: export format -> that format's own codes for it.
    """

    code: str
    request: str
    zh: str
    en: str
    number: int
    lane: Priority
    documents: Documents
    fields: tuple[str, ...]
    per: str
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    cc: tuple[str, ...]
    business: Mapping[str, tuple[str, ...]]
    returns: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    """Roles that must learn of it besides."""
    nodes: tuple[str, ...] = ()
    """Steps of the answer, in Chinese, where it has several."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One business flow. Roles, documents, fields and checks by their slugs.

    unit: `case`, `person` or `batch`. number: of its routing class, which never changes meaning.
    key: what makes two exports versions of one thing, beside flow and recipient (gateway/standard/business.py).
    severities: check -> the severity that this flow gives it instead of its own.
    """

    code: str
    life: Life
    zh: str
    en: str
    aliases: tuple[str, ...]
    group: str
    unit: str
    number: int
    lane: Priority
    profile: str
    size_class: str
    trigger: str
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    cc: tuple[str, ...]
    business: Mapping[str, tuple[str, ...]]
    key: tuple[str, ...]
    documents: Documents
    required: tuple[str, ...]
    optional: tuple[str, ...]
    checks: tuple[str, ...]
    severities: Mapping[str, str]
    reply: Reply | None
    deadlines: tuple[Deadline, ...]
    grant: bool
    """Whether its exports must name a grant of the sharing catalogue."""
    notes: str
    reference_count: int
    trigger_en: str = ""
    notes_en: str = ""


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """One kind of legal document. signed: `required`, `expected`, `none`. pii: 0 none to 3 highly sensitive."""

    code: str
    zh: str
    en: str
    issuer: str
    signed: str
    pii: int
    aliases: tuple[str, ...]

    @property
    def titles(self) -> tuple[str, ...]:
        """Every title under which it is written; what stands in brackets behind one only explains it."""
        return tuple(dict.fromkeys((self.zh, _EXPLAINED.sub("", self.zh), *self.aliases)))


@dataclass(frozen=True, slots=True)
class FieldKind:
    """One field of the dictionary. mask: how the masked profile writes it; empty: as it is. codes: whose codes."""

    code: str
    zh: str
    en: str
    type: str
    pii: int
    mask: str
    codes: str


@dataclass(frozen=True, slots=True)
class CheckKind:
    """What a check of a flow does when it strikes: its severity unless the flow says another."""

    code: str
    severity: str
    rule: str
    rule_en: str
    basis: tuple[str, ...]

    @property
    def is_legal(self) -> bool:
        """Whether it is a question of law, which only a person answers: it rests on a law and never refuses."""
        return bool(self.basis) and self.severity != "reject"


@dataclass(frozen=True, slots=True)
class Role:
    """Who a unit is in the exchange."""

    code: str
    zh: str
    en: str
    network: str


@dataclass(frozen=True, slots=True)
class Law:
    """One legal text that `basis` quotes. evidence: how its wording is known; watch: to check before going live."""

    code: str
    zh: str
    en: str
    version: str
    evidence: str
    watch: str
    watch_en: str


@dataclass(frozen=True, slots=True)
class Code:
    """One value of a code table: our slug, its names, and its code in each scheme (an export format, or a standard)."""

    code: str
    zh: str
    en: str
    schemes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class CodeTable:
    """One code table, e.g. `coercive-measure`."""

    name: str
    codes: Mapping[str, Code]

    def read(self, scheme: str, text: str) -> str:
        """Return our code for `text` of `scheme` (or for its Chinese name, or our own code); `text` if it has none."""
        if text in self.codes:
            return text
        for one in self.codes.values():
            if text in one.schemes.get(scheme, ()) or text == one.zh:
                return one.code
        return text

    def write(self, scheme: str, code: str) -> str:
        """Return how `scheme` writes our `code`: its first code there; `code` itself where it has none."""
        one = self.codes.get(code)
        return next(iter(one.schemes.get(scheme, ())), code) if one is not None else code

    def name_of(self, code: str) -> str:
        """Return the Chinese name of `code`, `code` itself where it is not in the table."""
        one = self.codes.get(code)
        return one.zh if one is not None else code


@dataclass(frozen=True, slots=True)
class Holidays:
    """The State Council's table: days off that are no weekend, and weekend days that are worked. `years` it covers."""

    off: frozenset[date]
    worked: frozenset[date]
    years: frozenset[int]
    morning: tuple[int, int]
    """Minutes of the day when work begins and pauses."""
    afternoon: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Standard:
    """The whole standard as a node has it. `digest`: hexadecimal SHA-256 over its files.

    Flows and replies are asked as they count on a `day`; without one, the newest edition of each is meant. `on` gives
    the standard of one day, in which there is one edition of each: whoever works on an export or a bundle asks that.
    """

    digest: str
    editions: tuple[Flow, ...]
    """Every flow in every edition."""
    documents: Mapping[str, DocumentKind]
    fields: Mapping[str, FieldKind]
    checks: Mapping[str, CheckKind]
    roles: Mapping[str, Role]
    laws: Mapping[str, Law]
    profiles: Mapping[str, Profile]
    tables: Mapping[str, CodeTable]
    charges: Charges
    holidays: Holidays
    _index: Index = field(init=False, repr=False, compare=False)
    _days: dict[tuple[int, int | None], "Standard"] = field(init=False, repr=False, compare=False, default_factory=dict)
    """By the spans between two changes in which the days lie: within one, the same editions count."""
    _flows: dict[int, tuple[Flow, ...]] = field(init=False, repr=False, compare=False, default_factory=dict)
    """The flows of a day, by the span in which it lies."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", Index(self.editions, self.documents))

    def on(self, day: date, today: date | None = None) -> "Standard":
        """Return the standard by which what happened on `day` is judged `today` (None: on that day itself); this very
        one where that makes no difference."""
        key = self._index.span(day), None if today is None else self._index.span(today)
        if key not in self._days:
            found = (self._of_day(each, day, today) for each in self._index.flows.values())
            chosen = tuple(one for one in found if one is not None)
            self._days[key] = self if len(chosen) == len(self.editions) else replace(self, editions=chosen)
        return self._days[key]

    def flows(self, day: date | None = None) -> Iterator[Flow]:
        """Return the flows as they count on `day`, by number."""
        if day is None:
            return iter(self._flows_of(None))
        span = self._index.span(day)
        if span not in self._flows:
            self._flows[span] = self._flows_of(day)
        return iter(self._flows[span])

    def flow(self, code: str, day: date | None = None) -> Flow | None:
        """Return the flow `code` as it counts on `day`; None if it is no flow, or a reply."""
        return self._of_day(self._index.flows.get(code, ()), day)

    def reply(self, code: str, day: date | None = None) -> Reply | None:
        """Return the reply `code` as it counts on `day`; None if it is none."""
        found = self._of_day(self._index.replies.get(code, ()), day)
        return found.reply if found is not None else None

    def names(self) -> frozenset[str]:
        """Return the slugs of all flows and replies."""
        return frozenset(self._index.flows) | frozenset(self._index.replies)

    def flow_of(self, form: str, business: str) -> str:
        """Return the slug of the flow or reply that the export format `form` calls `business`; empty if none is."""
        return self._index.business.get((form, business), "")

    def business_of(self, form: str, code: str) -> str:
        """Return what the export format `form` calls the flow or reply `code`; empty if it has no name for it."""
        kind = self.flow(code) or self.reply(code)
        return next(iter(kind.business.get(form, ())), "") if kind is not None else ""

    def document_titled(self, title: str) -> DocumentKind | None:
        """Return the kind of document that is written as `title`, by its longest title that begins it; None if none."""
        return self._index.document_titled(title)

    def table(self, name: str) -> CodeTable:
        """Return the code table `name`; an empty one where the standard has none."""
        return self.tables.get(name) or CodeTable(name, {})

    def _flows_of(self, day: date | None) -> tuple[Flow, ...]:
        found = (self._of_day(each, day) for each in self._index.flows.values())
        return tuple(sorted((one for one in found if one is not None), key=lambda one: one.number))

    def _of_day(self, editions: Sequence[Flow], day: date | None, today: date | None = None) -> Flow | None:
        first = self._index.beginning
        return of_day(editions, day and max(day, first), today and max(today, first))
