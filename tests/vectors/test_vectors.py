"""Holds the product and the second reader to the same outcome: on every vector, every flipped byte and every cut."""

import ast
import hashlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.receipt import Receipt, join_receipts, seal_findings, sign_receipts
from gateway.bundle.seal import SealMember
from gateway.bundle.suites import Suite
from gateway.domain.ids import bundle_id, digest, unit_code
from gateway.domain.records import ReceiptCode
from tests.support.bundles import finish, prepare
from tests.vectors import attacks_heralds, catalogue, reader, stored
from tests.vectors.forge import CREATED, EXPIRES, META, UNITS, Draft, File, drawn, forge, keys_of, receipt, receipt_file
from tests.vectors.product import Product
from tests.vectors.reader import Outcome, Ring, Signer
from tests.vectors.stored import Case
from tests.vectors.tree import Twig
from tests.vectors.vector import Vector

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECOND_READER = ("reader", "rules", "primitives", "tree", "sm2", "edwards", "stored")
BEYOND_VECTORS = {"replayed", "equivocation", "not-permitted", "class-mismatch"}
"""Codes that need a ledger or a roster; their own tests have them."""

READERS: dict[str, Callable[[bytes, Ring], Outcome]] = {
    "bundle": reader.read_bundle,
    "hub": reader.check_bundle,
    "herald": reader.read_herald,
    "convoy": lambda data, _ring: reader.read_convoy(data),
    "receipts": reader.read_receipts,
    "receipt": reader.read_receipt,
    "findings": reader.read_findings,
    "key": lambda data, _ring: reader.check_key(data),
}


@cache
def forged() -> dict[str, Vector]:
    return {vector.name: vector for vector in catalogue.all_vectors()}


def data_of(case: Case) -> bytes:
    return forged()[case.name].make() if case.data is None else case.data


@cache
def node_keys(who: str, suite: int) -> NodeKeys:
    own = keys_of(who, suite)
    return NodeKeys(Suite(suite), own.sign_seed, own.encrypt_seed)


@cache
def publics() -> dict[bytes, PublicKeys]:
    """Everybody's public keys by their signing half."""
    every = [node_keys(who, suite).public for who in UNITS for suite in (1, 2, 3)]
    return {keys.sign_public: keys for keys in every}


@cache
def seeds() -> dict[bytes, NodeKeys]:
    """Everybody's keys by their encryption seed."""
    every = [node_keys(who, suite) for who in UNITS for suite in (1, 2, 3)]
    return {keys.encrypt_seed: keys for keys in every}


def product(ring: Ring) -> Product:
    return Product(ring, lambda signer: publics()[signer.public], [seeds()[seed] for _, seed in ring.own])


def ring_of(suite: int, sender: str = "alice", own: str = "bob") -> Ring:
    signer = Signer(suite, keys_of(sender, suite).sign_public, UNITS[sender])
    return Ring((signer,), ((suite, keys_of(own, suite).encrypt_seed),), CREATED + 1)


