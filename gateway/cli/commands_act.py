"""The commands that change a transfer, as typer sees them; each is recorded with the login name and the reason."""

from typing import Annotated

import typer

from gateway.cli.options import Config, Json, Why, at_node

Number = Annotated[int, typer.Argument(help="Number of the transfer, as `log` shows it 传输编号.", min=1)]


def retry(transfer: Number, config: Config = None, json: Json = False) -> None:
    """Try a transfer again at once instead of at its time 立即重试."""
    from gateway.cli.act import retry as act

    with at_node(config, as_json=json) as (terminal, settings):
        act(terminal, settings, transfer)


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
