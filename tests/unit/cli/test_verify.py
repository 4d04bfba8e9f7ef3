"""`verify` and `open`: what is genuine is said so, what is not has its code; nothing shows before the last check."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.bundle.convoy import join_bundles
from gateway.bundle.envelope import parse_envelope
from gateway.bundle.receipt import join_receipts
from gateway.domain.ids import bundle_id
from tests.support import sealing
from tests.support.desk import Desk, run
from tests.support.forging import flipped


@pytest.fixture(scope="module")
def bundle(desks: tuple[Desk, Desk], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle from the police for the procuratorate."""
    path = tmp_path_factory.mktemp("bundles") / "one.cfb"
    sealing.seal(*desks, path)
    return path


def test_a_bundle_is_genuine_by_the_confirmed_peer(desks: tuple[Desk, Desk], bundle: Path) -> None:
    answer = desks[1].run("verify", bundle, "--json")
    found = answer.json
    assert answer.code == 0
    assert (found["genuine"], found["error"], found["signer"], found["expired"]) == (True, None, "990102000000", False)
    assert found["size"] == bundle.stat().st_size
    assert "Genuine." in desks[1].run("verify", bundle).out


def test_a_convoy_is_as_genuine_as_each_of_its_bundles(desks: tuple[Desk, Desk], bundle: Path, tmp_path: Path) -> None:
    raw = bundle.read_bytes()
    named = parse_envelope(raw).bundle_id
    convoy = tmp_path / "one.cfc"
    convoy.write_bytes(join_bundles([(named, raw)]))
    found = desks[1].ask("verify", convoy)
    assert (found["kind"], found["genuine"], found["error"]) == ("convoy", True, None)
    assert [one["bundle_id"] for one in found["bundles"]] == [named]
    assert named in desks[1].run("verify", convoy).out
    convoy.write_bytes(join_bundles([(named, raw), (bundle_id("f" * 32), raw), (bundle_id("e" * 32), b"none")]))
    answer = desks[1].run("verify", convoy, "--json")
    codes = [one["error"] and one["error"]["code"] for one in answer.json["bundles"]]
    assert (answer.code, answer.json["genuine"], codes) == (1, False, [None, "malformed", "not-a-bundle"])
    convoy.write_bytes(convoy.read_bytes()[:-1])
    assert desks[1].run("verify", convoy, "--json").json["error"]["code"] == "convoy-malformed"


def test_a_card_is_enough(desks: tuple[Desk, Desk], bundle: Path, tmp_path: Path) -> None:
    card = tmp_path / "police.card"
    desks[0].run("peer", "card", "--out", card)
    nowhere = tmp_path / "nowhere"
    assert run("verify", bundle, "--card", card, "--config", nowhere).code == 0
    assert run("verify", bundle, "--config", nowhere, "--json").json["error"]["code"] == "trust-missing"


def test_the_recipient_is_named_where_a_card_tells(desks: tuple[Desk, Desk], bundle: Path, tmp_path: Path) -> None:
    assert desks[1].ask("verify", bundle)["recipients"][0]["unit"] is None
    card = tmp_path / "own.card"
    desks[1].run("peer", "card", "--out", card)
    assert desks[1].ask("verify", bundle, "--card", card)["recipients"][0]["unit"] == "990102"


def test_by_nobody_we_know_is_not_genuine(desks: tuple[Desk, Desk], bundle: Path) -> None:
    answer = desks[0].run("verify", bundle, "--json")
    assert answer.code == 1
    assert (answer.json["genuine"], answer.json["error"]["code"]) == (False, "unknown-sender")
    assert "--card FILE" in desks[0].run("verify", bundle).out


DAMAGE: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda raw: flipped(raw, 60), "bad-signature"),
    (lambda raw: flipped(raw, -1), "segment-corrupt"),
    (lambda raw: raw[:-1], "truncated"),
    (lambda raw: raw + b"\0", "trailing-bytes"),
    (lambda raw: raw[:200], "truncated"),
]