def hashes(members: dict[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(text).hexdigest() for path, text in members.items()}


@pytest.mark.parametrize("case", stored.load(), ids=lambda case: case.name)
def test_both_readers_give_the_outcome_of_the_index(case):
    data = data_of(case)
    second = READERS[case.kind](data, case.ring)
    first = product(case.ring).read(case.kind, data)
    assert (second.code, first.code) == (case.code, case.code)
    assert hashes(dict(second.members)) == case.members
    if case.code == "accepted":
        assert first.members == second.members
        assert first.meta == second.meta


# --- the vectors themselves -------------------------------------------------------------------------------------------


def test_index_and_catalogue_agree():
    cases = {case.name: case for case in stored.load()}
    assert len(cases) == len(stored.load()) >= 80
    assert list(cases) == [vector.name for vector in catalogue.all_vectors()]
    index = catalogue.json.loads((HERE / "index.json").read_text(encoding="utf-8"))
    assert index["keys"] == catalogue.keys()
    for entry, vector in zip(index["vectors"], catalogue.all_vectors(), strict=True):
        assert {key: value for key, value in entry.items() if key not in {"size", "sha256"}} == catalogue.entry_of(
            vector
        )


def test_every_input_is_the_indexed_one_and_can_be_made_again():
    for case in stored.load():
        vector = forged()[case.name]
        if case.data is not None:
            assert hashlib.sha256(case.data).hexdigest() == case.sha256, case.name
        if catalogue.is_repeatable(vector):
            assert hashlib.sha256(vector.make()).hexdigest() == case.sha256, case.name
        else:
            assert case.data is not None, case.name


def test_descriptions_are_one_sentence_and_inputs_differ():
    cases = stored.load()
    assert [case.says for case in cases if not re.fullmatch(r"[^a-z](?:[^.]|\.(?! ))*\.", case.says)] == []
    same = [(case.kind, case.sha256, repr(case.ring)) for case in cases]
    assert len(set(same)) == len(same)


def test_every_code_of_the_page_has_a_vector():
    page = (ROOT / "docs" / "bundle-format.md").read_text(encoding="utf-8")
    steps = re.findall(r"^\| (?:[ABC]\d+)? \| .* \| ([a-z-]+)[^|]*\|$", page, re.M)
    steps += re.findall(r"`((?:receipt|key|convoy)-[a-z-]+)`", page)
    codes = {code for code in steps if code != "its"} - BEYOND_VECTORS
    assert len(codes) > 20
    assert codes | {"accepted", "trailing-bytes"} == {case.code for case in stored.load()}


def test_folder_is_small():
    assert sum(path.stat().st_size for path in HERE.iterdir() if path.is_file()) < 2 * 2**20


# --- the second reader is one -----------------------------------------------------------------------------------------


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("name", [*SECOND_READER, "forge", "vector", "catalogue"])
def test_second_reader_and_forge_import_nothing_of_the_product(name):
    own = {"tests.vectors." + module for module in (*SECOND_READER, "forge", "vector", "catalogue")}
    for found in imports(HERE / f"{name}.py"):
        assert not found.startswith(("gateway", "packers", "gmalg"))
        assert not re.search(r"hpke|cobblestone", found)
        if found.startswith("tests") and name in SECOND_READER:
            assert any(
                found.startswith("tests.vectors." + module) or found == "tests.vectors" for module in SECOND_READER
            )
        assert not found.startswith("tests") or found.startswith((*own, "tests.vectors.attacks_"))


ALONE = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"gateway", "packers", "gmalg"} or name.endswith(("cobblestone", "hpke")):
            raise ImportError(name)

sys.meta_path.insert(0, Blocked())
from tests.vectors import reader, stored
good = [case for case in stored.load() if case.name.startswith("good-") and case.data]
for case in good:
    print(case.name, reader.read_bundle(case.data, case.ring).code == case.code)
