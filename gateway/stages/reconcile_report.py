"""Writes down what a reconciliation found: one text, one table and one JSON file a day, for the node's own account."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.reconciling import ALARMS, MENDED, REMARKS, Difference, Own
from gateway.domain.statements import Fate
from gateway.folders import disk
from gateway.stages.reconcile import Findings, StreamFigures, sums
from gateway.words.catalogue import Words
from gateway.words.templates import mark

LISTED_MAX = 10_000
"""Differences that are listed; the count is always whole."""
_NAME = re.compile(r"reconcile-(\d{4}-\d{2}-\d{2})\.(?:txt|json|csv)")

OUTCOMES = (
    ("balanced", mark("Balanced: every number is accounted for.")),
    ("differences", mark("Not balanced: {differences} differences.")),
    ("silent", mark("Not known: {silent} did not answer; what the others say balances.")),
)
_HEADING = mark("Three-way reconciliation of {unit}, {time}")
_STREAM = mark(
    "To {recipient}, epoch {epoch}: {given} given out = {here} not sent yet + {in_flight} in flight "
    "+ {in_custody} in custody + {delivered} delivered + {refused} refused + {closed} closed + {unknown} without record"
)
_SAYS = mark("  {party} says: {delivered} delivered, {refused} refused, {held} held, {aside} in quarantine")
_SILENT = mark("  {party} did not answer.")
_UNCONFIRMED = mark("  Receipts come late or never on this way: what is in flight is sent, unconfirmed.")
_DIFFERENCE = mark("To {recipient}, epoch {epoch}, number {number}, by the word of {party}: {what} {do}")
_WHICH = mark("  transfer {transfer}, bundle {bundle}, case {case}")
_CARRIED = mark(
    "Carried from {origin} to {recipient}, epoch {epoch}: {given} taken = {held} on the way + {delivered} delivered "
    "+ {refused} refused + {closed} closed"
)
_MORE = mark("... and {count} more; the JSON file and the ledger have them.")


class Reports:
    """The folder of reports; older ones than `keep` seconds go."""

    def __init__(
        self, folder: Path, *, unit: str, words: Words, clock: Clock, zone: tzinfo | None, keep: float
    ) -> None:
        """zone: of the dates in the names; None: this machine's."""
        self._folder = folder
        self._unit = unit
        self._words = words
        self._clock = clock
        self._zone = zone
        self._keep = keep

    def write(self, found: Findings) -> None:
        """Write the three files of the day; what an earlier round of that day said gives way. Raises as
        `disk.failure` says."""
        disk.owner_only(self._folder)
        stem = report_name(found.at, self._zone)
        whole = as_json(found, self._unit)
        disk.write_many(
            [
                (self._folder / f"{stem}.txt", as_text(whole, self._words, self._zone).encode()),
                (self._folder / f"{stem}.csv", _as_csv(found).encode("utf-8-sig")),
                # Last: whoever waits for the result looks for this one.
                (self._folder / f"{stem}.json", json.dumps(whole, ensure_ascii=False, indent=1).encode()),
            ]
        )
        self._forget()

    def _forget(self) -> None:
        oldest = datetime.fromtimestamp(self._clock.now(), self._zone) - timedelta(seconds=self._keep)
        with disk.mapped(self._folder):
            names = [path.name for path in self._folder.iterdir()]
        for name in names:
            match = _NAME.fullmatch(name)
            if match and match[1] < oldest.strftime("%Y-%m-%d"):
                disk.remove_tree(self._folder / name)


def report_name(at: float, zone: tzinfo | None) -> str:
    """Return the name, without ending, of the report of the day on which `at` (seconds since 1970 UTC) lies."""
    return f"reconcile-{datetime.fromtimestamp(at, zone).strftime('%Y-%m-%d')}"


def as_json(found: Findings, unit: str) -> dict[str, object]:
    """Return what was found as plain values; export names are left out, since they may hold a person's name."""
    return {
        "round": found.round.id,
        "why": found.round.why,
        "unit": unit,
        "asked_at": found.round.asked_at,
        "at": found.at,
        "outcome": found.outcome,
        "streams": [_stream_json(one) for one in found.streams],
        "differences": [_difference_json(one) for one in found.differences[:LISTED_MAX]],
        "difference_count": sum(one.kind not in REMARKS for one in found.differences),
        "silent": list(found.silent),
        "carried": [
            {
                "origin": one.origin,
                "recipient": one.recipient,
                "epoch": one.epoch,
                **{fate.value: one.fates.get(fate, 0) for fate in Fate},
            }
            for one in found.carried
        ],
    }


