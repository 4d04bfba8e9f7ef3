"""The commands that need no daemon, as typer sees them: inspect, open, verify, check, schema, version, key rotate."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Config, Json, at_node, settled, speaking
from gateway.cli.terminal import config_folder


class SchemaKind(StrEnum):
    """What has a JSON Schema: gateway.settings.schema.KINDS, which is too slow to import for every command."""

    GATEWAY = "gateway"
    LINK = "link"
    ROUTES = "routes"
    GRANTS = "grants"
    FLOW = "flow"
    CHAPTERS = "chapters"
    CHARGES = "charges"
    CHECKS = "checks"
    DOCUMENTS = "documents"
    FIELDS = "fields"
    HOLIDAYS = "holidays"
    LAWS = "laws"
    PROFILES = "profiles"
    ROLES = "roles"
    TABLES = "tables"
    CASE_PACKAGE = "case-package"


def inspect(
    *,
    export: Annotated[Path, typer.Argument(help="The export: a file or a folder 导出包.")],
    config: Config = None,
    packer: Annotated[str, typer.Option(help="Read it with this packer 指定适配器.")] = "",
    route: Annotated[str, typer.Option(help="Ask this outbound route 指定路由.")] = "",
    json: Json = False,
) -> None:
    """What would happen to this export; exit 0 sendable, 1 held or waiting, 2 refused 预检导出包."""
    from gateway.cli.inspect import inspect as show

    with speaking(as_json=json) as unsettled:
        terminal, settings = settled(unsettled, config, is_needed=bool(route))
        folder = config_folder(config) if settings is not None else None
        code = show(terminal, settings, folder, export, packer=packer, route=route)
    raise typer.Exit(code)


def open_bundle(
    bundle: Annotated[Path, typer.Argument(help="A bundle file (.cfb) 交换包文件.")],
    into: Annotated[Path, typer.Option(help="A new or empty folder 目标目录.")],
    config: Config = None,
    json: Json = False,
) -> None:
    """Open a bundle offline with this node's keys, refusing what the daemon would refuse 离线打开交换包."""
    from gateway.cli.verify import open_bundle as show
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, _settings):
        code = show(terminal, config_folder(config), bundle, into, SystemClock())
    raise typer.Exit(code)


def verify(
    *,
    file: Annotated[Path, typer.Argument(help="A bundle, a receipt file, or an ack/*.receipt.json 待验证文件.")],
    config: Config = None,
    card: Annotated[
        list[Path] | None, typer.Option(help="Trust this card; may be repeated 信任此名片, 可重复.")
    ] = None,
    json: Json = False,
) -> None:
    """Say whether a bundle or a receipt is genuine; needs no private key; exit 0 genuine, 1 not 验证真伪."""
    from gateway.cli.verify import verify as show
    from gateway.domain.clock import SystemClock

    with speaking(as_json=json) as unsettled:
        terminal, settings = settled(unsettled, config, is_needed=False)
        code = show(terminal, settings, file, card or (), SystemClock())
    raise typer.Exit(code)


def check(
    config: Config = None,
    links: Annotated[bool, typer.Option("--links", help="Also try every link live 同时测试各链路.")] = False,
    json: Json = False,
) -> None:
    """Check everything a start needs, all findings at once; exit 0 ok, 1 errors 检查配置与环境."""
    from gateway.cli.check import check as show
    from gateway.domain.clock import SystemClock

    with speaking(as_json=json) as unsettled:
        terminal, _settings = settled(unsettled, config, is_needed=False)
        code = show(terminal, config_folder(config), SystemClock(), links=links)
    raise typer.Exit(code)


def schema(
    kind: Annotated[SchemaKind | None, typer.Argument(help="Only this one 只输出这一种.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the files into this folder 写入目录.")] = None,
) -> None:
    """Write the JSON Schemas of the configuration files and of the case package 配置文件与案件数据的 JSON Schema."""
    from gateway.cli.about import schema as show

    with speaking() as terminal:
        show(terminal, kind.value if kind is not None else None, out)


def version(json: Json = False) -> None:
    """Show the version of the program 版本."""
    from gateway.cli.about import version as show

    with speaking(as_json=json) as terminal:
        show(terminal)


def key_rotate(
    config: Config = None,
    out: Annotated[Path | None, typer.Option(help="Write the new card to this file 新名片写入文件.")] = None,
    ssh: Annotated[bool, typer.Option("--ssh", help="The SSH keys as well 同时更换 SSH 密钥.")] = False,
    json: Json = False,
) -> None:
    """Draw new keys beside the present ones, and say what the peers need 更换密钥."""
    from gateway.cli.keys import rotate_keys
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        rotate_keys(terminal, settings, out, SystemClock(), ssh=ssh)


def key_switch(config: Config = None) -> None:
    """Use the SSH keys that `key rotate --ssh` drew, once others know them 启用新 SSH 密钥."""
    from gateway.cli.keys import switch_ssh

    with at_node(config, as_json=False) as (terminal, settings):
        switch_ssh(terminal, settings)


def peer_remove(
    unit: Annotated[str, typer.Argument(help="Code of the unit 单位代码.")], config: Config = None, json: Json = False
) -> None:
    """Revoke a peer: it may no longer log in, send, or be sent to 吊销对端."""
    from gateway.cli.keys import remove_peer
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        remove_peer(terminal, settings, unit, SystemClock())
