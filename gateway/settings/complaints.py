"""What is wrong in a configuration: where, what and what to do, each by a stable code."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType

from gateway.domain.errors import ConfigError, Scope
from gateway.settings.complaints_standard import MISSPELT as MISSPELT_IN_STANDARD
from gateway.settings.complaints_standard import TEMPLATES as OF_STANDARD

SHOWN_MAX = 60
"""Longest piece of the operator's own text that a complaint repeats."""

KNOWN_MAX = 20
"""Most choices that a complaint lists."""

MISSPELT: Mapping[str, str] = MappingProxyType(
    {
        "key-unknown": "key-misspelt",
        "not-one-of": "choice-misspelt",
        "unit-unlinked": "unit-misspelt",
        "packer-unknown": "packer-misspelt",
        "flow-unknown": "flow-misspelt",
        "role-unknown": "role-misspelt",
        **MISSPELT_IN_STANDARD,
    }
)
"""What is said instead where a near choice exists."""

TEMPLATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        # reading a file
        "file-missing": ("{name} is not there", "create it with `caseferry init`, or name the right folder"),
        "file-unreadable": ("the file cannot be read ({reason})", "let the account of the service read it"),
        "file-ending": ("only files ending in .yaml are read", "rename it to {wanted}"),
        "file-empty": ("the file holds no settings", "fill it in or delete it"),
        "file-too-large": ("the file is larger than {most}", "split it"),
        "files-too-many": ("the folder holds more than {most} files", "remove what is not in use"),
        "not-utf8": ("the file is not UTF-8 text", "save it as UTF-8 (not GBK or ANSI)"),
        "yaml-broken": ("this is not YAML ({problem})", "look at quotes, colons and indentation here and just above"),
        "yaml-tab": ("a tab character stands where YAML wants spaces", "indent with spaces"),
        "yaml-alias": ("a bare * means an alias in YAML, which is not used here", 'write it in quotes: "*"'),
        "yaml-anchor": ("a bare & means an anchor in YAML, which is not used here", "write the value in quotes"),
        "yaml-tag": ("a bare ! means a type tag in YAML, which is not used here", "write the value in quotes"),
        "yaml-deep": ("nested deeper than {most} levels", "no setting is that deep: look at the indentation"),
        "yaml-documents": ('a second document begins here ("---")', "keep one document to a file"),
        "text-control": ("a line break or control character stands in a text", "write plain text on one line"),
        # keys
        "key-twice": ('"{key}" is already given in line {line}', "keep one of the two"),
        "key-not-text": ("{text} is read as a number, not as text", 'write it in quotes: "{text}"'),
        "key-odd": ("a key must be one word of text", "write `key: value`"),
        "key-unknown": ('there is no setting "{text}" here', "write one of: {known}"),
        "key-misspelt": ('there is no setting "{text}" here', 'did you mean "{near}"?'),
        "key-elsewhere": ('"{key}" does not belong here', 'move it below "{section}"'),
        "key-missing": ('"{key}" is missing here', "add it; docs/configuration.md says what it means"),
        "colon-wide": ('the full-width colon "：" is not read as a colon', 'write an ASCII ":" and a space'),
        "quotes-wide": ("Chinese quotation marks are read as part of the text", 'write ASCII quotes: "{text}"'),
        # values
        "value-missing": ('"{key}" has no value', "give it one, or delete the line"),
        "not-text": ("{text} without quotes is not read as text", 'write it in quotes: "{text}"'),
        "not-one-text": ("a single text is wanted here", "write one value, in quotes if in doubt"),
        "not-number": ('"{text}" is not a whole number', "write digits only, without quotes"),
        "not-boolean": ('"{text}" is neither true nor false', "write true or false, without quotes"),
        "not-a-list": ("a list is wanted here", "write [first, second], or one `- item` to a line"),
        "not-a-section": ("a group of `key: value` lines is wanted here", "put them below, indented by two spaces"),
        "not-one-of": ('"{text}" is not a choice here', "write one of: {known}"),
        "choice-misspelt": ('"{text}" is not one of {known}', 'did you mean "{near}"?'),
        "out-of-range": ("{text} is outside {least} to {most}", "choose a value within"),
        "too-short": ("at least {least} wanted here", "add what is missing"),
        "too-long": ("at most {most} allowed here", "shorten it"),
        "title-malformed": ("a name of 1 to {most} characters is wanted here", "write it in quotes"),
        "duration-malformed": ('"{text}" is not a duration', 'write a number and s, m, h or d, such as "{example}"'),
        "size-malformed": ('"{text}" is not a size', 'write a number and KiB, MiB or GiB, such as "{example}"'),
        "time-of-day-malformed": ('"{text}" is not a time of day', 'write it in quotes, such as "02:30", or "never"'),
        "unit-malformed": ('"{text}" is not a unit code', "write its 4 to 24 digits or capital letters, in quotes"),
        "label-malformed": ('"{text}" is not a usable name', "use 1 to 63 of a-z, 0-9 and -, the first no -"),
        "word-malformed": ('"{text}" is not usable here', "use 1 to {most} letters, digits, dots, _ and -"),
        "path-malformed": (
            '"{text}" is not a usable path',
            "write it whole, or as seen from the folder of gateway.yaml",
        ),
        "host-malformed": ('"{text}" is not a host name or IP address', "write for example 10.12.0.5"),
        "listen-malformed": ('"{text}" is not an IP address', "write this server's own, for example 10.12.0.5"),
        "url-malformed": ('"{text}" is no ledger that can be used', "write sqlite:///path, or delete the line"),
        "zone-unknown": ('"{text}" is no time zone', 'write "Asia/Shanghai", or delete the line'),
        "web-malformed": (
            '"{text}" is no web address',
            "write http:// or https://, a host and a path, without account",
        ),
        "mail-malformed": ('"{text}" is no mail address', "write name@host"),
        "sink-aim": ("a sink goes to exactly one place", "give it one of webhook, mail, syslog, file"),
        "sink-twice": ("two sinks have one name", "give one of them another name"),
        "value-refused": ('"{text}" is refused ({problem})', "write it as docs/configuration.md says"),
        "cron-malformed": (
            '"{text}" is no time that comes again',
            'write minute, hour, day, month and days of the week by name, such as "0 22 * * mon-fri"',
        ),
        "time-malformed": ('"{text}" is not a time of day', 'write it in quotes, such as "08:00"'),
        "ending-malformed": ('"{text}" is not an ending', "write a dot and 1 to 8 letters or digits, such as .dat"),
        # between keys and files
        "section-wanted": ('{why} needs a section "{section}"', "add it as docs/configuration.md says"),
        "section-idle": ('section "{section}" means nothing with {why}', "delete it"),
        "mailboxes-inside": (
            "with OpenSSH as the server root owns every folder above the mailboxes; {path} is in the state folder",
            "set paths.mailboxes to a folder of their own, such as /srv/caseferry/mailboxes",
        ),
        "initiate-folder": (
            'on a link by folder or media nobody calls, so "{text}" means nothing',
            'write "both" or delete the line',
        ),
        "name-twice": ('the name "{name}" is already used at {other}', "give one of them another name"),
        "peer-twice": ('peer "{unit}" already has a link at {other}', "keep one link to a peer"),
        "unit-own": ('"{unit}" is this node itself', "name another unit"),
        "unit-unlinked": ('no link leads to unit "{text}"', "describe the link to it in links.d"),
        "unit-misspelt": ('no link leads to unit "{text}"', 'did you mean "{near}"?'),
        "folder-twice": ("this folder is already used at {other}", "give each use its own folder"),
        "folder-nested": (
            "this folder lies inside the one at {other}",
            "choose folders that do not contain each other",
        ),
        "folder-holds": ("this folder contains {path}, which is ours", "choose a folder of its own"),
        "route-ambiguous": ('route "{name}" at {other} takes the same deliveries', "part them by senders or flows"),
        "packer-unknown": ('there is no packer "{text}"', "write one of: {known}"),
        "packer-misspelt": ('there is no packer "{text}"', 'did you mean "{near}"?'),
        "flow-unknown": ('there is no flow "{text}"', "write one of: {known}"),
        "flow-misspelt": ('there is no flow "{text}"', 'did you mean "{near}"?'),
        "role-unknown": ('there is no role "{text}"', "write one of: {known}"),
        "role-misspelt": ('there is no role "{text}"', 'did you mean "{near}"?'),
        "region-malformed": (
            '"{text}" is not a region',
            "write own, same-city, or the first 2, 4 or 6 digits of a region's code, in quotes",
        ),
        "route-aimless": ("this route names no receiver", 'add receivers, such as "*": roster, or rules'),
        "rule-empty": ("this rule finds nobody", "say unit, or role and region"),
        "rule-double": ("a rule finds either one unit or a role, not both", 'delete "{key}"'),
        "region-idle": ("region means nothing beside unit", "delete it"),
        "roster-misplaced": (
            '"roster" stands for the code that the export writes',
            'write it behind "*" only, or name the unit',
        ),
        "rule-idle": (
            "this rule is never asked: the one at {other} comes first",
            "put it before that one, or delete it",
        ),
        "rule-flow-idle": (
            'no export of flow "{flow}" leaves by this route',
            "add it to the route's flows, or delete it",
        ),
        "cc-twice": ("this copy goes to {unit} already by the one at {other}", "keep one of the two"),
        "server-needed": ("this node is to host the mailbox, but server.enabled is false", "enable the server"),
        "server-itself": ("this is the address of this node's own server", "write the peer's address"),
        "folder-aimless": (
            'neither "deposit" nor "collect" is given',
            "give both, or the one in whose direction things cross",
        ),
        "receipts-impossible": (
            "nothing comes back by this link, so no receipt can be expected",
            "write `receipts: late` if they come by another way, else `receipts: never`",
        ),
        "names-short": (
            "with ending {ending} names of {text} characters do not tell enough files apart",
            "allow at least {least}",
        ),
        "hours-empty": ("this span of hours is empty", "choose an end other than the beginning"),
        "hours-overlap": ("this span of hours overlaps the one at {other}", "let one end where the next begins"),
        "link-one-way": (
            'the link to unit "{unit}" only brings things',
            'give it a "deposit" folder, or drop the receiver',
        ),
        "order-unconfirmed": (
            'route "{name}" keeps order, and the link to unit "{unit}" brings no receipts to keep it by',
            "write `order: none`",
        ),
        "order-wrong": ('{text} is less than "{other}" ({value})', "choose a larger value"),
        **OF_STANDARD,
    }
)


