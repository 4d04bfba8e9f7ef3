"""The commands about business replies, as typer sees them."""

from typing import Annotated

import typer

from gateway.cli.options import Config, Json, Why, at_node

reply = typer.Typer(no_args_is_help=True, help="Replies that wait for their request 业务回复")
"""The commands that say what a reply answers."""

Reply = Annotated[int, typer.Argument(metavar="TRANSFER", help="Number of the reply's transfer 回复的传输编号.", min=1)]


def replies(
    config: Config = None,
    peer: Annotated[str, typer.Option(help="Code of the unit at the other end 对端单位代码.")] = "",
    flow: Annotated[str, typer.Option(help="Business flow of the request 请求的业务流程.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many 最多条数.", min=1, max=10_000)] = 50,
    json: Json = False,
) -> None:
    """Show requests that await an answer, ours and others', and replies that await their request 待回复清单."""
    from gateway.cli.replies import replies as show
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        show(terminal, settings, SystemClock(), peer=peer, flow=flow, limit=limit)


@reply.command("tie")
def tie(
    transfer: Reply,
    request: Annotated[int, typer.Argument(help="Number of the request's transfer 请求的传输编号.", min=1)],
    why: Why,
    config: Config = None,
    json: Json = False,
) -> None:
    """Say which request a reply answers; one that waits goes on at once 人工关联."""
    from gateway.cli.replies import say
    from gateway.domain.answers import Word

    with at_node(config, as_json=json) as (terminal, settings):
        say(terminal, settings, Word.TIE, transfer, why=why, request=request)


@reply.command("release")
def release(transfer: Reply, why: Why, config: Config = None, json: Json = False) -> None:
    """Let a reply go on that answers nothing known here 放行."""
    from gateway.cli.replies import say
    from gateway.domain.answers import Word

    with at_node(config, as_json=json) as (terminal, settings):
        say(terminal, settings, Word.RELEASE, transfer, why=why)


@reply.command("reject")
def reject(transfer: Reply, why: Why, config: Config = None, json: Json = False) -> None:
    """Send a reply back to where it came from 退回."""
    from gateway.cli.replies import say
    from gateway.domain.answers import Word

    with at_node(config, as_json=json) as (terminal, settings):
        say(terminal, settings, Word.REJECT, transfer, why=why)
