"""The page about the state machine says what the table says."""

from docs.generate_state_machine import PAGE, page
from gateway.domain.lifecycle import TABLE, Direction, State


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python docs/generate_state_machine.py"


def test_the_page_leaves_nothing_out() -> None:
    text = page()
    for direction in Direction:
        for (before, event), then in TABLE[direction].items():
            assert f"| `{before}` | `{event}` | `{then}` |" in text
            arrow = f"    {before.replace('-', '_')} --> {then.replace('-', '_')}: {event}\n"
            assert (arrow in text) == (then is not State.CLOSED)
    for state in State:
        assert f"| `{state}` | " in text
