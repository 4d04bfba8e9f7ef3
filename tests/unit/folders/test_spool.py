"""The spool's places: private, from checked ids, with nothing left of an earlier run's half-written work."""

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.errors import GatewayError
from gateway.domain.ids import bundle_id, claim_token, link_name, wire_name
from gateway.folders.deliveries import Import, begun, publish_together
from gateway.folders.spool import Spool
from tests.support.calls import Call, met
from tests.support.crashing import dies_at
from tests.support.powercuts import PowerCut
from tests.support.wholly import in_order

BUNDLE, OTHER = bundle_id("b" * 32), bundle_id("c" * 32)
TOKEN = claim_token("a" * 32)
LINK = link_name("to-hub")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return spool


def test_everything_is_private_and_preparing_may_be_repeated(tmp_path: Path, spool: Spool) -> None:
    assert spool.prepare() == 0
    folders = [path for path in (tmp_path / "spool").rglob("*") if path.is_dir()]
    assert {path.name for path in folders} == {"claims", "outbox", "outbound", "relayed", "inbound", "staging"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


def test_half_written_files_of_an_earlier_run_are_removed_and_whole_ones_stay(spool: Spool) -> None:
    spool.sealing(TOKEN).write_bytes(b"half")
    spool.fetching(LINK, BUNDLE).write_bytes(b"half")
    spool.fetching(LINK, OTHER).write_bytes(b"whole")
    spool.keep_fetched(LINK, [OTHER])
    spool.fresh_staging(LINK, BUNDLE).make()
    assert spool.prepare() == 3  # the members of a bundle that was being opened
    assert not spool.sealing(TOKEN).exists()
    assert not spool.fetching(LINK, BUNDLE).exists()
    assert spool.inbound_bundle(LINK, OTHER).read_bytes() == b"whole"
    assert spool.stagings() == [(LINK, BUNDLE)]


def test_sealed_bundles_get_their_names_together_and_again(spool: Spool) -> None:
    second = claim_token("d" * 32)
    for token in (TOKEN, second):
        spool.sealing(token).write_bytes(token.encode())
    pairs = [(TOKEN, BUNDLE), (second, OTHER)]
    points = 0
    while dies_at(points, lambda: spool.keep_sealed(pairs)):
        spool.keep_sealed(pairs)
        assert spool.outbound_bundle(BUNDLE, TOKEN).read_bytes() == TOKEN.encode()
        assert spool.outbound_bundle(OTHER, second).read_bytes() == second.encode()
        for token, bundle in pairs:
            spool.outbound_bundle(bundle, token).rename(spool.sealing(token))
        points += 1
    assert points >= 4
    assert spool.outbound_bundle(BUNDLE, TOKEN).name == f"{BUNDLE}-{TOKEN}.cfb"
    spool.keep_sealed(pairs)
    assert sorted(spool.outbound_bundles()) == sorted((bundle, token) for token, bundle in pairs)


@pytest.mark.parametrize("is_ordered", [False, True], ids=["each by itself", "in order"])
def test_what_got_its_name_before_a_failure_lasts_once_it_is_kept_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, is_ordered: bool
) -> None:
    if is_ordered:
        in_order(monkeypatch)
    power = PowerCut(spool.claims.parent)
    calls: list[str] = []

    def fails_once_named(call: Call) -> Any:
        calls.append(call.name)
        if call.name in {"fsync", "conclude"} and calls.count("replace") and not calls.count("failed"):
            calls.append("failed")
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return power.around(call)

    with met(fails_once_named, spool.claims.parent):
        spool.sealing(TOKEN).write_bytes(b"sealed")
        with pytest.raises(GatewayError):
            spool.keep_sealed([(TOKEN, BUNDLE)])
        spool.keep_sealed([(TOKEN, BUNDLE)])
        power.cut()
    assert spool.outbound_bundle(BUNDLE, TOKEN).read_bytes() == b"sealed"


def test_a_bundle_that_is_nowhere_cannot_be_kept(spool: Spool) -> None:
    with pytest.raises(GatewayError):
        spool.keep_sealed([(TOKEN, BUNDLE)])


def test_the_same_id_from_two_links_never_meets(spool: Spool) -> None:
    other = link_name("to-court")
    assert spool.inbound_bundle(LINK, BUNDLE) != spool.inbound_bundle(other, BUNDLE)
    assert spool.staging(LINK, BUNDLE).imports != spool.staging(other, BUNDLE).imports
    assert spool.fetching(LINK, BUNDLE) != spool.fetching(other, BUNDLE)


def test_a_fresh_staging_folder_is_empty(spool: Spool) -> None:
    for is_begun in (False, True):
        staging = spool.fresh_staging(LINK, BUNDLE)
        staging.make()
        (staging.members / "old").touch()
        (staging.imports / "old").touch()
        if is_begun:
            staging.imports.rename(begun(staging.imports))
        staging.make()
        assert spool.staging(LINK, BUNDLE) == staging == spool.fresh_staging(LINK, BUNDLE)
        assert list(staging.members.iterdir()) == []
        assert list(staging.imports.iterdir()) == []


def test_a_half_dropped_staging_folder_is_never_an_import_that_waits(tmp_path: Path, spool: Spool) -> None:
    inbound = tmp_path / "in"
    inbound.mkdir()
    points = 0
    while True:
        spool.fresh_staging(LINK, BUNDLE).make()
        for name in ("note", "mark"):
            (spool.staging(LINK, BUNDLE).imports / name).write_bytes(b"x")
        assert publish_together([Import(spool.staging(LINK, BUNDLE).imports, ("mark",))], inbound) == [None]
        (inbound / "mark").unlink()
        if not dies_at(points, lambda: spool.drop_staging(LINK, BUNDLE)):
            break
        imports = spool.staging(LINK, BUNDLE).imports
        if imports.exists():
            assert (imports / "note").exists()
            assert publish_together([Import(imports, ("mark",))], inbound) == [None]
            assert not (inbound / "mark").exists()
        spool.prepare()
        spool.drop_staging(LINK, BUNDLE)
        assert spool.stagings() == []
        points += 1
    assert points > 2


def test_dropping_what_is_gone_is_no_error(spool: Spool) -> None:
    spool.drop(spool.outbound_bundle(BUNDLE, TOKEN))
    spool.drop_staging(LINK, BUNDLE)


def test_half_fetched_bundles_of_today_are_kept_to_be_continued(spool: Spool) -> None:
    old, fresh = spool.fetching(LINK, OTHER), spool.fetching(LINK, BUNDLE)
    letter = spool.letter(LINK, wire_name(f"{BUNDLE}.cfr"))
    stranger = fresh.with_name(".stranger.part")
    for path, written in ((old, 999.0), (fresh, 1000.0), (letter, 2000.0), (stranger, 2000.0)):
        path.write_bytes(b"half")
        os.utime(path, (written, written))
    spool.sealing(TOKEN).write_bytes(b"half")
    assert spool.prepare(fetching_since=1000.0) == 4
    assert fresh.read_bytes() == b"half"
    assert [path.exists() for path in (old, letter, stranger, spool.sealing(TOKEN))] == [False] * 4
