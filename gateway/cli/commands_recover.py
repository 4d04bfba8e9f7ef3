"""The commands against loss, as typer sees them: streams, resync, backup, restore, epoch renew."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Config, Json, Why, at_node
from gateway.cli.terminal import config_folder


def streams(config: Config = None, json: Json = False) -> None:
    """Show per peer what was sent, what has no receipt, what is missing 对账情况."""
    from gateway.cli.recover import streams as show
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        show(terminal, settings, SystemClock())


def resync(
    peer: Annotated[str, typer.Argument(help="Code of the unit, or name of the link 单位代码或链路名.")] = "",
    *,
    every: Annotated[bool, typer.Option("--all", help="With every peer 与所有对端.")] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Compare with a peer at once what each holds, and close the differences 立即对账."""
    from gateway.cli.recover import resync as act
    from gateway.domain.clock import SystemClock

    if bool(peer) == every:
        raise typer.BadParameter("name one PEER, or --all")
    with at_node(config, as_json=json) as (terminal, settings):
        act(terminal, settings, peer, SystemClock())


def reconcile(
    peer: Annotated[str, typer.Option("--peer", help="Only streams to this unit 仅对该单位.")] = "",
    wait: Annotated[float, typer.Option("--wait", help="Seconds to wait for answers 等待秒数.", min=1, max=86400)] = 30,
    *,
    config: Config = None,
    json: Json = False,
) -> None:
    """Compare sender, hubs and recipients now: 0 balanced, 1 differences, 2 somebody silent 三方对账."""
    from gateway.cli.reconcile import show_reconciliation
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        code = show_reconciliation(terminal, settings, SystemClock(), peer, wait)
    raise typer.Exit(code)


def backup(
    to: Annotated[Path, typer.Argument(help="New or empty folder to write into 备份到的新目录.")],
    config: Config = None,
    json: Json = False,
) -> None:
    """Back up ledger, peers, roster and configuration while the gateway runs 在线备份."""
    from gateway.cli.recover import backup as act
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        act(terminal, settings, config_folder(config), to, SystemClock())


def restore(
    folder: Annotated[Path, typer.Argument(help="Folder of the backup 备份目录.")],
    why: Why,
    config: Config = None,
    json: Json = False,
) -> None:
    """Put the ledger of a backup back, under a new epoch; the gateway must be stopped 恢复."""
    from gateway.cli.act import checked_reason
    from gateway.cli.recover import restore as act
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        act(terminal, settings, config_folder(config), folder, why=checked_reason(why), clock=SystemClock())


def epoch_renew(why: Why, config: Config = None, json: Json = False) -> None:
    """Begin a new epoch after a standstill; the gateway must be stopped 启用新纪元."""
    from gateway.cli.act import checked_reason
    from gateway.cli.recover import renew_epoch as act
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        act(terminal, settings, checked_reason(why), SystemClock())