def as_text(whole: Mapping[str, object], words: Words, zone: tzinfo | None) -> str:
    """Return the report as people read it, from `as_json`."""
    at = datetime.fromtimestamp(_number(whole["at"]), zone).strftime("%Y-%m-%d %H:%M:%S")
    lines = [words.text(_HEADING, unit=whole["unit"], time=at), outcome_text(whole, words), ""]
    for one in _rows(whole["streams"]):
        lines += stream_lines(one, words)
    for one in _rows(whole["carried"]):
        given = sum(_number(one[fate.value]) for fate in Fate)
        lines.append(words.text(_CARRIED, **{**one, "given": int(given), "held": one[Fate.CUSTODY.value]}))
    differences = _rows(whole["differences"])
    for one in differences:
        lines += difference_lines(one, words)
    missing = int(_number(whole["difference_count"])) - len(differences)
    if missing > 0:
        lines.append(words.text(_MORE, count=missing))
    return "\n".join(lines) + "\n"


def outcome_text(whole: Mapping[str, object], words: Words) -> str:
    """Return the answer in one sentence."""
    silent = whole["silent"]
    facts = {"differences": whole["difference_count"], "silent": ", ".join(map(str, _values(silent)))}
    return words.text(dict(OUTCOMES)[str(whole["outcome"])], **facts)


def stream_lines(one: Mapping[str, object], words: Words) -> list[str]:
    """Return the lines of one stream: the sum, and what each party said."""
    lines = [words.text(_STREAM, **one)]
    if one["unconfirmed"]:
        lines.append(words.text(_UNCONFIRMED))
    said = one["said"]
    for party, figures in said.items() if isinstance(said, Mapping) else ():
        if figures is None:
            lines.append(words.text(_SILENT, party=party))
            continue
        held = figures.get(Fate.CUSTODY, 0) + figures.get(Fate.PENDING, 0)
        facts = {fate.value: figures.get(fate, 0) for fate in Fate}
        lines.append(words.text(_SAYS, party=party, held=held, **facts))
    return lines


def difference_lines(one: Mapping[str, object], words: Words) -> list[str]:
    """Return the lines of one difference: what, what is done, and which bundle."""
    explained = words.error_code(str(one["code"]))
    lines = [words.text(_DIFFERENCE, **{**one, "what": explained.what, "do": explained.do})]
    if one["bundle"] is not None:
        facts = {"transfer": one["transfer"] or "-", "bundle": one["bundle"], "case": one["case_no"] or "-"}
        lines.append(words.text(_WHICH, **facts))
    return lines


def _stream_json(one: StreamFigures) -> dict[str, object]:
    counts = sums(one.stream)
    return {
        "recipient": one.stream.recipient,
        "epoch": one.stream.epoch,
        "first": one.stream.first,
        "last": one.stream.last,
        "given": len(one.stream.numbers),
        "here": counts[Own.HERE],
        "in_flight": counts[Own.IN_FLIGHT],
        "in_custody": counts[Own.CUSTODY],
        "delivered": counts[Own.DELIVERED],
        "refused": counts[Own.REFUSED],
        "closed": counts[Own.CLOSED],
        "unknown": counts[Own.UNKNOWN],
        "unconfirmed": one.stream.unconfirmed,
        "hubs": list(one.stream.hubs),
        "said": {
            party: None if said is None else {fate.value: count for fate, count in said.items()}
            for party, said in one.theirs.items()
        },
    }


def _difference_json(one: Difference) -> dict[str, object]:
    return {
        "code": one.kind.value,
        "recipient": one.recipient,
        "epoch": one.epoch,
        "number": one.number,
        "party": one.party,
        "bundle": one.bundle,
        "transfer": one.transfer,
        "case_no": one.case_no,
        "remark": one.kind in REMARKS,
        "mends_itself": one.kind in MENDED,
        "alarm": one.kind in ALARMS,
    }


def _as_csv(found: Findings) -> str:
    """Return one line for each stream, then one for each difference; the first column says which."""
    out = io.StringIO()
    table = csv.writer(out)
    figures = ("given", "here", "in_flight", "in_custody", "delivered", "refused", "closed", "unknown")
    table.writerow(["stream", "recipient", "epoch", *figures])
    for one in map(_stream_json, found.streams):
        table.writerow(["stream", one["recipient"], one["epoch"], *(one[name] for name in figures)])
    named = ("recipient", "epoch", "number", "code", "party", "bundle", "transfer", "case_no")
    table.writerow(["difference", *named])
    for one in map(_difference_json, found.differences[:LISTED_MAX]):
        table.writerow(["difference", *(one[name] for name in named)])
    return out.getvalue()


def read(folder: Path, at: float, zone: tzinfo | None, round_id: int) -> Mapping[str, object] | None:
    """Return the report of one round from the day on which `at` lies; None if it is not there."""
    path = folder / f"{report_name(at, zone)}.json"
    try:
        with disk.mapped(folder):
            whole = json.loads(path.read_bytes()) if disk.exists(path) else None
    except (GatewayError, ValueError):
        return None
    return whole if isinstance(whole, dict) and whole.get("round") == round_id else None


def _rows(value: object) -> Sequence[Mapping[str, object]]:
    return [one for one in _values(value) if isinstance(one, Mapping)]


def _values(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else []


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0.0
