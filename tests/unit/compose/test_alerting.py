"""Secrets of sinks are read from files that nobody else may read, or the node does not start."""

from pathlib import Path

import pytest

from gateway.alerts.wording import Writer
from gateway.compose.alerting import sinks_of
from gateway.compose.identity import load_settings
from gateway.domain.alerts import Alert, AlertKind, Severity
from gateway.domain.clock import SystemClock
from gateway.domain.errors import ConfigError
from tests.support.alertservers import smtp_server
from tests.support.desk import make_desks


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a node whose one sink needs a secret, which is not there yet."""
    made = make_desks(tmp_path_factory.mktemp("desks"))[0].place.config
    settings = made / "gateway.yaml"
    hook = f'{{name: duty, webhook: {{url: "https://127.0.0.1:9/", secret_file: "{made / "secret"}"}}}}'
    settings.write_text(f"{settings.read_text('utf-8')}alerts:\n  sinks:\n    - {hook}\n", "utf-8")
    return made


@pytest.fixture
def secret(config: Path) -> Path:
    path = config / "secret"
    path.unlink(missing_ok=True)
    return path


def refused(config: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        sinks_of(load_settings(config), SystemClock())
    assert caught.value.facts == {"sink": "duty", "path": str(config / "secret")}
    assert "s3cret" not in caught.value.detail
    return caught.value.code


def test_a_secret_that_is_not_there_or_empty_or_no_file_is_refused(config: Path, secret: Path) -> None:
    assert refused(config) == "secret-unreadable"
    secret.touch(0o600)
    assert refused(config) == "secret-unreadable"
    secret.unlink()
    secret.mkdir(0o700)
    assert refused(config) == "secret-unreadable"
    secret.rmdir()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_that_others_may_read_is_refused(config: Path, secret: Path, mode: int) -> None:
    secret.write_bytes(b"s3cret\n")
    secret.chmod(mode)
    assert refused(config) == "secret-exposed"


def test_a_secret_of_the_service_alone_is_taken(config: Path, secret: Path) -> None:
    secret.write_bytes(b"s3cret\n")
    secret.chmod(0o600)
    assert [one.name for one in sinks_of(load_settings(config), SystemClock())] == ["duty"]


def test_mail_logs_in_with_the_password_of_its_file_without_the_line_end(tmp_path: Path) -> None:
    place = make_desks(tmp_path)[0].place.config
    password = place / "password"
    password.write_bytes(b"s3cret\n")
    password.chmod(0o600)
    with smtp_server() as box:
        mail = (
            f"{{host: 127.0.0.1, port: {box.port}, security: none, sender: a@b.cn, to: [c@d.cn], "
            f'user: node, password_file: "{password}"}}'
        )
        settings = place / "gateway.yaml"
        sinks = f"alerts:\n  sinks:\n    - {{name: duty, mail: {mail}}}\n"
        settings.write_text(f"{settings.read_text('utf-8')}{sinks}", "utf-8")
        (sink,) = sinks_of(load_settings(place), SystemClock())
        alert = Alert(1_772_000_000.0, AlertKind.TEST, Severity.NOTICE, "test", "test", {}, 1)
        sink.send(Writer("990101000000", 7).wording(alert))
        assert box.logins == [("node", "s3cret")]
