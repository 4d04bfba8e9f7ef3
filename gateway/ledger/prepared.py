"""Statements compiled once: to put one together costs ten times what the database needs to answer it."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast

from sqlalchemy import BindParameter, Connection, Dialect
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import CompilerElement
from sqlalchemy.types import TypeEngine

T = TypeVar("T")

Values = Mapping[str, Any]

_Text = tuple[str, Callable[[Values], Any]]
"""What the database is given, and what picks the values of the places in it."""

NOTHING: Final[Values] = MappingProxyType({})
Build = Callable[..., Executable]
"""A statement: the function of this room that puts it together, with a `param` for whatever differs from call to call.

What it is called with (hashable) gives it another shape: other columns, other tests, more values in a list.
"""

AT_ONCE: Final = 500
"""Values in one IN list; databases limit the parameters of a statement (SQLite before 3.32: 999)."""
_LENGTHS: Final = (1, 8, 64)
"""Lengths of lists in kept statements; a list is filled up to the next one, so that there are few shapes. Longer ones
take longer to compile than they save."""
KEPT: Final = 512
"""Compiled statements that are kept; the room has fewer, so this only bounds what routes and links could make of it."""


class Param(BindParameter[Any]):
    """The place of a value in a statement; what stands in a statement otherwise is written out in its text.

    A database sees from a constant which partial index will do. Were it a parameter, SQLite would plan the statement
    anew at each execution, which takes ten times as long as the execution.
    """

    inherit_cache = True


@compiles(Param)
def _place(element: Param, compiler: SQLCompiler, **how: Any) -> str:
    visit: Callable[..., str] = compiler.visit_bindparam
    return visit(element, **{**how, "literal_binds": False})


def param(name: str, type_: TypeEngine[Any] | None = None) -> Param:
    """Return the place in a statement of the value called `name`; type_: where no column beside it tells."""
    return Param(name, None, type_=type_, required=False)


def listed(name: str, length: int) -> list[BindParameter[Any]]:
    """Return the places of a list of `length` values, for `in_`."""
    return [param(f"{name}_{number}") for number in range(length)]


def rows(connection: Connection, build: Build, values: Values, *shape: Hashable) -> list[Any]:
    """Return what a statement selects: tuples as the driver gives them, so no column here may need another type.

    Raises KeyError if `values` lacks one that the statement has a place for; else as `Connection.execute`.
    """
    return list(_executed(connection, build, shape, values).fetchall())


def row(connection: Connection, build: Build, values: Values, *shape: Hashable) -> Any:
    """Return the first tuple that a statement selects; None if it selects nothing."""
    return _executed(connection, build, shape, values).fetchone()


def value(connection: Connection, build: Build, values: Values, *shape: Hashable) -> Any:
    """Return the first value of the first tuple that a statement selects; None if it selects nothing."""
    found = row(connection, build, values, *shape)
    return None if found is None else found[0]


def write(connection: Connection, build: Build, values: Values, *shape: Hashable) -> int:
    """Execute a statement that changes rows; return how many."""
    return int(_executed(connection, build, shape, values).rowcount)


def write_many(connection: Connection, build: Build, several: Sequence[Values], *shape: Hashable) -> int:
    """Execute a statement once for each of `several` (at least one), by a single call; return how many rows changed."""
    if len(several) == 1:
        return write(connection, build, several[0], *shape)
    kind: Any = type(connection.dialect)
    text, pick = _compiled_for(kind, build, shape)
    return int(directly(connection, text, [pick(one) for one in several], many=True).rowcount)


def rows_among(
    connection: Connection, build: Build, name: str, among: Iterable[Any], values: Values = NOTHING, *shape: Hashable
) -> Iterator[Any]:
    """Yield what a statement with a list called `name` selects for all of `among`; its shape: (length, *shape).

    `among` is asked for in parts: what is selected for one of its values may depend on that value alone.
    """
    for part in parts(among, _LENGTHS[-1]):
        length = next(one for one in _LENGTHS if one >= len(part))
        filled = part + part[-1:] * (length - len(part))
        its = {f"{name}_{number}": value for number, value in enumerate(filled)}
        yield from rows(connection, build, {**values, **its}, length, *shape)


def parts(values: Iterable[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """Yield `values` in lists of at most `size`."""
    everything = list(values)
    for start in range(0, len(everything), size):
        yield everything[start : start + size]


def text_of(dialect: Dialect, build: Build, *shape: Hashable) -> str:
    """Return a statement as the database is given it, for those who look at how it is answered."""
    kind: Any = type(dialect)
    return _compiled_for(kind, build, shape)[0]


@lru_cache(maxsize=KEPT)
def _compiled_for(dialect: Hashable, build: Build, shape: tuple[Hashable, ...]) -> _Text:
    statement = cast(CompilerElement, build(*shape))
    kind = cast(type[Dialect], dialect)
    compiled = statement.compile(dialect=kind(), compile_kwargs={"literal_binds": True})
    names: Sequence[str] | None = getattr(compiled, "positiontup", None)
    return compiled.string, _picking(names)


def _picking(names: Sequence[str] | None) -> Callable[[Values], Any]:
    """Return what picks the values called `names`, in their order; all of them where places have names."""
    if names is None:
        return lambda values: values
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple([values[name] for name in names])


def directly(connection: Connection, text: str, parameters: Any = (), *, many: bool = False) -> DBAPICursor:
    """Execute in the transaction that has begun; past the results of SQLAlchemy, which cost more than most answers.

    Raises as `Connection.execute`.
    """
    cursor = connection.connection.cursor()
    try:
        if many:
            cursor.executemany(text, parameters)
        else:
            cursor.execute(text, parameters)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _of_database(connection, text, error) from error
    return cursor


def commit(connection: Connection) -> None:
    """Commit the transaction that has begun; past SQLAlchemy, unless it had a part in it. Raises as `directly`."""
    if connection.in_transaction():
        connection.commit()
        return
    try:
        connection.connection.commit()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _of_database(connection, "COMMIT", error) from error


def undo(connection: Connection) -> None:
    """Undo what has begun and was not committed. Raises as `directly`."""
    try:
        connection.connection.rollback()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _of_database(connection, "ROLLBACK", error) from error


def _executed(connection: Connection, build: Build, shape: tuple[Hashable, ...], values: Values) -> DBAPICursor:
    kind: Any = type(connection.dialect)
    text, pick = _compiled_for(kind, build, shape)
    return directly(connection, text, pick(values))


def _of_database(connection: Connection, text: str, error: Exception) -> BaseException:
    known = connection.dialect.loaded_dbapi.Error
    return DBAPIError.instance(text, None, error, known, hide_parameters=True)
