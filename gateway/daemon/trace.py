"""Where an unexpected exception came from, told without quoting what the program was working on."""

import traceback

_ABOUT_CODE = (AttributeError, ImportError, NameError, RecursionError, TypeError)
"""Kinds whose text speaks of the program; the text of others may quote an export, a passphrase or a name."""


def traced(error: BaseException) -> tuple[str, ...]:
    """Return the kind of `error` and the places it passed, innermost last, then the same of what caused it."""
    lines: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        text = f": {link}" if isinstance(link, _ABOUT_CODE) else ""
        lines.append(("caused by " if lines else "") + type(link).__name__ + text)
        lines += [f"  {f.filename}:{f.lineno} in {f.name}" for f in traceback.extract_tb(link.__traceback__)]
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return tuple(lines)
