"""What decides whom we trust: cards, key files, peers' records and the accounts of our SFTP server."""

import struct
from collections.abc import Mapping

from gateway.bundle.card import Card, CardKey, card_order, parse_card, sign_card, ssh_text
from gateway.domain.errors import ConfigError, SecurityError
from gateway.domain.ids import UnitCode
from gateway.keyring.container import Cost, lock
from gateway.keyring.keyring import KEY_FILE, DatedKeys, Keyring, SshKey
from gateway.roster import records
from gateway.roster.records import Accepted, How, Record
from gateway.transport.accounts import load_accounts, save_accounts
from tests.fuzz.keys import RECIPIENT, SENDER, STRANGER
from tests.fuzz.places import place, put
from tests.fuzz.shapes import canonical_form
from tests.fuzz.target import Target, attempt

PASSPHRASE = b"correct horse battery"
CHEAP = Cost(8, 1, 1)
_MAGIC = b"\x89CFC\r\n\x1a\n"
_HEAD = struct.Struct(">8sBIIB")
START = 1_700_000_000


def run_card(data: bytes) -> None:
    """First byte even: a whole card. Odd: the body of one, put in order and signed by the sender."""
    raw = data[1:]
    if data[:1] and data[0] % 2:
        body = canonical_form(raw)
        signature = SENDER.sign("card", body)
        signed = SENDER.sign_key_id + struct.pack(">H", len(signature)) + signature
        raw = _MAGIC + struct.pack(">I", len(body)) + body + b"\1" + signed
    card = attempt(lambda: parse_card(raw))
    if card is not None:
        assert sign_card(card, [SENDER, RECIPIENT, STRANGER]) == raw


def a_card(*keys: CardKey, unit: str = "990101", created: int = START) -> Card:
    host, user = (SshKey(bytes([n]) * 32).public_text for n in (7, 8))
    listed = tuple(sorted(keys, key=card_order))
    return Card(UnitCode(unit), "示例区公安局", listed, host, user, (SENDER.suite,), created)


def cards() -> Mapping[str, bytes]:
    first = CardKey(SENDER.public, START, START + 100)
    second = CardKey(RECIPIENT.public, START + 50, START + 150)
    return {"one": sign_card(a_card(first), [SENDER]), "two": sign_card(a_card(first, second), [SENDER, RECIPIENT])}


def card_seeds() -> Mapping[str, bytes]:
    one = cards()["one"]
    (length,) = struct.unpack_from(">I", one, 8)
    return {name: b"\0" + raw for name, raw in cards().items()} | {"body": b"\1" + one[12 : 12 + length]}


def run_key_file(data: bytes) -> None:
    """First byte even: a whole key file. Odd: the secrets inside a clear one, put in order."""
    raw = data[1:] if not data or data[0] % 2 == 0 else lock(canonical_form(data[1:]), None, CHEAP)
    put("key-file", KEY_FILE, raw)

    def passphrase() -> bytes:
        _, _, memory, iterations, lanes = _HEAD.unpack_from(raw)
        # The bounds allow what takes seconds; here only what takes none is derived.
        if memory > 64 or iterations > 2 or lanes > 2:
            raise ConfigError("passphrase-missing", "too dear for a fuzz target")
        return PASSPHRASE

    attempt(lambda: Keyring.load(place("key-file"), passphrase))


def key_file_seeds() -> Mapping[str, bytes]:
    dated = [DatedKeys(keys, START, START + 100) for keys in (SENDER, RECIPIENT)]
    ring = Keyring(dated, SshKey(bytes(32)), SshKey(bytes([1]) * 32), bytes(32), is_clear=True)
    secrets = ring._to_bytes()
    locked = lock(secrets, PASSPHRASE, CHEAP)
    return {"clear": b"\0" + lock(secrets, None, CHEAP), "locked": b"\0" + locked, "secrets": b"\1" + secrets}


def run_peers(data: bytes) -> None:
    """The text of a peer's record, put in order, and the same as the file of a peers' folder."""
    data = canonical_form(data)
    record = attempt(lambda: records.from_json(data), ValueError, SecurityError)
    if record is not None:
        assert record.to_json() == data
    put("peers", f"990101{records.ENDING}", data)
    attempt(lambda: records.read_all(place("peers")))


def peers_seeds() -> Mapping[str, bytes]:
    accepted = [Accepted(parse_card(raw), raw, how, START) for raw, how in zip(cards().values(), How, strict=True)]
    alive = Record(UnitCode("990101"), tuple(accepted), None)
    revoked = Record(UnitCode("990101"), tuple(accepted[:1]), START + 9)
    return {"alive": alive.to_json(), "revoked": revoked.to_json()}


def run_accounts(data: bytes) -> None:
    accounts = attempt(lambda: load_accounts(put("accounts", "accounts.json", data)))
    if accounts is not None:
        again = place("accounts") / "again.json"
        save_accounts(again, {unit: sorted(keys) for unit, keys in accounts.items()})
        assert load_accounts(again) == accounts


def accounts_seeds() -> Mapping[str, bytes]:
    blobs = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes([n]) * 32 for n in range(2)]
    path = place("accounts") / "seed.json"
    save_accounts(path, {UnitCode("990101"): blobs, UnitCode("330102000000"): []})
    line = ssh_text(bytes(32))
    return {"two": path.read_bytes(), "spare": b'{"accounts":{"990101":["%s x"]},"format":1}' % line.encode()}


TARGETS = (
    Target("card", run_card, card_seeds, json_at=1),
    Target("key-file", run_key_file, key_file_seeds, json_at=1),
    Target("peers", run_peers, peers_seeds, longest=8192, json_at=0),
    # Reading reserves as much as the longest file allowed: 8 MiB.
    Target("accounts", run_accounts, accounts_seeds, memory=20 << 20, json_at=0),
)
