"""Errors travel between processes and lose nothing on the way."""

import copy
import pickle

import pytest

from gateway.domain.errors import ConfigError, GatewayError, PermanentError, Scope, SecurityError, TransientError

KINDS = (GatewayError, TransientError, PermanentError, SecurityError, ConfigError)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("carry", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
def test_an_error_survives_the_journey(kind: type[GatewayError], carry: object) -> None:
    error = kind("disk-full", "no space left", scope=Scope.NODE, facts={"free": 12, "path": "spool"})
    arrived = carry(error)
    assert type(arrived) is kind
    assert (arrived.code, arrived.detail, arrived.scope, arrived.facts) == (
        "disk-full",
        "no space left",
        Scope.NODE,
        {"free": 12, "path": "spool"},
    )
    assert (str(arrived), arrived.args) == (str(error), error.args)


def test_an_error_without_a_word_shows_its_code() -> None:
    error = TransientError("link-timeout")
    assert (str(error), error.scope, error.facts) == ("link-timeout", Scope.TRANSFER, {})
    assert str(TransientError("link-timeout", "60 s")) == "link-timeout: 60 s"


def test_facts_are_the_errors_own() -> None:
    given = {"free": 12}
    error = TransientError("disk-full", facts=given)
    given["free"] = 0
    assert error.facts == {"free": 12}
    assert PermanentError("x").facts is not PermanentError("y").facts


def test_the_kinds_exclude_each_other() -> None:
    leaves = KINDS[1:]
    assert [kind for kind in leaves if any(issubclass(kind, other) for other in leaves if other is not kind)] == []
    assert all(issubclass(kind, GatewayError) for kind in leaves)
