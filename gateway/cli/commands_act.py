"""The commands that change a transfer, as typer sees them; each is recorded with the login name and the reason."""

from typing import Annotated

import typer

from gateway.cli.options import Config, Json, Why, at_node

Thing = Annotated[str, typer.Argument(help="Id in quarantine, or its beginning 隔离项编号(或开头).")]
Number = Annotated[int, typer.Argument(help="Number of the transfer, as `log` shows it 传输编号.", min=1)]


def retry(
    transfer: Annotated[
        int | None, typer.Argument(help="Number of the transfer, as `log` shows it 传输编号.", min=1)
    ] = None,
    link: Annotated[str, typer.Option(help="Everything that waits on this link 该链路上等待的全部传输.")] = "",
    why: Annotated[str, typer.Option(help="The reason, for the record 原因(记入日志).")] = "",
    config: Config = None,
    json: Json = False,
) -> None:
    """Try a transfer, or a link, again at once instead of at its time 立即重试."""
    from gateway.cli.act import retry as act
    from gateway.cli.act import retry_link

    if (transfer is None) == (not link):
        raise typer.BadParameter("TRANSFER or --link 请指定传输编号或 --link 其中之一")
    with at_node(config, as_json=json) as (terminal, settings):
        if transfer is None:
            retry_link(terminal, settings, link, why)
        else:
            act(terminal, settings, transfer, why)


def hold(transfer: Number, why: Why, config: Config = None, json: Json = False) -> None:
    """Stop a transfer until it is released 暂停."""
    from gateway.cli.act import hold as act

    with at_node(config, as_json=json) as (terminal, settings):
        act(terminal, settings, transfer, why)


def release(transfer: Number, why: Why, config: Config = None, json: Json = False) -> None:
    """Let a held transfer go on; what a check held is sent on your word 放行."""
    from gateway.cli.act import release as act

    with at_node(config, as_json=json) as (terminal, settings):
        act(terminal, settings, transfer, why)


def close(transfer: Number, why: Why, config: Config = None, json: Json = False) -> None:
    """End a transfer for good; its record stays 关闭."""
    from gateway.cli.act import close as act

    with at_node(config, as_json=json) as (terminal, settings):
        act(terminal, settings, transfer, why)


def quarantine_recheck(thing: Thing, why: Why, config: Config = None, json: Json = False) -> None:
    """Run every check anew on what was set aside, once the cause is mended 重新检查隔离项."""
    from gateway.cli.act import decide
    from gateway.domain.records import Action

    with at_node(config, as_json=json) as (terminal, settings):
        decide(terminal, settings, Action.RECHECK, thing, why)


def quarantine_release(thing: Thing, why: Why, config: Config = None, json: Json = False) -> None:
    """Check it anew without the one rule of this node that kept it out 豁免本机规则后放行隔离项."""
    from gateway.cli.act import decide
    from gateway.domain.records import Action

    with at_node(config, as_json=json) as (terminal, settings):
        decide(terminal, settings, Action.RELEASE, thing, why)


def quarantine_reject(thing: Thing, why: Why, config: Config = None, json: Json = False) -> None:
    """Refuse it; the sender gets a signed receipt that says so 拒收隔离项."""
    from gateway.cli.act import decide
    from gateway.domain.records import Action

    with at_node(config, as_json=json) as (terminal, settings):
        decide(terminal, settings, Action.REJECT, thing, why)


def quarantine_close(thing: Thing, why: Why, config: Config = None, json: Json = False) -> None:
    """Be done with it; nobody is answered, the bytes stay for a while 关闭隔离项."""
    from gateway.cli.act import decide
    from gateway.domain.records import Action

    with at_node(config, as_json=json) as (terminal, settings):
        decide(terminal, settings, Action.CLOSE, thing, why)
