"""The commands about the exchange standard, as typer sees them."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Config, Json, settled, speaking
from gateway.cli.terminal import config_folder

flows = typer.Typer(no_args_is_help=True, help="Business flows of the exchange standard 业务流程")
Day = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As they count on this day; else today 生效日期.")
]


@flows.command("list")
def flows_list(
    config: Config = None,
    role: Annotated[str, typer.Option(help="Only flows in which this role takes part 角色.")] = "",
    group: Annotated[str, typer.Option(help="Only flows of this part of the proceedings 分组.")] = "",
    day: Day = None,
    json: Json = False,
) -> None:
    """List the business flows: class, name, who to whom 列出业务流程."""
    from gateway.cli.flows import list_flows

    with speaking(as_json=json) as unsettled:
        terminal, _settings = settled(unsettled, config, is_needed=False)
        code = list_flows(terminal, config_folder(config), _day(day), role=role, group=group)
    raise typer.Exit(code)


@flows.command("show")
def flows_show(
    flow: Annotated[str, typer.Argument(metavar="CODE", help="Slug of a flow or a reply 业务流程.")],
    config: Config = None,
    day: Day = None,
    json: Json = False,
) -> None:
    """Tell everything of one flow: documents, fields, checks, terms with their law, answer 业务流程详情."""
    from gateway.cli.flows import show_flow

    with speaking(as_json=json) as unsettled:
        terminal, _settings = settled(unsettled, config, is_needed=False)
        code = show_flow(terminal, config_folder(config), _day(day), flow)
    raise typer.Exit(code)


@flows.command("check")
def flows_check(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder with flows/ and codes/; else the configuration folder 目录.")
    ] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Check the files of the standard, all faults at once; exit 0 sound, 1 not 检查业务流程文件."""
    from gateway.cli.flows import check_flows

    with speaking(as_json=json) as unsettled:
        terminal, _settings = settled(unsettled, config, is_needed=False)
        code = check_flows(terminal, folder, config_folder(config))
    raise typer.Exit(code)


def _day(chosen: datetime | None) -> date:
    from gateway.domain.clock import SystemClock
    from gateway.standard.dates import day_at

    return chosen.replace(tzinfo=UTC).date() if chosen is not None else day_at(SystemClock().now())
