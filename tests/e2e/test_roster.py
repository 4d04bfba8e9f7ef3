"""A roster on real daemons: a newer version travels by the link, is in use at once, and keeps out whom it revokes."""

import pytest

from gateway.bundle.card import parse_card
from gateway.compose.identity import load_keyring, load_settings
from gateway.domain.clock import SystemClock
from gateway.domain.lifecycle import State
from gateway.roster.content import RosterUnit
from gateway.roster.drafting import revoke
from tests.support.nodes import Node, Pair, eventually
from tests.support.rosters import Authority, install, invented, listed, roster_of, with_plain_files


def entry(node: Node, role: str) -> RosterUnit:
    settings = load_settings(node.config)
    card = load_keyring(settings, {}).card(settings.node.unit, settings.node.name)
    return listed(parse_card(card), role)


def in_use(node: Node, version: int) -> None:
    eventually(lambda: node.logged("roster-in-use", version=version), f"version {version} in use")


@pytest.mark.long
def test_a_version_travels_and_who_is_revoked_by_it_is_kept_out(pair: Pair) -> None:
    now = int(SystemClock().now())
    authority = Authority()
    units = entry(pair.police, "police"), entry(pair.procuratorate, "procuratorate")
    first = authority.issue(with_plain_files(roster_of(*units)))
    for node in pair.nodes:
        install(node.state, first, authority, now)
    for node in pair.nodes:
        in_use(node, 1)
    pair.drop("by-the-roster.txt", b"one")
    assert pair.content(pair.ferried("by-the-roster.txt")) == b"one"

    second = authority.issue(with_plain_files(roster_of(*units, invented("990103"), version=2)))
    install(pair.police.state, second, authority, now)
    in_use(pair.police, 2)
    in_use(pair.procuratorate, 2)  # it came by the link

    refused = len(pair.procuratorate.logged("server-login-failed"))
    content = revoke(roster_of(*units, version=3), units[0].unit, now, compromised=True)
    install(pair.procuratorate.state, authority.issue(content), authority, now)
    in_use(pair.procuratorate, 3)
    pair.drop("too-late.txt", b"two")
    eventually(lambda: len(pair.procuratorate.logged("server-login-failed")) > refused, "the police kept out")
    late = pair.police.outbound("too-late.txt")
    assert late is None or late.state in (State.FOUND, State.SEALED)
