"""Statements compiled once: to put one together costs ten times what the database needs to answer it."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar, cast

from sqlalchemy import BindParameter, Connection, CursorResult, Dialect, bindparam
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.elements import CompilerElement
from sqlalchemy.types import TypeEngine

T = TypeVar("T")

_Text = tuple[str, tuple[str, ...] | None, dict[str, Any]]
"""What the database is given, the names of the places in it in their order (None: they are named), and the constants
among them."""

Values = Mapping[str, Any]
Build = Callable[..., Executable]
"""A statement: the function of this room that puts it together, with a `param` for whatever differs from call to call.

What it is called with (hashable) gives it another shape: other columns, other tests, more values in a list.
"""

AT_ONCE: Final = 500
"""Values in one IN list; databases limit the parameters of a statement (SQLite before 3.32: 999)."""
_LENGTHS: Final = (1, 8, 64, AT_ONCE)
"""Lengths of lists in statements; a list is filled up to the next one, so that there are few shapes."""
KEPT: Final = 512
"""Compiled statements that are kept; the room has fewer, so this only bounds what routes and links could make of it."""


def param(name: str, type_: TypeEngine[Any] | None = None) -> BindParameter[Any]:
    """Return the place in a statement of the value called `name`; type_: where no column beside it tells."""
    return bindparam(name, None, type_=type_, required=False)


def listed(name: str, length: int) -> list[BindParameter[Any]]:
    """Return the places of a list of `length` values, for `in_`."""
    return [param(f"{name}_{number}") for number in range(length)]


def run(connection: Connection, build: Build, values: Values, *shape: Hashable) -> CursorResult[*tuple[Any, ...]]:
    """Execute one statement. Rows come as the driver gives them: a type of a column that needs help has no place here.

    Raises KeyError if `values` lacks one that the statement has a place for.
    """
    text, names, fixed = _compiled(connection.dialect, build, shape)
    return connection.exec_driver_sql(text, _parameters(names, fixed, values))


def run_many(
    connection: Connection, build: Build, rows: Sequence[Values], *shape: Hashable
) -> CursorResult[*tuple[Any, ...]]:
    """Execute one statement for each of `rows` (at least one), which takes the database a single call."""
    text, names, fixed = _compiled(connection.dialect, build, shape)
    return connection.exec_driver_sql(text, [_parameters(names, fixed, row) for row in rows])


def for_each(
    connection: Connection, build: Build, name: str, among: Iterable[Any], values: Values, *shape: Hashable
) -> Iterator[CursorResult[*tuple[Any, ...]]]:
    """Execute a statement with a list called `name` for all of `among`, so many at a time; shape: (length, *shape)."""
    for part in parts(among):
        length = next(one for one in _LENGTHS if one >= len(part))
        filled = part + part[-1:] * (length - len(part))
        its = {f"{name}_{number}": value for number, value in enumerate(filled)}
        yield run(connection, build, {**values, **its}, length, *shape)


def parts(values: Iterable[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """Yield `values` in lists of at most `size`."""
    everything = list(values)
    for start in range(0, len(everything), size):
        yield everything[start : start + size]


def text_of(dialect: Dialect, build: Build, *shape: Hashable) -> str:
    """Return a statement as the database is given it, for those who look at how it is answered."""
    return _compiled(dialect, build, shape)[0]


def _compiled(dialect: Dialect, build: Build, shape: tuple[Hashable, ...]) -> _Text:
    return _compiled_for(cast(Hashable, type(dialect)), build, shape)


@lru_cache(maxsize=KEPT)
def _compiled_for(dialect: Hashable, build: Build, shape: tuple[Hashable, ...]) -> _Text:
    statement = build(*shape)
    assert isinstance(statement, CompilerElement)  # noqa: S101 - for the type alone: every statement can be compiled
    kind = cast(type[Dialect], dialect)
    compiled = statement.compile(dialect=kind(), compile_kwargs={"render_postcompile": True})
    names: Sequence[str] | None = getattr(compiled, "positiontup", None)
    fixed = {name: value for name, value in (compiled.params or {}).items() if value is not None}
    return compiled.string, None if names is None else tuple(names), fixed


def _parameters(names: tuple[str, ...] | None, fixed: Values, values: Values) -> Any:
    if names is None:
        return {**fixed, **values}
    if fixed:
        return tuple([values[name] if name in values else fixed[name] for name in names])
    return tuple([values[name] for name in names])
