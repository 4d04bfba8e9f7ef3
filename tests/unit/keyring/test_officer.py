"""An officer's key: read from its own file only, and never out of its process."""

import pickle
from pathlib import Path

import pytest

from gateway.bundle import canonical
from gateway.domain.errors import ConfigError
from gateway.keyring.container import Cost, lock
from gateway.keyring.officer import OfficerKey

CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)
PASSPHRASE = b"a passphrase nobody may see"


def test_what_was_saved_signs_as_before(tmp_path: Path) -> None:
    key, path = OfficerKey.draw(), tmp_path / "officer.key"
    key.save(path, PASSPHRASE, CHEAP)
    assert OfficerKey.load(path, lambda: PASSPHRASE).sign(b"text") == key.sign(b"text")


@pytest.mark.parametrize(
    "inside", [b"", {"v": 1}, {"v": 2, "officer": "5a" * 32}, {"v": 1, "officer": "5a" * 31}], ids=str
)
def test_a_file_without_an_officer_s_key_is_refused_and_shows_nothing_of_it(
    tmp_path: Path, inside: bytes | dict[str, object]
) -> None:
    path = tmp_path / "officer.key"
    path.write_bytes(lock(inside if isinstance(inside, bytes) else canonical.encode(inside), PASSPHRASE, CHEAP))
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        OfficerKey.load(path, lambda: PASSPHRASE)
    assert caught.value.code == "keys-malformed"
    assert caught.value.__suppress_context__
    assert "5a5a" not in str(caught.value)


def test_an_officer_s_key_is_neither_shown_nor_pickled() -> None:
    key = OfficerKey.draw()
    assert repr(key) == f"OfficerKey({key.public.hex()}, redacted)"
    with pytest.raises(TypeError, match="does not leave its process"):
        pickle.dumps(key)
