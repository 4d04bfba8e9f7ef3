"""No object that holds a secret shows it: not in repr, str, format, logs, tracebacks or pickles."""

import base64
import io
import logging
import pickle
import traceback
from pathlib import Path

import pytest

from gateway.bundle.suites import Suite
from gateway.domain.errors import GatewayError
from gateway.keyring.container import Cost
from gateway.keyring.keyring import Keyring
from gateway.keyring.passphrase import passphrase_source

CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)
PASSPHRASE = b"a passphrase nobody may see"


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return Keyring.create(tmp_path, PASSPHRASE, now=1.0, suites=(Suite.CLASSIC, Suite.PQ), cost=CHEAP)


def secrets_of(ring: Keyring) -> list[bytes]:
    seeds = [seed for one in ring.node_keys() for seed in (one.sign_seed, one.encrypt_seed)]
    return [*seeds, ring.ssh_host.to_seed(), ring.ssh_user.to_seed()]


def assert_hidden(text: str, secrets: list[bytes]) -> None:
    for secret in secrets:
        for form in (
            secret.hex(),
            base64.b64encode(secret).decode().rstrip("="),
            repr(secret)[2:-1],
            str(list(secret)),
        ):
            assert form not in text
            assert form[8:24] not in text


def test_no_form_of_an_object_shows_its_secrets(ring: Keyring) -> None:
    secrets = secrets_of(ring)
    holders = [ring, ring.ssh_host, ring.ssh_user, *ring.pairs, *ring.node_keys(), ring.pairs, vars_of(ring)]
    for holder in holders:
        for text in (repr(holder), str(holder), f"{holder}", format(holder), f"{holder!r:>1}"):
            assert "redacted" in text
            assert_hidden(text, secrets)


def vars_of(ring: Keyring) -> dict[str, object]:
    """Return what a debugger would list of the keyring."""
    return {name: getattr(ring, name) for name in type(ring).__slots__}


def test_logging_shows_nothing(ring: Keyring) -> None:
    stream = io.StringIO()
    logger = logging.Logger("redaction")
    logger.addHandler(logging.StreamHandler(stream))
    logger.warning("%s %r %s", ring, ring.ssh_host, {"keys": ring.node_keys(), "dated": ring.pairs})
    assert "redacted" in stream.getvalue()
    assert_hidden(stream.getvalue(), secrets_of(ring))


def test_a_keyring_does_not_leave_its_process(ring: Keyring) -> None:
    for holder in (ring, ring.ssh_host, ring.pairs[0]):
        with pytest.raises(TypeError, match=r"(does|do) not") as caught:
            pickle.dumps(holder)
        assert_hidden(str(caught.value), secrets_of(ring))


def failing_loads(folder: Path) -> list[GatewayError]:
    path = folder / "node.cfkeys"
    raw = path.read_bytes()
    failures = []
    for changed, passphrase in ((raw, PASSPHRASE + b"?"), (raw[:-1], PASSPHRASE), (b"?" + raw, PASSPHRASE)):
        path.write_bytes(changed)
        with pytest.raises(GatewayError) as caught:
            Keyring.load(folder, lambda given=passphrase: given)
        failures.append(caught.value)
    return failures


def test_errors_and_their_causes_show_nothing(ring: Keyring, tmp_path: Path) -> None:
    for error in failing_loads(tmp_path):
        text = "".join(traceback.format_exception(error)) + repr(error) + repr(error.facts)
        assert_hidden(text, secrets_of(ring))
        assert PASSPHRASE.decode() not in text


def test_a_damaged_clear_file_is_not_quoted(tmp_path: Path) -> None:
    ring = Keyring.create(tmp_path, None, now=1.0, suites=(Suite.CLASSIC,))
    path = tmp_path / "node.cfkeys"
    raw = path.read_bytes()
    secrets = secrets_of(ring)
    for changed in (raw[:-1], raw.replace(b'"v":1', b'"v":2'), raw.replace(b'"pair":"01', b'"pair":"09'), raw + b" "):
        path.write_bytes(changed)
        with pytest.raises(GatewayError) as caught:
            Keyring.load(tmp_path, lambda: b"")
        text = "".join(traceback.format_exception(caught.value))
        assert caught.value.__cause__ is None
        assert_hidden(text, secrets)


def test_a_passphrase_in_the_wrong_variable_is_not_quoted() -> None:
    ask = passphrase_source({"CASEFERRY_PASSPHRASE_FD": PASSPHRASE.decode()})
    with pytest.raises(GatewayError, match="passphrase-missing") as caught:
        ask()
    assert PASSPHRASE.decode() not in "".join(traceback.format_exception(caught.value))
    assert PASSPHRASE.decode() not in repr(ask)