@dataclass(frozen=True, slots=True, order=True)
class Complaint:
    """One thing wrong in one place. Line and column count from 1; `facts` fill the code's template."""

    file: str
    line: int
    column: int
    code: str
    facts: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def what(self) -> str:
        """What is wrong, in English."""
        return TEMPLATES[self.code][0].format(**self.facts)

    @property
    def do(self) -> str:
        """What to do about it, in English."""
        return TEMPLATES[self.code][1].format(**self.facts)

    @property
    def place(self) -> str:
        """`file:line:column`."""
        return f"{self.file}:{self.line}:{self.column}"

    def __str__(self) -> str:
        return f"{self.place}: {self.what}; {self.do}"


class SettingsError(ConfigError):
    """The configuration as a whole is refused: code `settings-refused`, `detail` one line for each complaint."""

    def __init__(
        self,
        code: str = "settings-refused",
        detail: str = "",
        *,
        scope: Scope = Scope.NODE,
        facts: Mapping[str, str | int] = MappingProxyType({}),
        complaints: tuple[Complaint, ...] = (),
    ) -> None:
        super().__init__(code, detail, scope=scope, facts=facts)
        self.complaints = complaints

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.code, self.detail, self.scope, self.facts, self.complaints)


def _rebuild(
    code: str, detail: str, scope: Scope, facts: Mapping[str, str | int], complaints: tuple[Complaint, ...]
) -> SettingsError:
    return SettingsError(code, detail, scope=scope, facts=facts, complaints=complaints)


