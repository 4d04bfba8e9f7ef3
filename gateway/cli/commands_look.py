"""The commands that show what the node does, as typer sees them: arguments, options and help."""

from typing import Annotated

import typer

from gateway.cli.options import Config, Json, at_node
from gateway.domain.lifecycle import Direction, State


def status(config: Config = None, json: Json = False) -> None:
    """Is it normal, at whom is it stuck, what to do; exit 0 normal, 1 a person is needed, 2 not running 状态."""
    from gateway.cli.status import status as show
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        code = show(terminal, settings, SystemClock())
    raise typer.Exit(code)


def watch(
    config: Config = None,
    once: Annotated[bool, typer.Option("--once", help="Show it once and end 只显示一次.")] = False,
    every: Annotated[float, typer.Option(help="Seconds between looks 刷新间隔(秒).", min=0.2, max=60.0)] = 1.0,
) -> None:
    """Watch links and transfers live, with progress bars, until Ctrl-C 实时查看."""
    from gateway.cli.watch import watch as show
    from gateway.domain.clock import SystemClock

    with at_node(config) as (terminal, settings):
        code = show(terminal, settings, SystemClock(), once=once, every=every)
    raise typer.Exit(code)


def grants(config: Config = None, json: Json = False) -> None:
    """List the grants of the sharing catalogue with their ends; exit 1 if one ends within a month 共享授权."""
    from gateway.cli.grants import grants as show
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        code = show(terminal, settings, SystemClock())
    raise typer.Exit(code)


def log(
    *,
    config: Config = None,
    case: Annotated[str, typer.Option(help="Case number, or its beginning 案件编号(或开头).")] = "",
    flow: Annotated[str, typer.Option(help="Business flow 业务流程.")] = "",
    peer: Annotated[str, typer.Option(help="Code of the unit at the other end 对端单位代码.")] = "",
    link: Annotated[str, typer.Option(help="Name of the link 链路名.")] = "",
    direction: Annotated[Direction | None, typer.Option(help="Which way 方向.")] = None,
    state: Annotated[State | None, typer.Option(help="What has been achieved 状态.")] = None,
    held: Annotated[bool, typer.Option("--held", help="Only what waits for a person 只看已暂停的.")] = False,
    failing: Annotated[bool, typer.Option("--failing", help="Only what failed last time 只看上次失败的.")] = False,
    since: Annotated[str, typer.Option(help="From: 2h, 3d, or an ISO date 起始时间.")] = "",
    until: Annotated[str, typer.Option(help="To: 2h, 3d, or an ISO date 截止时间.")] = "",
    text: Annotated[str, typer.Option(help="Beginning of an export's name or a bundle id 导出包名或包号开头.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many 最多条数.", min=1, max=10_000)] = 50,
    offset: Annotated[int, typer.Option(help="Leave out so many 跳过条数.", min=0)] = 0,
    json: Json = False,
) -> None:
    """Show the transfer log, newest first 传输日志."""
    from gateway.cli.log import Wanted
    from gateway.cli.log import log as show
    from gateway.domain.clock import SystemClock

    wanted = Wanted(
        case=case,
        flow=flow,
        peer=peer,
        link=link,
        state=state or "",
        direction=direction or "",
        text=text,
        since=since,
        until=until,
        held=held,
        failing=failing,
        limit=limit,
        offset=offset,
    )
    with at_node(config, as_json=json) as (terminal, settings):
        code = show(terminal, settings, wanted, SystemClock())
    raise typer.Exit(code)


def explain(
    key: Annotated[str, typer.Argument(help="Number, case number, bundle id, or beginning of an export's name 编号.")],
    config: Config = None,
    json: Json = False,
) -> None:
    """Tell what happened to a case, why it waits, when it is tried again, what to do 逐步说明."""
    from gateway.cli.explain import explain as show
    from gateway.cli.terminal import config_folder
    from gateway.domain.clock import SystemClock
    from gateway.standard.loading import load_standard, place_of

    with at_node(config, as_json=json) as (terminal, settings):
        code = show(terminal, settings, key, SystemClock(), lambda: load_standard(place_of(config_folder(config))))
    raise typer.Exit(code)


def quarantine_list(config: Config = None, json: Json = False) -> None:
    """List what was set aside: why, whence, how large; nothing is opened 列出隔离区."""
    from gateway.cli.quarantine import list_quarantine
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        list_quarantine(terminal, settings, SystemClock())


def quarantine_show(
    thing: Annotated[str, typer.Argument(help="Id in quarantine, or its beginning 隔离项编号(或开头).")],
    config: Config = None,
    json: Json = False,
) -> None:
    """Show what is known of one thing: its outside and its story, never its content 查看隔离项."""
    from gateway.cli.quarantine import show_one
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        show_one(terminal, settings, thing, SystemClock())


def decisions(
    config: Config = None,
    since: Annotated[str, typer.Option(help="From: 2h, 3d, or an ISO date 起始时间.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many 最多条数.", min=1, max=10_000)] = 50,
    json: Json = False,
) -> None:
    """Show what people did: who, when, to what, why, and what came of it 人工处置记录."""
    from gateway.cli.decisions import decisions as show
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        show(terminal, settings, since, limit, SystemClock())
