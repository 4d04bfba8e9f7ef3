"""Options that many commands share, and the frame in which each command runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.terminal import Terminal, config_folder
from gateway.domain.errors import GatewayError

if TYPE_CHECKING:
    from gateway.settings.load import Settings

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration folder 配置目录; else $CASEFERRY_CONFIG, else /etc/caseferry."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines 输出 JSON.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the record 原因(记入日志).")]


@contextmanager
def speaking(*, as_json: bool = False) -> Iterator[Terminal]:
    """Yield the terminal of one command; a GatewayError ends it with an explanation and exit code 1."""
    terminal = Terminal.open(as_json=as_json)
    try:
        yield terminal
    except GatewayError as error:
        terminal.fail(error)


@contextmanager
def at_node(config: Path | None, *, as_json: bool = False) -> Iterator[tuple[Terminal, "Settings"]]:
    """Yield a terminal in the node's own language, and the node's settings; ends as `speaking` does."""
    from gateway.compose.offline import read_settings

    with speaking(as_json=as_json) as unsettled:
        settings = read_settings(config_folder(config))
        terminal = unsettled.speaking(settings.node.language)
        try:
            yield terminal, settings
        except GatewayError as error:
            terminal.fail(error)


def settled(terminal: Terminal, config: Path | None, *, is_needed: bool) -> tuple[Terminal, "Settings | None"]:
    """Return the terminal in the node's language and its settings, for commands that can do without a node.

    A configuration that was named must be usable; one that merely might be there is used if it is.
    """
    from gateway.compose.offline import is_configured, read_settings
    from gateway.domain.errors import ConfigError

    folder = config_folder(config)
    if not is_needed and not is_configured(folder):
        return terminal, None
    try:
        settings = read_settings(folder)
    except ConfigError:
        if is_needed:
            raise
        return terminal, None
    return terminal.speaking(settings.node.language), settings
