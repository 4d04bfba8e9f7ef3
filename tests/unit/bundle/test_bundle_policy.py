"""Policy: what a node's own rules and memory say to a true envelope, and the names under which bundles travel."""

import pytest

from gateway.bundle import policy
from gateway.bundle.names import Kind, bundle_name, parse
from gateway.bundle.policy import Skew
from gateway.bundle.suites import Suite
from gateway.domain.errors import PermanentError, SecurityError
from gateway.domain.ids import bundle_id, digest

CREATED, EXPIRES = 1_000_000, 1_086_400


@pytest.fixture
def envelope(classic):
    return classic.envelope(classic.seal({"a": b"x"}, created=CREATED, expires=EXPIRES))


def refused(kind, code, act, *arguments):
    with pytest.raises(kind) as caught:
        act(*arguments)
    assert caught.value.code == code


def test_expired(envelope):
    policy.check_not_expired(envelope, EXPIRES)
    refused(PermanentError, "expired", policy.check_not_expired, envelope, EXPIRES + 0.1)


def test_key_validity_is_judged_at_creation(envelope):
    policy.check_key_valid(envelope, CREATED, CREATED)
    refused(SecurityError, "key-not-valid", policy.check_key_valid, envelope, CREATED + 1, EXPIRES)
    refused(SecurityError, "key-not-valid", policy.check_key_valid, envelope, 0, CREATED - 1)


def test_pinned_suites(envelope):
    policy.check_suite_accepted(envelope, {Suite.CLASSIC, Suite.PQ})
    refused(SecurityError, "suite-refused", policy.check_suite_accepted, envelope, {Suite.PQ})


def test_replay_and_equivocation(envelope):
    policy.check_not_replayed(envelope, None)
    refused(SecurityError, "replayed", policy.check_not_replayed, envelope, envelope.header_hash)
    refused(SecurityError, "equivocation", policy.check_not_replayed, envelope, digest("0" * 64))


def test_sequence_taken(envelope):
    policy.check_sequence_unused(envelope, None)
    policy.check_sequence_unused(envelope, envelope.bundle_id)
    refused(SecurityError, "equivocation", policy.check_sequence_unused, envelope, bundle_id("0" * 32))


def test_permission(envelope):
    policy.check_permitted(True)
    refused(PermanentError, "not-permitted", policy.check_permitted, False)


def test_size_limits(envelope):
    policy.check_not_too_large(envelope, envelope.size)
    refused(PermanentError, "too-large", policy.check_not_too_large, envelope, envelope.size - 1)
    policy.check_size(envelope, envelope.size)
    refused(SecurityError, "truncated", policy.check_size, envelope, envelope.size - 1)
    refused(SecurityError, "trailing-bytes", policy.check_size, envelope, envelope.size + 1)


@pytest.mark.parametrize(
    ("behind", "verdict"),
    [(-(10**9), Skew.AGREES), (300, Skew.AGREES), (301, Skew.WARN), (86400, Skew.WARN), (86401, Skew.HOLD)],
)
def test_clock_skew(envelope, behind, verdict):
    assert policy.clock_skew(envelope, CREATED - behind, policy.SkewLimits()) is verdict


def test_names():
    ident = bundle_id("0123456789abcdef" * 2)
    assert bundle_name(ident) == "0123456789abcdef0123456789abcdef.cfb"
    assert parse(bundle_name(ident)) == (Kind.BUNDLE, ident)
    assert parse(f"{ident}.cfc") == (Kind.CONVOY, ident)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".cfb",
        "0" * 32,
        "0" * 31 + ".cfb",
        "0" * 33 + ".cfb",
        "A" * 32 + ".cfb",
        "0" * 32 + ".cfb\n",
        "0" * 32 + ".CFB",
        "0" * 32 + ".cfb.tmp",
        "../" + "0" * 32 + ".cfb",
        "0" * 32 + ".cfx",
        "．" + "0" * 31 + ".cfb",
    ],
)
def test_other_names(name):
    assert parse(name) is None
