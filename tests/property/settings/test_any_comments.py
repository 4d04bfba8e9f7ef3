"""Comments are passed in one stride, and every token stands where the library finds it, or the same complaint comes."""

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.settings.marks import _BoundedLoader

_PIECES = (
    "#",
    " ",
    "\n",
    "a",
    "a: ",
    "b",
    "- ",
    "? ",
    "|\n",
    ">\n",
    "'",
    '"',
    "{",
    "}",
    "[",
    "]",
    ",",
    "# c",
    "\n  # c\n",
)
_STRANGE = ("\r\n", "\r", "\x85", "\u2028", "\ufeff", "\t", "\0", "é", "---\n", "&x ", "*x", "!t ")


def _tokens(loader: yaml.SafeLoader) -> list[tuple[object, ...]]:
    """Return kind, value and places of every token, and of what ended them."""
    found: list[tuple[object, ...]] = []
    try:
        while loader.check_token():
            token = loader.get_token()  # type: ignore[no-untyped-call]  # the stub lacks types
            marks = [(mark.line, mark.column, mark.index) for mark in (token.start_mark, token.end_mark)]
            found.append((type(token), getattr(token, "value", None), *marks))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        found.append((type(error), error.problem, mark and (mark.line, mark.column, mark.index)))
    return found


@given(st.lists(st.sampled_from(_PIECES + _STRANGE), max_size=24).map("".join))
@example("\ufeff# c\n# d\n\na: 1 # e\n")
@example("a: # b\n  c: |\n   # d\n # e\nf: '#\n # g\n'")
def test_every_token_stands_where_the_library_finds_it(text: str) -> None:
    try:
        plain = yaml.SafeLoader(text)
    except yaml.reader.ReaderError:
        return
    assert _tokens(_BoundedLoader(text)) == _tokens(plain)
