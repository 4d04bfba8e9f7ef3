"""Decides in which language people are spoken to."""

from collections.abc import Mapping

CHINESE = "zh_CN"
ENGLISH = "en"
LANGUAGES = (ENGLISH, CHINESE)

_VARIABLES = ("CASEFERRY_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def choose_language(setting: str | None, environ: Mapping[str, str]) -> str:
    """Return `zh_CN` or `en`.

    setting: `zh`, `zh_CN`, `en`, ... from the configuration or an option; None, empty or `auto` follows the locale.
    environ: the process's environment; the first that is set of CASEFERRY_LANGUAGE, LC_ALL, LC_MESSAGES, LANG counts.

    Any Chinese locale gets Chinese; everything else, also no locale at all, gets English, the originals.
    """
    wanted = setting if setting and setting.lower() != "auto" else next(filter(None, map(environ.get, _VARIABLES)), "")
    return CHINESE if wanted.lower().startswith(("zh", "chinese")) else ENGLISH
