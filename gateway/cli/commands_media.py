"""The commands for removable media, as typer sees them; each is recorded with the login name."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Config, Json, Why, speaking
from gateway.cli.terminal import config_folder

media = typer.Typer(no_args_is_help=True, help="Removable media 移动介质")

Trip = Annotated[int, typer.Argument(help="Number of the trip, as `media list` shows it 行程编号.", min=1)]
Medium = Annotated[Path, typer.Argument(help="Folder in which the medium is mounted 介质挂载目录.")]
Reason = Annotated[str, typer.Option("--why", help="The reason, for the record 原因(记入日志).")]


@media.command("export")
def media_export(
    link: Annotated[str, typer.Argument(help="Name of the link 链路名称.")],
    medium: Medium,
    *,
    label: Annotated[str, typer.Option(help="What is written on the medium 介质标签.")] = "",
    why: Reason = "",
    config: Config = None,
    json: Json = False,
) -> None:
    """Ask that what waits for a link goes on a medium; another person confirms 申请导出到介质."""
    from gateway.cli.media import at_desk, export

    with speaking(as_json=json) as plain, at_desk(plain, config_folder(config)) as (terminal, desk):
        export(terminal, desk, desk.export(link, medium, label, why))


@media.command("import")
def media_import(medium: Medium, why: Reason = "", config: Config = None, json: Json = False) -> None:
    """Ask that what a medium brings be taken in; another person confirms 申请从介质导入."""
    from gateway.cli.media import at_desk, take_in

    with speaking(as_json=json) as plain, at_desk(plain, config_folder(config)) as (terminal, desk):
        refused = take_in(terminal, desk, medium, why)
    sys.exit(1 if refused else 0)


@media.command("confirm")
def media_confirm(
    trip: Trip,
    at: Annotated[Path | None, typer.Option(help="Where the medium is mounted now 介质现挂载目录.")] = None,
    why: Reason = "",
    config: Config = None,
    json: Json = False,
) -> None:
    """Confirm a trip as the second person and carry it out; goes on with one that was interrupted 复核并执行."""
    from gateway.cli.media import at_desk, confirm

    with speaking(as_json=json) as plain, at_desk(plain, config_folder(config)) as (terminal, desk):
        confirm(terminal, desk, trip, why, at)


@media.command("cancel")
def media_cancel(trip: Trip, why: Why, config: Config = None, json: Json = False) -> None:
    """Call a trip off that is not finished; what it was to carry waits again 撤销行程."""
    from gateway.cli.act import checked_reason
    from gateway.cli.media import at_desk, cancel

    with speaking(as_json=json) as plain, at_desk(plain, config_folder(config)) as (terminal, desk):
        cancel(terminal, desk, trip, checked_reason(why))


@media.command("lost")
def media_lost(trip: Trip, why: Why, config: Config = None, json: Json = False) -> None:
    """Record that a medium is lost or stolen; the same bytes go again with the next export 登记介质遗失."""
    from gateway.cli.act import checked_reason
    from gateway.cli.media import at_desk, lose

    with speaking(as_json=json) as plain, at_desk(plain, config_folder(config)) as (terminal, desk):
        lose(terminal, desk, trip, checked_reason(why))


@media.command("list")
def media_list(
    limit: Annotated[int, typer.Option(help="At most so many trips 最多显示行程数.", min=1, max=10_000)] = 20,
    config: Config = None,
    json: Json = False,
) -> None:
    """Show the trips, what waits for the next, and which never came 列出行程."""
    from gateway.cli.media import at_desk, show

    with speaking(as_json=json) as plain, at_desk(plain, config_folder(config)) as (terminal, desk):
        show(terminal, desk, limit)
