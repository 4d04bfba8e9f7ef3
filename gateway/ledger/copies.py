"""How the further recipients of a bundle come into the ledger: with the record of its sealing, or not at all."""

from collections.abc import Sequence

from sqlalchemy import exists, insert, select

from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.matter import Matter
from gateway.domain.records import Copy, Stage, Step, Transfer
from gateway.ledger import arrivals, changes, matter_rows, streams
from gateway.ledger.change import Change
from gateway.ledger.rows import fetch
from gateway.ledger.schema import transfers


def advance(change: Change, steps: Sequence[Step]) -> list[Transfer]:
    """Take `steps` as `changes.advance` does; what a step seals for others as well is sealed for them too.

    Raises in addition TransientError `sequence-conflict` if a copy does not bear its stream's next number.
    """
    taken = changes.advance(change, steps)
    for step, now in zip(steps, taken, strict=True):
        if step.copies and step.event is not Event.SEALED:
            raise ValueError("only sealing makes copies")
        for number, copy in enumerate(step.copies, start=1):
            _born(change, now, copy, number, step.facts.matter)
    return taken


def _born(change: Change, first: Transfer, copy: Copy, number: int, matter: Matter | None) -> None:
    """Record the transfer of one copy; one that a receipt brought back after a restore is left as it is."""
    c = transfers.c
    its = (c.bundle_id == first.bundle_id, c.recipient == copy.recipient, c.direction == Direction.OUTBOUND)
    if change.connection.execute(select(exists().where(*its))).scalar():
        return
    row = arrivals.row(
        change,
        Direction.OUTBOUND,
        size=first.size,
        found_at=first.found_at,
        state=State.SEALED,
        claim=first.claim,
        copy=number,
        link=copy.link,
        route=first.route,
        origin=first.origin,
        recipient=copy.recipient,
        peer=copy.recipient,
        bundle_id=first.bundle_id,
        header_hash=first.header_hash,
        epoch=first.epoch,
        sequence=copy.sequence,
        flow=first.flow,
        case_no=first.case_no,
        export_name=first.export_name,
        verdict=first.verdict,
        business_key=copy.business_key,
        content_hash=first.content_hash,
        priority=first.priority,
        earlier=first.earlier,
    )
    made = change.connection.execute(insert(transfers).returning(c.id), row).scalar_one()
    transfer = fetch(change.connection, [made])[made]
    streams.give_out(change.connection, transfer, change.epoch)
    changes.born(change, transfer, Stage.PACK)
    changes.mark_corrected(change, transfer, Stage.PACK)
    if matter is not None:
        matter_rows.keep(change, transfer.id, matter)
