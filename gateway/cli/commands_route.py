"""The commands about routing, as typer sees them."""

from typing import Annotated

import typer

from gateway.cli.options import Config, Json, at_node
from gateway.cli.terminal import config_folder


def route_explain(
    *,
    flow: Annotated[str, typer.Argument(help="Business flow 业务流程.")],
    sender: Annotated[str, typer.Argument(metavar="FROM", help="Code of the sending unit 发送单位代码.")],
    receiver: Annotated[
        str, typer.Argument(metavar="TO", help="The receiver's code as an export writes it; - for none 接收单位代码.")
    ],
    config: Config = None,
    route: Annotated[str, typer.Option(help="Ask this outbound route 指定路由.")] = "",
    json: Json = False,
) -> None:
    """By which rule, way and permission a flow goes, seen from this node; exit 0 it would, 1 not 路由说明."""
    from gateway.cli.route import explain as show
    from gateway.compose.routeasking import Question
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        code = show(terminal, settings, config_folder(config), SystemClock(), Question(flow, sender, receiver, route))
    raise typer.Exit(code)
