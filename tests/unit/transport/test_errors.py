"""Every exception of the libraries below has a code, and every code is in the contract's table."""

import errno
import re

import paramiko
import pytest

from gateway.domain.errors import GatewayError, PermanentError, SecurityError, TransientError
from gateway.transport import api
from gateway.transport.errors import CODES, fault, local_disk, mailbox_disk
from gateway.transport.paramiko_channel import MAPPED, code_of


def every_kind_of(kind: type[BaseException]) -> set[type[BaseException]]:
    return {kind}.union(*(every_kind_of(child) for child in kind.__subclasses__()))


def test_every_exception_of_paramiko_is_mapped() -> None:
    """Fails when the library grows an exception that nobody has thought about."""
    own = {kind for kind in every_kind_of(paramiko.SSHException) if kind.__module__.startswith("paramiko.")}
    assert own == set(MAPPED)


def test_every_mapping_leads_to_a_code_of_a_link() -> None:
    assert {CODES[code][1] for code in MAPPED.values()} == {api_scope("link-timeout")}


def api_scope(code: str) -> object:
    return CODES[code][1]


def test_the_table_of_the_contract_is_the_table_of_the_code() -> None:
    rows = re.findall(r"^ {4}([a-z-]+) +(transient|permanent|security) +(link|transfer|node) ", api.__doc__ or "", re.M)
    kinds = {"transient": TransientError, "permanent": PermanentError, "security": SecurityError}
    assert {code: (kinds[kind], scope) for code, kind, scope in rows} == dict(CODES)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TimeoutError(), "link-timeout"),
        (ConnectionResetError(), "link-unreachable"),
        (EOFError(), "link-unreachable"),
        (OSError("Socket is closed"), "link-unreachable"),
        (ValueError("bytes from afar"), "link-unreachable"),
        (paramiko.AuthenticationException(), "link-auth-refused"),
        (paramiko.BadAuthenticationType("no", ["password"]), "link-auth-refused"),
        (paramiko.ssh_exception.IncompatiblePeer(), "link-algorithms"),
        (paramiko.ssh_exception.NoValidConnectionsError({("h", 1): OSError()}), "link-unreachable"),
    ],
)
def test_what_is_met_at_the_line(error: Exception, code: str) -> None:
    assert code_of(error) == code


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOENT, "mailbox-missing"),
        (errno.ENOTDIR, "mailbox-missing"),
        (errno.EACCES, "mailbox-denied"),
        (errno.EROFS, "mailbox-denied"),
        (errno.ENOSPC, "mailbox-full"),
        (errno.EDQUOT, "mailbox-full"),
        (errno.EIO, "link-unreachable"),
        (errno.ESTALE, "link-unreachable"),
        (errno.ETIMEDOUT, "link-timeout"),
        (errno.EMFILE, "mailbox-failed"),
    ],
)
def test_what_is_met_at_a_mailbox_folder(number: int, code: str) -> None:
    with pytest.raises(GatewayError) as caught, mailbox_disk():
        raise OSError(number, "why", "/secret/name")
    assert caught.value.code == code
    assert "/secret/name" not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "disk-full"), (errno.EDQUOT, "disk-full"), (errno.EIO, "local-io")]
)
def test_what_is_met_at_our_own_disk(number: int, code: str) -> None:
    with pytest.raises(GatewayError) as caught, local_disk():
        raise OSError(number, "why", "/secret/name")
    assert (caught.value.code, caught.value.facts) == (code, {"reason": errno.errorcode[number]})
    assert "/secret/name" not in str(caught.value)


def test_a_code_that_the_contract_does_not_know_cannot_be_made() -> None:
    with pytest.raises(KeyError):
        fault("something-else", "")