@pytest.mark.parametrize(("damage", "code"), DAMAGE, ids=[code for _, code in DAMAGE])
def test_a_changed_bundle_is_not_genuine_and_not_opened(
    desks: tuple[Desk, Desk], bundle: Path, tmp_path: Path, damage: Callable[[bytes], bytes], code: str
) -> None:
    changed = tmp_path / "changed.cfb"
    changed.write_bytes(damage(bundle.read_bytes()))
    answer = desks[1].run("verify", changed, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, code)
    opened = desks[1].run("open", changed, "--into", tmp_path / "out", "--json")
    assert opened.code == 1
    assert opened.json["error"]["code"] == code or code == "segment-corrupt"
    assert [path.name for path in tmp_path.iterdir()] == ["changed.cfb"]


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"{}", b'{"receipts": []}', b"[" * 100_000])
def test_what_is_nothing_of_ours_is_said(desks: tuple[Desk, Desk], tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    answer = desks[0].run("verify", tmp_path / "file", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "nothing-to-verify")


def test_an_expired_bundle_is_still_genuine_but_not_opened(desks: tuple[Desk, Desk], tmp_path: Path) -> None:
    path = tmp_path / "late.cfb"
    sealing.seal(*desks, path, made=sealing.CLOCK.now() - 100_000)
    answer = desks[1].run("verify", path, "--json")
    # The key was drawn after the bundle says it was made.
    assert answer.json["error"]["code"] == "key-not-valid"
    assert answer.json["expired"] is True
    opened = desks[1].run("open", path, "--into", tmp_path / "out", "--json")
    assert opened.json["error"]["code"] == "expired"


def test_a_bundle_is_opened_whole_into_a_folder_of_its_own(
    desks: tuple[Desk, Desk], bundle: Path, tmp_path: Path
) -> None:
    into = tmp_path / "opened"
    found = desks[1].ask("open", bundle, "--into", into)
    assert (found["origin"], found["flow"], found["case_no"]) == ("990102000000", "arrest-request", "A9901")
    assert {one["path"] for one in found["files"]} == {"case-package.json", *sealing.CONTENT}
    for name, body in sealing.CONTENT.items():
        assert (into / name).read_bytes() == body
    assert into.stat().st_mode & 0o077 == 0
    again = desks[1].run("open", bundle, "--into", into, "--json")
    assert again.json["error"]["code"] == "folder-not-empty"
    assert desks[1].run("open", bundle, "--into", tmp_path / "second").code == 0


def test_a_bundle_for_somebody_else_is_not_opened(desks: tuple[Desk, Desk], tmp_path: Path) -> None:
    path = tmp_path / "own.cfb"
    sealing.seal(desks[0], desks[0], path)
    opened = desks[1].run("open", path, "--into", tmp_path / "out", "--json")
    assert opened.json["error"]["code"] == "not-addressed-to-us"
    assert not (tmp_path / "out").exists()


def test_a_bundle_whose_parts_contradict_each_other_shows_nothing(desks: tuple[Desk, Desk], tmp_path: Path) -> None:
    path = tmp_path / "odd.cfb"
    sealing.seal(*desks, path, flow="bail-request")
    opened = desks[1].run("open", path, "--into", tmp_path / "out", "--json")
    assert opened.json["error"]["code"] == "case-package-malformed"
    assert [one.name for one in tmp_path.iterdir()] == ["odd.cfb"]


def test_a_revoked_peer_is_not_opened(tmp_path: Path) -> None:
    from tests.support.desk import make_desks

    police, procuratorate = make_desks(tmp_path)
    path = tmp_path / "one.cfb"
    sealing.seal(police, procuratorate, path)
    assert procuratorate.ask("peer", "remove", "990102000000")["unit"] == "990102000000"
    opened = procuratorate.run("open", path, "--into", tmp_path / "out", "--json")
    assert opened.json["error"]["code"] == "revoked-sender"


def test_receipts_are_genuine_in_a_file_and_in_an_acknowledgement(
    desks: tuple[Desk, Desk], bundle: Path, tmp_path: Path
) -> None:
    police, procuratorate = desks
    sealed = sealing.seal(police, procuratorate, tmp_path / "one.cfb")
    raw = sealing.receipt(procuratorate, sealed, origin=police)
    file = tmp_path / "one.cfr"
    file.write_bytes(join_receipts([raw, raw]))
    found = police.ask("verify", file)
    assert (found["kind"], found["genuine"], len(found["receipts"])) == ("receipts", True, 2)
    assert found["receipts"][0]["issuer"] == "990102"
    assert "110 delivered" in police.run("verify", file).out
    ack = {
        "bundle_id": sealed.bundle_id,
        "header_hash": sealed.header_hash,
        "receipts": [{"receipt": base64.b64encode(raw).decode()}],
    }
    (tmp_path / "ack.json").write_text(json.dumps(ack), "utf-8")
    assert police.ask("verify", tmp_path / "ack.json")["genuine"] is True
    (tmp_path / "ack.json").write_text(json.dumps({**ack, "bundle_id": "0" * 32}), "utf-8")
    answer = police.run("verify", tmp_path / "ack.json", "--json")
    assert answer.code == 1
    assert answer.json["receipts"][0]["error"]["code"] == "receipt-mismatch"


def test_one_of_many_receipts_under_one_signature_proves_alone_by_its_issuers_card(
    desks: tuple[Desk, Desk], tmp_path: Path
) -> None:
    """Years later, with nothing at hand but this receipt and the card: not the others, not the file they came in."""
    police, procuratorate = desks
    sealed = [sealing.seal(police, procuratorate, tmp_path / f"{number}.cfb") for number in range(2)] * 16
    receipts = sealing.receipts(procuratorate, sealed, origin=police)
    card, file = tmp_path / "procuratorate.card", tmp_path / "one.cfr"
    procuratorate.run("peer", "card", "--out", card)
    file.write_bytes(join_receipts([receipts[21]]))
    found = run("verify", file, "--card", card, "--config", tmp_path / "nowhere", "--json")
    assert (found.code, found.json["genuine"]) == (0, True)
    assert found.json["receipts"][0]["bundle_id"] == sealed[21].bundle_id
    cut = 37 + int.from_bytes(receipts[21][33:37], "big")  # where its signature begins, as that of its neighbour
    file.write_bytes(join_receipts([receipts[21][:cut] + receipts[22][cut:]]))
    found = run("verify", file, "--card", card, "--config", tmp_path / "nowhere", "--json")
    assert found.json["receipts"][0]["error"]["code"] == "receipt-bad-signature"


def test_one_bad_receipt_does_not_hide_the_good_one(desks: tuple[Desk, Desk], tmp_path: Path) -> None:
    police, procuratorate = desks
    sealed = sealing.seal(police, procuratorate, tmp_path / "one.cfb")
    good = sealing.receipt(procuratorate, sealed, origin=police)
    stolen = sealing.receipt(procuratorate, sealed, origin=police, claims_to_be="990103")
    file = tmp_path / "mixed.cfr"
    file.write_bytes(join_receipts([good, flipped(good, len(good) - 1), stolen, b"junk"]))
    answer = police.run("verify", file, "--json")
    assert answer.code == 1
    codes = [one["error"] and one["error"]["code"] for one in answer.json["receipts"]]
    assert codes[:3] == [None, "receipt-bad-signature", "receipt-wrong-issuer"]
    assert codes[3] in ("receipt-malformed", "suite-refused")
    file.write_bytes(join_receipts([good])[:-1])
    assert police.run("verify", file, "--json").json["receipts"][0]["error"]["code"] == "receipt-malformed"


def test_what_is_not_there_is_said(desks: tuple[Desk, Desk], tmp_path: Path) -> None:
    for command in (["verify", "none.cfb"], ["open", "none.cfb", "--into", tmp_path / "out"]):
        assert desks[0].run(*command, "--json").json["error"]["code"] == "file-not-there"
