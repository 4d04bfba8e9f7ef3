"""What a node remembers of a case package that it sealed or delivered: enough to tie answers to requests, and to count
terms and exchanges; nothing that names a person."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PersonMatter:
    """One person of a case package, by pseudonyms of this node (gateway/standard/pseudonyms.py).

    position: in the case package, from 0. number_key: of the identity number, name_key: of the name; empty for none.
    shown: the surname and stars. facts: field or fact -> value, of what names nobody.
    answer: in a reply, how far it answers for this person (gateway/domain/answers.py, Kind), else empty; result: the
    code of what was decided, name: its Chinese name, day: ISO 8601.
    """

    position: int
    number_key: str
    name_key: str
    shown: str
    facts: tuple[tuple[str, str], ...] = ()
    answer: str = ""
    result: str = ""
    name: str = ""
    day: str = ""

    def fact(self, name: str) -> str:
        """Return the fact `name`, empty if it is not known."""
        return next((value for key, value in self.facts if key == name), "")


@dataclass(frozen=True, slots=True)
class Matter:
    """One case package. flow: its flow or reply; request: the flow that a reply answers, else empty.

    numbers: scheme and number of the case. related: the bundle that it says it answers. charges: ids of the table, or
    names that it does not know. documents: slugs of their kinds. facts: as a person's, of the case.
    system, version: the case system that wrote it. asked, filled: values that the flow asks for, and those that are
    there. fields: field, values asked, values filled.
    awaits: the reply that a request is answered by, per: `person` where each is answered by itself.
    answer, result, name, day: as a person's, of the case as a whole. lane: in which a reply travels, by its name.
    copy: `1` where it was for another unit, and this node has a copy.
    """

    flow: str
    request: str = ""
    numbers: tuple[tuple[str, str], ...] = ()
    related: str = ""
    persons: tuple[PersonMatter, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    charges: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    system: str = ""
    version: str = ""
    asked: int = 0
    filled: int = 0
    fields: tuple[tuple[str, str, str], ...] = ()
    awaits: str = ""
    per: str = ""
    answer: str = ""
    result: str = ""
    name: str = ""
    day: str = ""
    lane: str = ""
    copy: str = ""

    def fact(self, name: str) -> str:
        """Return the case's fact `name`, empty if it is not known."""
        return next((value for key, value in self.facts if key == name), "")
