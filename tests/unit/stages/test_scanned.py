"""What holds a virus is neither sealed nor delivered; what cannot be scanned waits, is held or passes."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.compose.acting import Operator
from gateway.compose.identity import Identity
from gateway.domain.errors import GatewayError, TransientError
from gateway.domain.lifecycle import State
from gateway.domain.records import Action, ReceiptCode, known
from gateway.domain.scanning import WhenDown, WhenTooLarge
from gateway.domain.sources import SOURCE_UPGRADE, Seen
from gateway.settings.node import MalwareSettings
from gateway.stages.suspects import QuarantineDesk, Suspect
from tests.support.clamd import HARMLESS, LIMIT, NOT_INSTALLED, SIGNATURE, clamd
from tests.support.exports import PoliceExport
from tests.support.houses import IN, OUT, House, Street, opened, street
from tests.support.sftpservers import program
from tests.support.upgrading import Desk


@pytest.fixture(scope="module")
def scanner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if program("clamd") is None:
        pytest.skip(NOT_INSTALLED)
    with clamd(tmp_path_factory.mktemp("clamd")) as running:
        yield running


def equipped(place: Path, **changed: object) -> Callable[[Identity], Identity]:
    malware = MalwareSettings(socket=place, largest=LIMIT, timeout=20.0).model_copy(update=changed)

    def equip(identity: Identity) -> Identity:
        return replace(identity, settings=identity.settings.model_copy(update={"malware": malware}))

    return equip


def scanned_by(house: House, place: Path, **changed: object) -> None:
    house.equip = equipped(place, **changed)


def quarantined(house: House) -> list[Path]:
    return [one.path for one in house.ground.quarantine.listing()]


def test_a_clean_export_is_scanned_on_both_sides_and_delivered(closed: Street, scanner: Path) -> None:
    for house in closed.houses:
        scanned_by(house, scanner)
    with opened(closed) as made:
        made.drop("a.txt", b"clean")
        made.settle()
        assert made.delivered() == {"a.txt": b"clean"}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "zipped"])
def test_an_infected_export_is_set_aside_and_not_given_back(closed: Street, scanner: Path, packed: bool) -> None:
    content = HARMLESS
    if packed:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("inside.txt", HARMLESS)
        content = out.getvalue()
    scanned_by(closed.police, scanner)
    with opened(closed) as made:
        made.drop("a.bin", content)
        made.settle()
        transfer = made.police.only(OUT)
        assert (transfer.state, transfer.bundle_id) == (State.REFUSED, None)
        (aside,) = quarantined(made.police)
        assert (aside / "a.bin").read_bytes() == content
        assert (aside.stat().st_mode & 0o077, aside.parent.stat().st_mode & 0o077) == (0, 0)
        assert not list((made.out / "reject").glob("*"))
        assert not made.police.ground.shelf.tokens()
        assert "malware-found" in made.police.log.alerts()
        (told,) = made.police.log.of("malware-found")
        assert told["signature"] == SIGNATURE
        report = json.loads((made.out / "err" / "a.bin.err.json").read_bytes())
        assert [one["code"] for one in report["findings"]] == ["MALWARE"]
        assert HARMLESS.decode() not in json.dumps(report)


def test_what_a_power_cut_left_of_an_infected_export_is_set_aside_at_the_next_start(
    closed: Street, scanner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(_self: QuarantineDesk, _path: Path, _suspect: Suspect) -> None:
        raise TransientError("power-cut", "here")

    scanned_by(closed.police, scanner)
    with opened(closed) as made, monkeypatch.context() as patch:
        patch.setattr(QuarantineDesk, "take_folder", dies)
        made.drop("a.bin", HARMLESS)
        made.settle()
        assert made.police.only(OUT).state is State.REFUSED
        assert quarantined(made.police) == []
    with opened(street(closed.root, closed.clock)) as made:
        made.go("police:claim")
        assert len(quarantined(made.police)) == 1
        assert not (made.out / "reject").exists()


def test_an_infected_member_of_a_case_is_found_although_the_zip_is_too_large_for_the_scanner(
    closed: Street, scanner: Path
) -> None:
    scanned_by(closed.police, scanner, largest=1000)
    with opened(closed) as made:
        PoliceExport().with_file("文书/a.txt", HARMLESS).drop(made.out.with_name("police"))
        made.work(20)
        (told,) = made.police.log.of("malware-found")
        assert told["signature"] == SIGNATURE
        assert made.police.only(OUT).state is State.REFUSED


def test_an_infected_export_of_a_paused_source_is_set_aside_as_any_other(closed: Street, scanner: Path) -> None:
    scanned_by(closed.police, scanner)
    with opened(closed) as made:
        desk = Desk(made)
        desk.drop(1)
        made.work(10)
        (source,) = made.police.ledger.sources.all()
        made.police.ledger.sources.pause(source.id, (Seen("version", "", "2.1", "2.2"),), "")
        desk.drop(1, PoliceExport().with_file("文书/a.txt", HARMLESS))
        desk.drop(1)
        made.work(10)
        infected, clean = desk.transfers()[1:]
        assert (infected.state, clean.hold_code) == (State.REFUSED, SOURCE_UPGRADE)
        assert len(quarantined(made.police)) == 1
        assert not made.police.ground.shelf.is_held(known(infected.claim))


def test_an_infected_bundle_is_not_delivered_and_is_refused_with_204(closed: Street, scanner: Path) -> None:
    scanned_by(closed.procuratorate, scanner)
    with opened(closed) as made:
        made.drop("a.bin", HARMLESS)
        made.settle()
        arrived, sent = made.procuratorate.only(IN), made.police.only(OUT)
        assert (arrived.state, sent.state) == (State.DISMISSED, State.REFUSED)
        assert not list(made.into.iterdir())
        assert len(quarantined(made.procuratorate)) == 1
        (receipt,) = made.police.ledger.receipts(known(sent.bundle_id))
        assert receipt.code == ReceiptCode.VALIDATION_FAILED
        assert "bundle-quarantined" in made.procuratorate.log.alerts()
        assert not [path for path in made.leftovers() if "staging" in path]


def test_while_the_scanner_is_down_exports_wait_and_somebody_is_told_once(closed: Street, tmp_path: Path) -> None:
    scanned_by(closed.police, tmp_path / "none", alarm_after=60.0)
    with opened(closed) as made:
        made.drop("a.txt", b"clean")
        made.work(40)
        transfer = made.police.only(OUT)
        assert (transfer.state, transfer.last_error) == (State.FOUND, "scanner-down")
        assert "scanner-silent" not in made.police.log.alerts()
        made.work(20, seconds=30.0)
        assert made.police.log.alerts().count("scanner-silent") == 1


def test_once_the_scanner_is_back_what_waited_goes_on(closed: Street, tmp_path: Path, scanner: Path) -> None:
    place = tmp_path / "clamd.sock"
    scanned_by(closed.police, place, alarm_after=0.0)
    with opened(closed) as made:
        made.drop("a.txt", b"clean")
        made.work(10)
        assert made.police.only(OUT).state is State.FOUND
        place.symlink_to(scanner)
        made.settle()
        assert made.delivered() == {"a.txt": b"clean"}
        assert made.police.log.of("scanner-answers-again")


@pytest.mark.parametrize("size", [5, 20], ids=["down", "too-large"])
def test_what_may_pass_unscanned_goes_on_with_a_mark(closed: Street, tmp_path: Path, size: int) -> None:
    passing = {"when_down": WhenDown.PASS, "when_too_large": WhenTooLarge.PASS}
    scanned_by(closed.police, tmp_path / "none", largest=10, **passing)
    scanned_by(closed.procuratorate, tmp_path / "none", when_down=WhenDown.PASS)
    with opened(closed) as made:
        made.drop("a.txt", b"x" * size)
        made.settle()
        assert list(made.delivered()) == ["a.txt"]
        assert made.police.only(OUT).verdict == "warn"


@pytest.mark.parametrize("size", [5, 20], ids=["down", "too-large"])
def test_what_is_held_unscanned_goes_on_once_a_person_releases_it(closed: Street, tmp_path: Path, size: int) -> None:
    scanned_by(closed.police, tmp_path / "none", largest=10, when_down=WhenDown.HOLD)
    with opened(closed) as made:
        made.drop("a.txt", b"x" * size)
        made.work(10)
        held = made.police.only(OUT)
        assert (held.state, held.hold_code) == (State.FOUND, "export-held")
        made.police.ledger.release(held, "zhang", "scanned by hand")
        made.settle()
        assert list(made.delivered()) == ["a.txt"]


def decide(house: House, action: Action) -> None:
    (thing,) = house.ground.quarantine.listing()
    Operator(house.identity.settings, "zhang", house.clock).decide(action, thing.id, "looked at by hand")


def test_a_bundle_that_cannot_be_scanned_waits_for_a_person_who_may_let_it_pass(closed: Street, tmp_path: Path) -> None:
    scanned_by(closed.procuratorate, tmp_path / "none", when_down=WhenDown.HOLD)
    with opened(closed) as made:
        made.drop("a.txt", b"x")
        made.work(20)
        assert made.procuratorate.only(IN).state is State.QUARANTINED
        assert not list(made.into.iterdir())
        decide(made.procuratorate, Action.RECHECK)
        made.work(5)
        assert made.procuratorate.only(IN).state is State.QUARANTINED
        decide(made.procuratorate, Action.RELEASE)
        made.settle()
        assert made.delivered() == {"a.txt": b"x"}


def test_nobody_can_release_what_a_scanner_found(closed: Street, scanner: Path) -> None:
    scanned_by(closed.police, scanner)
    with opened(closed) as made:
        made.drop("a.bin", HARMLESS)
        made.settle()
        with pytest.raises(GatewayError):
            decide(made.police, Action.RELEASE)
        assert len(quarantined(made.police)) == 1
