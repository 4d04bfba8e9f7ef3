"""A sound configuration becomes typed values; whatever is not said takes the safe value."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings.links import Initiate, LinkSettings, TransportKind
from gateway.settings.load import check, load
from gateway.settings.node import Language, LogLevel
from tests.support.configs import LINK, NODE, ROUTES, config


def test_what_is_said_is_typed(tmp_path: Path) -> None:
    settings = load(config(tmp_path))
    assert (settings.node.unit, settings.node.name, settings.node.language) == (
        "990102000000",
        "示例区公安局",
        Language.AUTO,
    )
    (link,) = settings.links
    assert (link.name, link.peer, link.transport, link.initiate) == (
        "procuratorate",
        "990102",
        TransportKind.SFTP,
        Initiate.BOTH,
    )
    assert link.sftp is not None
    assert (link.sftp.host, link.sftp.port) == ("10.0.0.2", 2222)
    assert settings.outbound[0].receiver("990102") == "990102"
    assert settings.outbound[0].receiver("anything else") is None
    assert settings.inbound[0].takes("990102", "arrest-request")
    assert settings.link_to("990102") is link
    assert settings.link_to("999999") is None


def test_paths_are_seen_from_the_folder_of_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(tmp_path)
    monkeypatch.chdir(tmp_path)
    settings = load(Path("config"))
    assert settings.paths.state == tmp_path / "state"
    assert settings.outbound[0].folder == tmp_path / "out"
    assert settings.ledger_path == tmp_path / "state" / "ledger" / "ledger.db"


def test_folders_below_state_follow_it_unless_set(tmp_path: Path) -> None:
    settings = load(config(tmp_path, NODE + "  spool: /fast/spool\n"))
    paths = settings.paths.model_dump()
    assert paths.pop("state") == tmp_path / "state"
    assert paths.pop("spool") == Path("/fast/spool")
    assert paths == {name: tmp_path / "state" / name for name in paths}
    assert set(paths) == {"mailboxes", "quarantine", "keys", "peers", "ledger", "log"}


def test_defaults_are_the_safe_values(tmp_path: Path) -> None:
    settings = load(config(tmp_path))
    assert settings.server.listen == "127.0.0.1"
    assert settings.timing.stable_scans == 3
    assert settings.timing.drain < 10
    assert settings.limits.free_space == 2 << 30
    assert settings.server.quota >= settings.limits.bundle
    assert settings.log.level is LogLevel.INFO


def test_durations_and_sizes_become_seconds_and_bytes(tmp_path: Path) -> None:
    text = (
        "timing:\n  scan_every: 250ms\n  receipt_timeout: 1h 30m\nserver:\n  quota: 1.5 TiB\nlimits: {bundle: 5 GiB}\n"
    )
    settings = load(config(tmp_path, NODE + text))
    assert settings.timing.scan_every == 0.25
    assert settings.timing.receipt_timeout == 5400
    assert settings.server.quota == 3 << 39
    assert settings.limits.bundle == 5 << 30


@pytest.mark.parametrize(
    ("text", "unit"), [('"0110"', "0110"), ("AB12", "AB12"), ("'990102'", "990102"), ('"12E5"', "12E5")]
)
def test_a_unit_code_in_quotes_keeps_every_digit(tmp_path: Path, text: str, unit: str) -> None:
    settings = load(config(tmp_path, link=LINK.replace('"990102"', text), routes=""))
    assert settings.links[0].peer == unit


def test_words_that_older_yaml_takes_for_truth_stay_words(tmp_path: Path) -> None:
    settings = load(config(tmp_path, NODE.replace("示例区公安局", "no"), link=LINK.replace("procuratorate", "on")))
    assert settings.node.name == "no"
    assert settings.links[0].name == "on"


@pytest.mark.parametrize(
    ("initiate", "deposit", "collect", "hosts"),
    [
        ("push", True, False, True),
        ("pull", False, True, True),
        ("both", True, True, False),
        ("none", False, False, True),
    ],
)
def test_who_calls_says_who_hosts(tmp_path: Path, initiate: str, deposit: bool, collect: bool, hosts: bool) -> None:
    text = LINK if initiate != "none" else LINK.split("sftp")[0]
    (link,) = load(config(tmp_path, link=text + f"initiate: {initiate}\n")).links
    assert (link.calls_to_deposit, link.calls_to_collect, link.hosts_mailbox) == (deposit, collect, hosts)


def test_a_folder_link_hosts_nothing(tmp_path: Path) -> None:
    text = LINK.split("sftp")[0] + "transport: folder\nfolder: {deposit: /ferry/out, collect: /ferry/in}\n"
    (link,) = load(config(tmp_path, link=text)).links
    assert not link.hosts_mailbox
    assert link.folder is not None
    assert link.folder.deposit == Path("/ferry/out")


def test_the_most_specific_inbound_route_takes_a_delivery(tmp_path: Path) -> None:
    routes = "inbound:\n" + "".join(
        f"  - {{name: {name}, folder: ../{name}, packer: folder, senders: [{sender}], flows: [{flow}]}}\n"
        for name, sender, flow in (
            ("rest", '"*"', '"*"'),
            ("flow", '"*"', "arrest-request"),
            ("peer", '"990102"', '"*"'),
            ("both", '"990102"', "arrest-request"),
        )
    )
    other = LINK.replace("990102", "990103").replace("procuratorate", "court")
    settings = load(config(tmp_path, routes=routes, link_b=other))
    chosen = {
        (sender, flow): next(route.name for route in settings.inbound if route.takes(sender, flow))
        for sender in ("990102", "990103")
        for flow in ("arrest-request", "other-flow")
    }
    assert chosen == {
        ("990102", "arrest-request"): "both",
        ("990102", "other-flow"): "peer",
        ("990103", "arrest-request"): "flow",
        ("990103", "other-flow"): "rest",
    }


def test_nothing_takes_what_no_route_names(tmp_path: Path) -> None:
    settings = load(config(tmp_path, routes=ROUTES + "    flows: [arrest-request]\n"))
    assert not any(route.takes("990102", "other-flow") for route in settings.inbound)


def test_a_star_stands_for_every_receiver_code(tmp_path: Path) -> None:
    settings = load(config(tmp_path, routes=ROUTES.replace('"990102": "990102"', '"*": "990102"')))
    assert settings.outbound[0].receiver("") == "990102"


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = load(config(tmp_path))
    with pytest.raises(ValidationError, match="frozen"):
        settings.node.name = "other"  # type: ignore[misc] # the point is to try


def test_the_same_folder_read_twice_gives_equal_settings(tmp_path: Path) -> None:
    folder = config(tmp_path)
    assert load(folder) == load(folder)


def test_backups_and_hidden_files_are_not_read(tmp_path: Path) -> None:
    folder = config(tmp_path)
    for name in ("a.yaml~", ".a.yaml.swp", "a.yaml.bak", "a.yaml.rpmnew"):
        (folder / "links.d" / name).write_text("?: [")
    assert check(folder).complaints == ()


def test_links_and_routes_may_be_absent(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(NODE, encoding="utf-8")
    settings = load(tmp_path)
    assert (settings.links, settings.outbound, settings.inbound) == ((), (), ())


def test_files_are_taken_in_the_order_of_their_names(tmp_path: Path) -> None:
    other = LINK.replace("990102", "990103").replace("procuratorate", "court")
    settings = load(config(tmp_path, link_c=other, link_B=other.replace("990103", "990104").replace("court", "prison")))
    assert [link.name for link in settings.links] == ["prison", "procuratorate", "court"]


def test_a_byte_order_mark_is_not_part_of_the_text(tmp_path: Path) -> None:
    assert load(config(tmp_path, b"\xef\xbb\xbf" + NODE.encode())).node.unit == "990102000000"


def test_settings_made_in_code_take_seconds_and_bytes() -> None:
    link = LinkSettings.model_validate({"name": "a", "peer": "990102", "poll_every": 0.05, "max_bundle": 1 << 20})
    assert (link.poll_every, link.max_bundle) == (0.05, 1 << 20)
