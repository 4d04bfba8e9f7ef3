"""The commands about sources and statistics, as typer sees them."""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Config, Json, Why, at_node

if TYPE_CHECKING:
    from gateway.domain.records import Action

Number = Annotated[int, typer.Argument(help="Number of the source, as `source list` shows it 来源编号.", min=1)]

source = typer.Typer(no_args_is_help=True, help="Case software that drops exports here 数据来源")


@source.command("list")
def source_list(config: Config = None, json: Json = False) -> None:
    """List the sources: version, what was read last, whether one is paused or silent 列出数据来源."""
    from gateway.cli.sources import sources
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        sources(terminal, settings, SystemClock())


@source.command("show")
def source_show(number: Number, config: Config = None, json: Json = False) -> None:
    """Show why a source is paused, what is kept of it, and what went out before 查看数据来源."""
    from gateway.cli.sources import source as show
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        show(terminal, settings, number, SystemClock())


@source.command("resume")
def source_resume(number: Number, why: Why, config: Config = None, json: Json = False) -> None:
    """The change is as it should be: send what was kept, and learn anew what is usual 恢复发送(以现状为新基线)."""
    from gateway.domain.records import Action

    _decide(Action.SOURCE_RESUME, number, why, config, as_json=json)


@source.command("replay")
def source_replay(number: Number, why: Why, config: Config = None, json: Json = False) -> None:
    """The packer or the standard was mended: read what was kept anew from the originals 适配器修复后重新读取."""
    from gateway.domain.records import Action

    _decide(Action.SOURCE_REPLAY, number, why, config, as_json=json)


@source.command("reject")
def source_reject(number: Number, why: Why, config: Config = None, json: Json = False) -> None:
    """Give back what was kept; the source stays paused 退回已暂存的导出包(来源仍暂停)."""
    from gateway.domain.records import Action

    _decide(Action.SOURCE_REJECT, number, why, config, as_json=json)


def _decide(action: "Action", number: int, why: str, config: Config, *, as_json: bool) -> None:
    from gateway.cli.sources import decide_source

    with at_node(config, as_json=as_json) as (terminal, settings):
        decide_source(terminal, settings, action, number, why)