assert "gateway" not in sys.modules
"""


def test_second_reader_runs_without_the_product():
    environment = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ALONE]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    lines = dict(line.split() for line in ran.stdout.splitlines())
    assert {"good-classic", "good-pq", "good-gm"} <= set(lines)
    assert set(lines.values()) == {"True"}


# --- bundles of one, read by the other --------------------------------------------------------------------------------

TEXTS = {
    "case-package.json": b'{"case":"A990101-2026-17"}' * 400,
    "content/empty": b"",
    "content/noise.bin": drawn("noise", 1_200_000),
    "content/提请批准逮捕书.txt": "提请批准逮捕书\n".encode() * 20_000,
    "content/one": b"1",
}
MEMBERS = [SealMember(path, None, len(text), lambda text=text: io.BytesIO(text)) for path, text in TEXTS.items()]


@pytest.mark.parametrize("suite", list(Suite))
@pytest.mark.parametrize("seg_log2", [20, 22])
def test_second_reader_opens_what_the_product_seals(suite, seg_log2):
    out, sender = io.BytesIO(), node_keys("alice", suite)
    settings = {"meta": META, "created": CREATED, "expires": EXPIRES, "epoch": 3, "seg_log2": seg_log2}
    recipients = [node_keys(who, suite).public for who in ("carol", "bob")]
    # Alone with segments of a MiB, as one of up to 32 with those of four.
    prepared = prepare(out, MEMBERS, keys=sender, recipients=recipients, depth=5 * (seg_log2 == 22), **settings)
    finish(out, prepared, [4, 5], sender)
    for own in ("bob", "carol"):
        found = reader.read_bundle(out.getvalue(), ring_of(suite, own=own))
        assert (found.code, found.members, found.meta) == ("accepted", TEXTS, META)
    assert reader.check_bundle(out.getvalue(), ring_of(suite)).code == "accepted"
    assert reader.read_bundle(out.getvalue(), ring_of(suite, own="mallory")).code == "not-addressed-to-us"


@pytest.mark.parametrize("suite", list(Suite))
def test_second_reader_reads_the_herald_of_what_the_product_seals(suite):
    out, sender, early = io.BytesIO(), node_keys("alice", suite), []
    settings = {"meta": META, "created": CREATED, "expires": EXPIRES, "epoch": 3, "herald": True}
    to = [node_keys("bob", suite).public]
    prepare(out, MEMBERS, keys=sender, recipients=to, placed=lambda *_: early.append(out.getvalue()), **settings)
    found = reader.read_herald(early[0], ring_of(suite))
    assert (found.code, found.members.keys(), found.meta) == ("accepted", TEXTS.keys(), META)


@pytest.mark.parametrize("suite", list(Suite))
def test_product_opens_what_the_forge_writes(suite):
    files = [File(path, text) for path, text in TEXTS.items()]
    raw = forge(Draft(suite=suite, files=files, to=("bob", "carol")))
    for own in ("bob", "carol"):
        found = product(ring_of(suite, own=own)).read("bundle", raw)
        assert (found.code, found.members, found.meta) == ("accepted", TEXTS, META)


@pytest.mark.parametrize("suite", list(Suite))
def test_second_reader_reads_the_products_receipts(suite):
    alice, bob = node_keys("alice", suite), node_keys("bob", suite)
    header_hash = digest("ab" * 32)
    said = {"bundle_id": bundle_id("cd" * 16), "header_hash": header_hash, "size": 5, "issuer": unit_code(UNITS["bob"])}
    said |= {"origin": unit_code(UNITS["alice"]), "recipient": None, "epoch": 3, "sequence": 7, "issued_at": CREATED}
    findings = seal_findings("发现".encode(), alice.public, header_hash)
    plain = Receipt(**said, code=ReceiptCode.DELIVERED)
    full = Receipt(
        **said, code=ReceiptCode.VALIDATION_FAILED, reasons=("ZIP-CRC",), findings=findings, checkpoint="案\n"
    )
    raw = join_receipts([sign_receipts([plain], bob)[0], sign_receipts([plain, plain, full], bob)[2]])
    found = reader.read_receipts(raw, ring_of(suite, sender="bob"))
    assert found.code == "accepted"
    assert [one["code"] for one in found.receipts] == ["110", "204"]
    assert found.receipts[1] | {"findings": ""} == {
        "v": 1, "bundle_id": "cd" * 16, "header_hash": "ab" * 32, "size": 5, "code": "204", "issuer": UNITS["bob"],
        "origin": UNITS["alice"], "recipient": "", "epoch": 3, "sequence": 7, "issued_at": CREATED,
        "reasons": ["ZIP-CRC"],
        "findings": "", "checkpoint": "案\n",
    }  # fmt: skip
    assert reader.open_findings(found.receipts[1], ring_of(suite, own="alice")) == "发现".encode()


# --- every byte matters -----------------------------------------------------------------------------------------------

SMALL = (File("a", b"text"),)
STEPS = {Suite.CLASSIC: 1, Suite.PQ: 19, Suite.GM: 41}


def changed(raw: bytes, step: int) -> Iterator[tuple[str, bytes]]:
    """Every step-th byte flipped in one of its bits in turn, and the whole cut there."""
    for at in range(0, len(raw), step):
        yield f"flip {at}", raw[:at] + bytes((raw[at] ^ 1 << at % 8,)) + raw[at + 1 :]
        yield f"cut {at}", raw[:at]
    yield "trailing", raw + b"\x00"


@pytest.mark.parametrize("suite", list(Suite))
def test_any_flip_or_cut_of_a_bundle_is_refused_by_both_with_one_code(suite):
    ring = ring_of(suite)
    first, raw = product(ring), forge(Draft(suite=suite, files=SMALL, meta={}))
    assert reader.read_bundle(raw, ring).code == first.read("bundle", raw).code == "accepted"
    for what, data in changed(raw, STEPS[suite]):
        codes = reader.read_bundle(data, ring).code, first.read("bundle", data).code
        assert codes[0] == codes[1] != "accepted", (what, codes)


def test_any_flip_or_cut_of_what_is_shared_is_refused_by_both_with_one_code():
    twig = Twig(3, 5)
    bundle = forge(Draft(files=SMALL, meta={}, flags=3, twig=twig))
    letter = receipt_file([receipt(twig=twig)])
    for kind, raw, sender in (("bundle", bundle, "alice"), ("receipts", letter, "bob")):
        ring = ring_of(1, sender=sender)
        first, second = product(ring), READERS[kind]
        assert second(raw, ring).code == first.read(kind, raw).code == "accepted"
        for what, data in changed(raw, 3):
            codes = second(data, ring).code, first.read(kind, data).code
            assert codes[0] == codes[1] != "accepted", (kind, what, codes)


def test_any_flip_or_cut_of_a_herald_is_refused_by_both_with_one_code():
    ring = ring_of(1)
    first, raw = product(ring), attacks_heralds.Herald(Draft(files=SMALL, meta={})).make()
    assert reader.read_herald(raw, ring).code == first.read("herald", raw).code == "accepted"
    for what, data in changed(raw, 1):
        codes = reader.read_herald(data, ring).code, first.read("herald", data).code
        assert codes[0] == codes[1], (what, codes)
        assert codes[0] != "accepted" or what == "trailing", what


@pytest.mark.parametrize("suite", list(Suite))
def test_any_flip_or_cut_of_a_receipt_file_is_refused_by_both_with_one_code(suite):
    ring = ring_of(suite, sender="bob")
    first, raw = product(ring), receipt_file([receipt(suite=suite)])
    assert reader.read_receipts(raw, ring).code == first.read("receipts", raw).code == "accepted"
    for what, data in changed(raw, STEPS[suite]):
        codes = reader.read_receipts(data, ring).code, first.read("receipts", data).code
        assert codes[0] == codes[1] != "accepted", (what, codes)


def test_any_flip_in_manifest_and_data_that_the_sender_signs_is_refused_by_both_with_one_code():
    """The outer hashes follow the flip, so that only the encryption can tell."""
    ring = ring_of(1)
    first, whole = product(ring), forge(Draft(files=SMALL, meta={}))
    manifest, data = (int.from_bytes(whole[at : at + 8], "big") for at in (48, 56))
    for part, length in (("sealed", manifest), ("data", data)):
        for at in range(length):
            raw = forge(
                Draft(files=SMALL, meta={}, **{part: lambda b, at=at: b[:at] + bytes((b[at] ^ 1,)) + b[at + 1 :]})
            )
            codes = reader.read_bundle(raw, ring).code, first.read("bundle", raw).code
            assert codes == ("content-auth-failed",) * 2, (part, at)
