"""Fills a ledger with very many transfers of a year, past the program, by one statement for each table."""

from functools import partial
from typing import Any, Final

from gateway.domain.ids import BundleId, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.ledger.change import Change
from gateway.ledger.store import Ledger

YEAR: Final = 31_536_000.0
AT_ONCE: Final = 50_000
"""Transfers made in one transaction."""
OPEN: Final = 2_000
"""The newest transfers, which still owe something; a ledger has few of these however large it is."""
PEERS: Final = tuple(UnitCode(f"3301{number:02}000000") for number in range(1, 31))
FLOWS: Final = tuple(f"flow-{number:02}" for number in range(46))
_CACHE_KIB: Final = 262_144

# As the program has them: the second first, then what is random (gateway/bundle/seal.py).
_IDS: Final = "printf('%08x%08x{letter}%015x', at, (number * 2654435761) & 4294967295, number)"
_TRANSFERS: Final = f"""
WITH RECURSIVE
  n(number) AS (SELECT :first UNION ALL SELECT number + 1 FROM n WHERE number < :last),
  t AS (
    SELECT number, number % 2 = 0 AS out, number > :count - :open AS open,
      printf('3301%02d000000', number % 30 + 1) AS peer, :now - {YEAR} * (1 - number * 1.0 / :count) AS found,
      CAST(:now - {YEAR} * (1 - number * 1.0 / :count) AS INTEGER) AS at
    FROM n),
  s AS (
    SELECT *, CASE WHEN NOT open THEN 'closed' WHEN NOT out THEN 'fetched'
      WHEN number % 4 = 0 THEN 'sealed' ELSE 'sent' END AS state FROM t)
INSERT INTO transfers (id, version, direction, state, link, route, origin, recipient, peer, bundle_id, header_hash,
  epoch, sequence, flow, case_no, export_name, claim, size, found_at, changed_at, owed_since, settled_at, attempts,
  next_attempt_at, receipt_due_at, hold_code, verdict, business_key, content_hash, priority)
SELECT number, 5, iif(out, 'outbound', 'inbound'), state, 'to-hub', iif(out, 'out', NULL), iif(out, :unit, peer),
  iif(out, peer, :unit), peer, {_IDS.format(letter="b")}, printf('%064x', number * 7919),
  7, number / 30 + 1, printf('flow-%02d', number % 46), printf('A3301%02d%010d', number % 30, number / 60),
  printf('A3301%02d%010d_%d.zip', number % 30, number / 60, number), iif(out, {_IDS.format(letter="c")}, NULL), 60000,
  found, found + 9, found + 9, iif(open, NULL, found + 9), open AND number % 10 = 0,
  found, iif(state = 'sent', :now + 900, NULL), iif(open AND number % 20 = 1, 'operator-hold', NULL), 'pass',
  iif(out, printf('flow-%02d/A3301%02d%010d/%d', number % 46, number % 30, number / 60, number), NULL),
  iif(out, printf('%064x', number * 104729), NULL), 4
FROM s
"""
_OF = "FROM transfers t WHERE t.id BETWEEN :first AND :last"
_HISTORY: Final = (
    """INSERT INTO events (transfer_id, version, at, kind, what, stage, state, code, note, actor)
    SELECT t.id, v.version, t.found_at + v.version, 'event', v.what, 'pack', v.what, '', '', '' FROM transfers t,
      (SELECT 1 AS version, 'found' AS what UNION SELECT 2, 'sealed' UNION SELECT 4, 'delivery-receipted') v
      WHERE t.id BETWEEN :first AND :last ORDER BY t.id, v.version""",
    """INSERT INTO attempts (transfer_id, version, stage, state, started_at, ended_at, code, detail, retry_at)
    SELECT t.id, v.version, 'pack', v.what, t.found_at, t.found_at + v.version, '', '', NULL FROM transfers t,
      (SELECT 2 AS version, 'found' AS what UNION SELECT 3, 'sealed') v
      WHERE t.id BETWEEN :first AND :last ORDER BY t.id, v.version""",
    f"""INSERT INTO receipts
      (transfer_id, version, at, bundle_id, header_hash, code, issuer, issued_at, digest, raw)
    SELECT t.id, 5, t.found_at + 9, t.bundle_id, t.header_hash, '120', t.recipient, t.found_at + 9,
      printf('%064x', t.id * 15485863), zeroblob(1) {_OF}""",
    f"""INSERT INTO matters (transfer_id, at, flow, request, chapters, raw)
    SELECT t.id, t.found_at, t.flow, '', '', zeroblob(1) {_OF}""",
    f"""INSERT INTO matter_numbers (number, scheme, transfer_id) SELECT t.case_no, 'police-case-no', t.id {_OF}""",
)
"""Histories are short, and what was signed and what was in the bundles is left out: else ten million would not fit on
many a disk. What a question or a change has to search, rows and their keys, is all there."""


def fill(ledger: Ledger, count: int, now: float, unit: UnitCode) -> None:
    """Make `count` transfers of a year with their histories; the last OPEN owe something, the others are closed."""
    for first in range(1, count + 1, AT_ONCE):
        last = min(first + AT_ONCE - 1, count)
        its = {"first": first, "last": last, "count": count, "open": OPEN, "now": now, "unit": unit}
        ledger.change(partial(_insert, its))


def case_of(number: int) -> str:
    """Return the case number of the transfer with this id."""
    return f"A3301{number % 30:02}{number // 60:010}"


def old_cases(number: int, count: int) -> str:
    """Return a beginning that very many cases of one unit have, none of which is among the newest third."""
    digits = len(str(max(count * 2 // 3 // 60, 1))) - 1
    return f"A3301{number % 30:02}{'0' * (10 - digits)}"


def name_of(number: int) -> str:
    """Return the name of its export."""
    return f"{case_of(number)}_{number}.zip"


def ordered_id(now: float, text: str) -> BundleId:
    """Return the id of a bundle that is sealed `now`, as it is drawn but for the chance in it."""
    return BundleId(f"{int(now) % 2**32:08x}{text[:24]}")


def _insert(its: dict[str, Any], change: Change) -> None:
    run = change.connection.exec_driver_sql
    run(f"PRAGMA cache_size = -{_CACHE_KIB}")
    for statement in (_TRANSFERS, *_HISTORY):
        run(statement, {name: value for name, value in its.items() if f":{name}" in statement})
    made = run(
        "SELECT direction, state, count(*) FROM transfers WHERE id BETWEEN :first AND :last GROUP BY 1, 2", its
    ).fetchall()
    for direction, state, number in made:
        change.counted[Direction(direction), State(state)] += number
