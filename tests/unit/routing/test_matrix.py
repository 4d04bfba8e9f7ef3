"""The matrix of flow, role and direction, at the origin and at the recipient; and the class outside against the flow
inside."""

import json
from dataclasses import replace

import pytest

from gateway.domain.lifecycle import State
from gateway.domain.records import Priority
from gateway.roster.content import FlowClass, Permission
from gateway.standard.package import UNCLASSIFIED
from tests.support.copies import COURT_UNIT, Copying
from tests.support.hubs import CLASS_OF_ARREST, COUNTY, IN, OUT, PROSECUTOR, opened, seal

FORBIDDEN = (Permission("arrest-request", "police", "procuratorate"), Permission("*", "police", "court"))


def test_the_origin_refuses_what_the_matrix_does_not_allow_and_says_who_may(closed: Copying) -> None:
    closed.content, closed.cc = replace(closed.content, permissions=FORBIDDEN), ()
    with opened(closed) as made:
        made.drop(COUNTY, "a.txt", b"one")
        made.settle()
        assert made[COUNTY].only(OUT).state is State.REFUSED
        report = json.loads((made.police / "err" / "a.txt.err.json").read_bytes())
        (finding,) = report["findings"]
        assert (finding["code"], finding["value"]) == ("FLOW-NOT-PERMITTED", UNCLASSIFIED)
        assert "police > court" in finding["text"]
        assert (made.police / "reject" / "a.txt").read_bytes() == b"one"


def test_a_copy_that_is_not_permitted_keeps_the_whole_from_going(closed: Copying) -> None:
    allowed = (Permission(UNCLASSIFIED, "police", "procuratorate"),)
    closed.content = replace(closed.content, permissions=allowed)
    with opened(closed) as made:
        made.drop(COUNTY, "a.txt", b"one")
        made.settle()
        assert [t.state for t in made[COUNTY].transfers(OUT)] == [State.REFUSED]
        assert COURT_UNIT in (made.police / "err" / "a.txt.err.json").read_text("utf-8")
        assert made.delivered(PROSECUTOR) == {}


def test_the_class_of_the_flow_goes_into_the_header_and_its_lane_into_both_ledgers(closed: Copying) -> None:
    classes = (FlowClass(4, UNCLASSIFIED, Priority.CUSTODY),)
    closed.content = replace(closed.content, classes=classes)
    with opened(closed) as made:
        made.drop(COUNTY, "a.txt", b"one")
        made.settle()
        assert [t.priority for t in made[COUNTY].transfers(OUT)] == [Priority.CUSTODY, Priority.CUSTODY]
        assert made[PROSECUTOR].only(IN).priority is Priority.CUSTODY


@pytest.mark.parametrize(
    ("routing_class", "code"), [(CLASS_OF_ARREST, "class-mismatch"), (0, "not-permitted"), (3, "not-permitted")]
)
def test_the_recipient_refuses_what_its_sender_may_not_send_and_what_hubs_were_told_wrongly(
    closed: Copying, routing_class: int, code: str
) -> None:
    """The bundle holds what has no flow, and nobody may send that to a procuratorate."""
    closed.content = replace(closed.content, permissions=FORBIDDEN)
    with opened(closed) as made:
        made.put(COUNTY, PROSECUTOR, seal(made, COUNTY, [PROSECUTOR], routing_class=routing_class))
        made.settle()
        refused = made[PROSECUTOR].only(IN)
        assert (refused.state, refused.last_error or code) == (State.DISMISSED, code)
        assert made.delivered(PROSECUTOR) == {}
        assert [str(one.code) for one in made[PROSECUTOR].ledger.receipts(refused.bundle_id)] == ["203"]  # type: ignore[arg-type] # an inbound transfer has one
        (told,) = made[PROSECUTOR].log.of("bundle-quarantined")
        assert told["code"] == code


def test_an_unknown_class_discloses_nothing_and_is_no_contradiction(closed: Copying) -> None:
    """Rosters change from day to day, and not everywhere at once."""
    closed.content = replace(closed.content, permissions=(Permission("*", "*", "*"),))
    with opened(closed) as made:
        made.put(COUNTY, PROSECUTOR, seal(made, COUNTY, [PROSECUTOR], routing_class=999))
        made.settle()
        assert made.delivered(PROSECUTOR) == {"doc.txt": b"content"}
