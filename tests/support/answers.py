"""Requests and replies in a real ledger, without exports: matters as packers would give them, in any order."""

from dataclasses import replace

from gateway.domain.answers import AskedView, Kind
from gateway.domain.ids import BundleId, TransferId, UnitCode
from gateway.domain.lifecycle import Direction, Event
from gateway.domain.matter import Matter, PersonMatter
from gateway.domain.records import Facts, Stage, Step, Transfer
from gateway.ledger.store import Ledger
from tests.support.ledger import PEER, START, bundle, deliver, delivery_facts, found, seal, verified

REQUEST, REPLY = "arrest-request", "arrest-decision"
OUT, IN = Direction.OUTBOUND, Direction.INBOUND


def person(position: int, called: str, *, number: bool = True, **more: str) -> PersonMatter:
    """Return the person so called, whose pseudonyms follow from it."""
    return PersonMatter(position, f"p-{called}" if number else "", f"m-{called}", f"{called[:1]}*", **more)


def request(*names: str, numbers: tuple[str, ...] = ("A1",), number: bool = True, **more: object) -> Matter:
    """Return what a request for `names` is remembered as; `numbers` are of the police scheme."""
    return replace(
        Matter(
            REQUEST,
            numbers=tuple(("police-case-no", one) for one in numbers),
            persons=tuple(person(n, name, number=number) for n, name in enumerate(names)),
            charges=("theft",),
            awaits=REPLY,
            per="person",
        ),
        **more,  # type: ignore[arg-type]  # any attribute of a matter
    )


def reply(
    *names: str,
    numbers: tuple[str, ...] = ("A1",),
    number: bool = True,
    result: str = "approved",
    kind: Kind = Kind.FINAL,
    **more: object,
) -> Matter:
    """Return what a decision about `names` is remembered as."""
    said = {"answer": kind.value, "result": result, "name": result, "day": "2026-03-16"}
    return replace(
        Matter(
            REPLY,
            request=REQUEST,
            numbers=tuple(("police-case-no", one) for one in numbers),
            persons=tuple(person(n, name, number=number, **said) for n, name in enumerate(names)),
            charges=("theft",),
            lane="normal",
            **said,
        ),
        **more,  # type: ignore[arg-type]  # any attribute of a matter
    )


def goes(ledger: Ledger, number: int, matter: Matter, *, to: UnitCode = PEER, corrects: int | None = None) -> Transfer:
    """Seal export `number`, which holds `matter`."""
    step = seal(found(ledger, number), number, ledger.next_sequence(to), recipient=to)
    earlier = None if corrects is None else bundle(corrects)
    return ledger.advance(replace(step, facts=replace(step.facts, matter=matter, flow=matter.flow, earlier=earlier)))


def comes(ledger: Ledger, number: int, matter: Matter, *, of: UnitCode = PEER, corrects: int | None = None) -> Transfer:
    """Deliver bundle `number`, which holds `matter`."""
    step = deliver(verified(ledger, number, facts=delivery_facts(number, number, origin=of)), number)
    earlier: BundleId | None = None if corrects is None else bundle(corrects)
    return ledger.advance(replace(step, facts=replace(step.facts, matter=matter, flow=matter.flow, earlier=earlier)))


def standing(ledger: Ledger, transfer: Transfer | TransferId) -> dict[str, str]:
    """Return person as shown -> how it is answered (kind and result), `open` where it is not."""
    view = view_of(ledger, transfer)
    return {
        one.shown: f"{one.answer.kind} {one.answer.result}" if one.answer is not None else "open"
        for one in view.persons
    }


def view_of(ledger: Ledger, transfer: Transfer | TransferId) -> AskedView:
    """Return a request with its answers."""
    view = ledger.answers.of_request(transfer.id if isinstance(transfer, Transfer) else transfer)
    assert view is not None
    return view


def close(ledger: Ledger, transfer: Transfer) -> Transfer:
    """End a transfer as an operator would."""
    return ledger.advance(Step(transfer, Event.CLOSED, Stage.OPERATE, Facts(), actor="zhang"))


__all__ = ["IN", "OUT", "START", "close", "comes", "goes", "person", "reply", "request", "standing", "view_of"]
