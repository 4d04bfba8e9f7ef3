"""What the server finds in a mailbox when it starts."""

from pathlib import Path

from gateway.domain.clock import SystemClock
from gateway.domain.ids import unit_code, wire_name
from gateway.transport.disk import temp_name
from gateway.transport.hosted import create_mailbox
from gateway.transport.quota import Mailbox

BIG, SMALL = (temp_name(wire_name(f"{digit * 32}.cfb")) for digit in "01")
WHOLE = f"{'2' * 32}.cfb"


def test_a_killed_server_leaves_only_what_is_worth_continuing(tmp_path: Path) -> None:
    root = create_mailbox(tmp_path, unit_code("990102"))
    for name, size in ((BIG, 100), (SMALL, 99), (WHOLE, 1)):
        (root / "in" / name).write_bytes(bytes(size))
    ours = root / "out" / SMALL
    ours.write_bytes(b"the daemon is depositing this")
    assert Mailbox(root, 1 << 20, 10, SystemClock()).remove_abandoned(below=100) == 1
    assert sorted(path.name for path in (root / "in").iterdir()) == sorted([BIG, WHOLE])
    assert ours.exists()
