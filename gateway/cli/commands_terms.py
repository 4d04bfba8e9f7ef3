"""The commands about deadlines and alerts, as typer sees them: arguments, options and help."""

from typing import Annotated

import typer

from gateway.cli.options import Config, Json, at_node

alerts = typer.Typer(no_args_is_help=True, help="Alerts and the sinks that take them 预警")


def deadlines(
    *,
    config: Config = None,
    red: Annotated[bool, typer.Option("--red", help="Only red and overdue ones 只看红色和逾期的.")] = False,
    peer: Annotated[str, typer.Option(help="Code of the unit at the other end 对端单位代码.")] = "",
    flow: Annotated[str, typer.Option(help="Business flow 业务流程.")] = "",
    json: Json = False,
) -> None:
    """Which legal terms run, for whom, and until when 期限."""
    from gateway.cli.deadlines import deadlines as show
    from gateway.cli.terminal import config_folder
    from gateway.domain.clock import SystemClock
    from gateway.standard.loading import load_standard, place_of

    with at_node(config, as_json=json) as (terminal, settings):
        standard = load_standard(place_of(config_folder(config)))
        code = show(terminal, settings, SystemClock(), standard=standard, red=red, peer=peer, flow=flow)
    raise typer.Exit(code)


@alerts.command("list")
def alerts_list(config: Config = None, json: Json = False) -> None:
    """List the sinks and the newest alerts 列出预警."""
    from gateway.cli.alerts import show_alerts
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        code = show_alerts(terminal, settings, SystemClock())
    raise typer.Exit(code)


@alerts.command("test")
def alerts_test(
    sink: Annotated[str, typer.Argument(help="Name of the sink 预警去向名称.")],
    config: Config = None,
    json: Json = False,
) -> None:
    """Send a test alert to one sink; exit 1 if it does not take it 测试预警."""
    from gateway.cli.alerts import try_sink
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        code = try_sink(terminal, settings, sink, SystemClock())
    raise typer.Exit(code)
