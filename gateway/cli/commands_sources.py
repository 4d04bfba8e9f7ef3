"""The commands about sources and statistics, as typer sees them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Config, Json, Why, at_node
from gateway.cli.terminal import config_folder
from gateway.domain.lifecycle import Direction
from gateway.domain.statistics import Axis

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


def stats(
    *,
    by: Annotated[Axis, typer.Option(help="By what to count 统计维度.")] = Axis.FLOW,
    since: Annotated[str, typer.Option(help="From: 2h, 3d, or an ISO date 起始时间.")] = "",
    until: Annotated[str, typer.Option(help="Until, likewise 截止时间.")] = "",
    flow: Annotated[str, typer.Option(help="One flow 业务流程.")] = "",
    peer: Annotated[str, typer.Option(help="Code of the unit at the other end 对端单位编码.")] = "",
    direction: Annotated[str, typer.Option(help="inbound, outbound or relay 方向.")] = "",
    quality: Annotated[bool, typer.Option("--quality", help="How good each source's exports are 数据质量.")] = False,
    silent: Annotated[bool, typer.Option("--silent", help="Sources from which nothing comes 静默来源.")] = False,
    public: Annotated[bool, typer.Option("--public", help="Show no small numbers 对外发布(隐去小数值).")] = False,
    csv: Annotated[str, typer.Option(help="Write CSV to a file, or to standard output with - 输出 CSV.")] = "",
    chart: Annotated[Path | None, typer.Option(help="Draw a chart into an .svg file 输出图表.")] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Count exchanges: how many, how they ended, how long they took; never who or which case 交换统计."""
    from gateway.cli.stats import Wanted, silence
    from gateway.cli.stats import quality as show_quality
    from gateway.cli.stats import stats as show
    from gateway.domain.clock import SystemClock

    if direction not in ("", *Direction):
        raise typer.BadParameter("inbound, outbound, relay", param_hint="--direction")
    wanted = Wanted(by, since, until, flow, peer, direction, csv, chart, is_public=public)
    with at_node(config, as_json=json) as (terminal, settings):
        if silent:
            silence(terminal, settings, SystemClock())
        elif quality:
            show_quality(terminal, settings, wanted, SystemClock())
        else:
            show(terminal, settings, wanted, config_folder(config), SystemClock())
