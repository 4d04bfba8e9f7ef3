"""Which paths are safe: our rule and that of the second reader are the same, whatever a path is put together from."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.bundle.paths import check_paths
from gateway.domain.errors import SecurityError
from packers import names
from tests.vectors import rules

_DEVICES = ("con", "PRN", "Aux", "nul", "CONIN$", "conout$", "clock$", "com1", "LPT0", "com²", "con1", "lpt", "сon")
_SIGNS = (".", "..", " ", ":", "/", "\\", "a", "B", "判", "é", "e\u0301", "ı", "$", "1", "¹", "?", "\n", "\u202e", "~")
_PATHS = st.lists(st.sampled_from(_DEVICES + _SIGNS), max_size=7).map("".join)


@given(st.lists(_PATHS, min_size=1, max_size=3))
@example(["con .a"])
@example(["a", "A/b"])
def test_two_readers_agree(paths: list[str]) -> None:
    try:
        rules.check_paths(paths)
    except rules.BrokenError:
        with pytest.raises(SecurityError):
            check_paths(paths)
    else:
        check_paths(paths)


@given(_PATHS)
def test_what_a_packer_takes_is_sealed(name: str) -> None:
    if not names.unsafe_reason(name):
        check_paths([f"content/{names.fitting_path(names.clean_path(name))}"])
