"""Offences: by their code in a case system's scheme, or by their name, of which a choice's part is a right one too."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ChargeRule:
    """What is known of one offence. Ages in full years; `with_approval` 0 where the law has no such case.

    by: who usually transfers it. severe: life imprisonment or death is within the range. codes: scheme -> code.
    """

    id: str
    name: str
    article: str
    age: int
    by: str
    with_approval: int
    severe: bool
    privacy: bool
    since: date | None
    codes: Mapping[str, str]
    note: str = ""
    former: tuple[str, ...] = ()
    """Names from before an amendment: who acted then is charged under them (刑法 12)."""


@dataclass(frozen=True, slots=True)
class Charges:
    """The table of offences; none is complete, so one that is not in it passes every check."""

    rules: tuple[ChargeRule, ...]

    def by_code(self, scheme: str, code: str) -> ChargeRule | None:
        """Return the offence that has `code` in `scheme` (the export format)."""
        return next((one for one in self.rules if code and one.codes.get(scheme) == code), None)

    def by_name(self, name: str) -> ChargeRule | None:
        """Return the offence called `name`, now or formerly, or whose choice `name` is a part of (贩卖毒品罪)."""
        for one in self.rules:
            if name in (one.name, *one.former) or any(_is_choice(name, each) for each in (one.name, *one.former)):
                return one
        return None


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