def refusal(complaints: Iterable[Complaint]) -> SettingsError:
    """Return the error that says all `complaints`, in the order of the files' lines."""
    ordered = tuple(sorted(complaints))
    return SettingsError(
        detail="\n".join(str(one) for one in ordered), facts={"count": len(ordered)}, complaints=ordered
    )


def shown(value: object) -> str:
    """Return `value` as a complaint may repeat it: printable, on one line, at most SHOWN_MAX characters."""
    text = "".join(char if char.isprintable() else "�" for char in str(value))
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"


def nearest(text: str, choices: Iterable[str]) -> str | None:
    """Return the one of `choices` that `text` probably meant, None if none is near."""
    by_folded = {choice.casefold(): choice for choice in choices}
    folded = text.casefold().strip().replace("_", "-")
    for variant in (folded, folded.replace("-", "_")):
        if variant in by_folded:
            return by_folded[variant]
    found = get_close_matches(folded, by_folded, n=1, cutoff=0.6) or get_close_matches(
        folded.replace("-", "_"), by_folded, n=1, cutoff=0.6
    )
    return by_folded[found[0]] if found else None


def misspelling(code: str, text: str, choices: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Return the code and facts for a `text` that is none of `choices`: MISSPELT of `code` if one of them is near."""
    known = list(choices)
    near = nearest(text, known)
    listed = ", ".join(known[:KNOWN_MAX]) + (", …" if len(known) > KNOWN_MAX else "")
    facts = {"text": shown(text), "known": listed}
    if near is None:
        return code, facts
    return MISSPELT[code], facts | {"near": near}
