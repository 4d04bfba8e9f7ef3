"""What may be wrong in the files of the exchange standard: what and what to do, each by a stable code."""

from collections.abc import Mapping
from types import MappingProxyType

TEMPLATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        # files
        "standard-file-unknown": (
            'the exchange standard has no code file "{text}"',
            "name it <name>.yaml, or <name>.<addition>.yaml, by one of: {known}",
        ),
        "standard-file-misspelt": ('the exchange standard has no code file "{text}"', 'did you mean "{near}"?'),
        "flow-file-name": (
            'the file of flow "{flow}" is named after another',
            "name it {flow}.yaml, or {flow}.<edition>.yaml for one more edition",
        ),
        # values
        "slug-malformed": ('"{text}" is not a slug', "use a-z, 0-9 and -, beginning with a letter or digit"),
        "day-malformed": ('"{text}" is not a day', "write it as 2026-12-31"),
        "days-malformed": (
            '"{text}" is neither a day nor a span of days',
            "write it as 2026-10-01 or 2026-10-01..2026-10-07",
        ),
        "days-implausible": (
            '"{text}" ends before it begins, or is longer than {most} days',
            "correct the first or the last day",
        ),
        "term-malformed": (
            '"{text}" is not a term',
            "write an ISO 8601 duration such as P7D, P1M, PT48H, or -P3D for one that counts back",
        ),
        "condition-malformed": (
            '"{text}" is not a condition',
            "docs/flows/README.md shows the language, such as person.coercive-measure == detained",
        ),
        "clock-malformed": (
            '"{text}" is not a clock',
            "write receipt, receipt:<flow>, field:<field>, before:<field> or event:<event>",
        ),
        "basis-malformed": ('"{text}" quotes no law', "write the law's slug and the article, such as cpl:91.3"),
        "type-malformed": (
            '"{text}" is not a type of field',
            "write string, text, date, datetime, bool, int, enum, code, list, range or object",
        ),
        "hour-malformed": ('"{text}" is not a time of day', 'write it in quotes, such as "08:30"'),
        "check-use-malformed": (
            "neither a check nor `check: severity` stands here",
            "write the slug of a check, or {{check: warn}}, {{check: hold}} or {{check: reject}}",
        ),
        # names
        "name-misspelt": ('there is no "{text}"', 'did you mean "{near}"?'),
        "document-unknown": ('there is no document "{text}"', "add it to codes/documents.yaml, or name another"),
        "field-unknown": ('there is no field "{text}"', "add it to codes/fields.yaml, or name another"),
        "check-unknown": ('there is no check "{text}"', "write one of: {known}"),
        "law-unknown": ('there is no law "{text}"', "add it to codes/laws.yaml, or write one of: {known}"),
        "profile-unknown": ('there is no masking profile "{text}"', "write one of: {known}"),
        "owner-unknown": ('"{text}" is neither sender nor receiver nor a role', "write one of: {known}"),
        "part-unknown": ('no business key is made of "{text}"', "write one of: {known}"),
        "code-unknown": ('the code table "{table}" has no code "{text}"', "write one of: {known}"),
        "started-unknown": (
            'there is no flow, reply or document "{text}"',
            "name the one whose receipt starts the term",
        ),
        "listed-twice": ('"{text}" is already listed at {other}', "keep one of the two"),
        # between files
        "class-taken": (
            'class {text} is already that of flow "{flow}" at {other}',
            "take a number that no flow has had; a class never changes its meaning",
        ),
        "class-changed": (
            "flow {flow} has class {value} at {other}",
            "keep the class: hubs and rosters know the flow by it",
        ),
        "edition-twice": (
            "another edition at {other} counts from the same day",
            "give each edition a first day of its own",
        ),
        "editions-overlap": (
            "this edition ends after {value}, when the one at {other} begins",
            "end it there, or delete the line: an edition ends where the next begins",
        ),
        "edition-empty": ("this edition ends on {text}, before it has begun", "choose a later day"),
        "flow-twice": ('"{text}" is already a flow or reply at {other}', "give one of them another slug"),
        "business-twice": (
            '"{text}" of format {form} already means "{flow}" at {other}',
            "one code means one flow: take it away from one of the two",
        ),
        "title-twice": (
            'the title "{text}" already means "{kind}" at {other}',
            "take it away from one of the two: a title is recognised by its beginning",
        ),
        "code-twice": ('code "{text}" of {form} already means "{kind}" at {other}', "take it away from one of the two"),
        "term-late": (
            '{text} comes after "{other}" ({value})',
            "choose an earlier one: a warning comes before the end",
        ),
        "age-order": ("{text} is not below the age of responsibility, {value}", "correct one of the two"),
        # holidays
        "year-malformed": ('"{text}" is not a year', 'write it in quotes, such as "2027"'),
        "day-of-other-year": ("{text} is not in the year {value}", "put it below its own year"),
        "day-worked-weekday": ("{text} is no Saturday or Sunday", "only days of a weekend are worked instead"),
        "day-both": ("{text} is both off and worked", "keep one of the two"),
        "days-twice": ("{text} is already given at {other}", "keep one of the two"),
        "holidays-few": (
            "{off} working days off less {worked} days of weekends worked are {left}; the regulation gives {least}",
            "compare it with the notice of the State Council: a day off is missing, or one too many is worked",
        ),
        "holidays-many": (
            "{off} working days off less {worked} days of weekends worked are {left}",
            "compare it with the notice of the State Council: {most} days are more than any region has",
        ),
        "hours-order": ("the hours of work do not follow each other", "write from and to, the morning first"),
    }
)

MISSPELT: Mapping[str, str] = MappingProxyType(
    {
        "standard-file-unknown": "standard-file-misspelt",
        **dict.fromkeys(
            (
                "document-unknown",
                "field-unknown",
                "check-unknown",
                "law-unknown",
                "profile-unknown",
                "owner-unknown",
                "part-unknown",
                "code-unknown",
                "started-unknown",
            ),
            "name-misspelt",
        ),
    }
)
"""What is said instead where a near choice exists."""
