"""The commands of the roster, as typer sees them: the authority's on its offline machine, and those of every node."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Config, Json, at_node, speaking

roster = typer.Typer(no_args_is_help=True, help="The signed roster of units 名册")

Folder = Annotated[Path, typer.Argument(help="The authority's folder 名册编制目录.")]
File = Annotated[Path, typer.Argument(help="A roster file (.cft) 名册文件.")]
Digits = Annotated[str | None, typer.Option("--fingerprint", help="As it was read to you 对方口述的指纹.")]


@roster.command("key")
def key(out: Annotated[Path, typer.Argument(help="New key file; its public half goes to OUT.pub 新密钥文件.")]) -> None:
    """Draw the key of one officer, under a passphrase 生成签署人密钥."""
    from gateway.cli.roster_authority import draw

    with speaking() as terminal:
        draw(terminal, out)


@roster.command("init")
def init(
    folder: Folder,
    *,
    province: Annotated[str, typer.Option(help="Name of the province 省份名称.")],
    officer: Annotated[list[Path], typer.Option(help="Public key of an officer (.pub); repeat 签署人公钥, 可重复.")],
    threshold: Annotated[int, typer.Option(help="How many officers must sign 至少几人签署.")],
    days: Annotated[int, typer.Option(min=1, max=3660, help="For how long a version counts 每版有效天数.")] = 180,
) -> None:
    """Begin a roster on the authority's offline machine 新建名册."""
    from gateway.cli.roster_authority import begin

    with speaking() as terminal:
        begin(terminal, folder, province=province, officers=officer, threshold=threshold, days=days)


@roster.command("officers")
def officers(
    folder: Folder,
    *,
    officer: Annotated[list[Path], typer.Option(help="Public key of an officer (.pub); repeat 签署人公钥, 可重复.")],
    threshold: Annotated[int, typer.Option(help="How many officers must sign 至少几人签署.")],
) -> None:
    """Let exactly these officers sign from the next version on 更换签署人."""
    from gateway.cli.roster_authority import change_officers

    with speaking() as terminal:
        change_officers(terminal, folder, officers=officer, threshold=threshold)


@roster.command("add")
def add(
    folder: Folder,
    card: Annotated[Path, typer.Argument(help="The unit's card file 单位名片文件.")],
    *,
    role: Annotated[str, typer.Option(help="Role in the exchange standard, or hub 角色.")] = "",
    level: Annotated[str, typer.Option(help="province, city or county 级别.")] = "",
    region: Annotated[str, typer.Option(help="Six digits of GB/T 2260 行政区划代码.")] = "",
    parent: Annotated[str, typer.Option(help="Code of the unit above 上级单位.")] = "",
    hub: Annotated[
        list[str] | None, typer.Option(help="Hub that leads to it, the preferred first 枢纽, 可重复.")
    ] = None,
    code: Annotated[
        list[str] | None, typer.Option(help="SCHEME=CODE, a code in another scheme; repeat 其他编码, 可重复.")
    ] = None,
    fingerprint: Digits = None,
) -> None:
    """Put a unit, or its renewed card, into the draft 加入单位或更新名片."""
    from gateway.cli.roster_authority import Wanted
    from gateway.cli.roster_authority import add as act
    from gateway.domain.clock import SystemClock

    with speaking() as terminal:
        wanted = Wanted(role, level, region, parent, tuple(hub or ()), tuple(code or ()))
        act(terminal, folder, card, wanted, confirmed=fingerprint, clock=SystemClock())


@roster.command("revoke")
def revoke(
    folder: Folder,
    unit: Annotated[str, typer.Argument(help="Code of the unit 单位代码.")],
    *,
    key_id: Annotated[str, typer.Option("--key", help="Only this key; else all it has 仅此密钥.")] = "",
    at: Annotated[str, typer.Option(help="From when on: an ISO time, or 3d ago 起始时间.")] = "",
    ssh: Annotated[bool, typer.Option("--ssh", help="Only its former SSH keys 仅旧 SSH 密钥.")] = False,
    compromised: Annotated[
        bool, typer.Option("--compromised", help="A thief may have it: nothing it signed counts 密钥已泄露.")
    ] = False,
) -> None:
    """Revoke a unit's keys in the draft 吊销密钥."""
    from gateway.cli.roster_authority import forget_ssh
    from gateway.cli.roster_authority import revoke as act
    from gateway.domain.clock import SystemClock

    with speaking() as terminal:
        if ssh:
            forget_ssh(terminal, folder, unit)
            return
        act(terminal, folder, unit, key_id=key_id, at=at, clock=SystemClock(), compromised=compromised)


@roster.command("close")
def close(
    folder: Folder,
    unit: Annotated[str, typer.Argument(help="Code of the unit 单位代码.")],
    *,
    successor: Annotated[str, typer.Option(help="Unit it was merged into, or its new code 承接单位.")] = "",
    at: Annotated[str, typer.Option(help="From when on: an ISO time, or 3d ago 起始时间.")] = "",
) -> None:
    """Close a unit in the draft; its codes lead to its successor 撤销或合并单位."""
    from gateway.cli.roster_authority import close as act
    from gateway.domain.clock import SystemClock

    with speaking() as terminal:
        act(terminal, folder, unit, successor=successor, at=at, clock=SystemClock())


@roster.command("allow")
def allow(
    folder: Folder,
    flow: Annotated[str, typer.Argument(help="Slug of the flow, or * 业务流程.")],
    sender: Annotated[str, typer.Argument(help="Role that sends, or * 发送角色.")],
    receiver: Annotated[str, typer.Argument(help="Role that receives, or * 接收角色.")],
    *,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the rule out instead 撤销此规则.")] = False,
    number: Annotated[
        int, typer.Option("--class", help="Give a flow of the province's own this class 路由类别.", min=0, max=65535)
    ] = 0,
    lane: Annotated[str, typer.Option(help="Lane of that class 优先级.")] = "normal",
) -> None:
    """Let a flow go from one role to another, in the draft 设置流程权限."""
    from gateway.cli.roster_authority import allow as act

    with speaking() as terminal:
        act(terminal, folder, flow, sender, receiver, withdraw=withdraw, number=number, lane=lane)


@roster.command("sign")
def sign(
    what: Annotated[
        Path, typer.Argument(help="The authority's folder, or a proposal that was brought here 目录或提案.")
    ],
    *,
    key_file: Annotated[Path, typer.Option("--key", help="Your key file 签署人密钥文件.")],
    also: Annotated[
        list[Path] | None, typer.Option("--with", help="The proposal as another officer signed it 他人已签的提案.")
    ] = None,
    json: Json = False,
) -> None:
    """Sign the draft, or a proposal; publish it once enough have signed 签署名册."""
    from gateway.cli.roster_authority import sign as act
    from gateway.domain.clock import SystemClock

    with speaking(as_json=json) as terminal:
        act(terminal, what, key_file, also or (), SystemClock())


@roster.command("verify")
def verify(file: File, config: Config = None, fingerprint: Digits = None, json: Json = False) -> None:
    """Say whether a roster file is genuine, and changes nothing; exit 0 genuine, 1 not 验证名册文件."""
    from gateway.cli.roster_node import verify as show
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        show(terminal, settings, file, fingerprint, SystemClock())


@roster.command("show")
def show(
    file: Annotated[Path | None, typer.Argument(help="A roster file; else the one in use here 名册文件.")] = None,
    *,
    unit: Annotated[str, typer.Option(help="Only this unit, by any of its codes 仅此单位.")] = "",
    config: Config = None,
    json: Json = False,
) -> None:
    """Show the roster in use, or what a file claims 查看名册."""
    from gateway.cli.roster_node import show as act
    from gateway.cli.roster_node import show_file
    from gateway.domain.clock import SystemClock

    if file is not None:
        with speaking(as_json=json) as terminal:
            show_file(terminal, file, unit, SystemClock())
        return
    with at_node(config, as_json=json) as (terminal, settings):
        act(terminal, settings, unit, SystemClock())


@roster.command("diff")
def diff(
    old: File,
    new: Annotated[Path, typer.Argument(help="A roster file, or the authority's folder for its draft 名册文件或目录.")],
    json: Json = False,
) -> None:
    """Show what differs between two rosters; exit 0 in any case 比较名册."""
    from gateway.cli.roster_node import diff as show

    with speaking(as_json=json) as terminal:
        show(terminal, old, new)


@roster.command("trust")
def trust(
    file: File,
    *,
    config: Config = None,
    fingerprint: Digits = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Give up the authority trusted before 改为信任新的签署机构.")
    ] = False,
) -> None:
    """Begin to go by a roster, once its root's fingerprint was confirmed by telephone 首次信任名册."""
    from gateway.cli.roster_node import trust as act
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=False) as (terminal, settings):
        act(terminal, settings, file, fingerprint, SystemClock(), replace=replace)


@roster.command("import")
def take(file: File, config: Config = None, json: Json = False) -> None:
    """Take in a newer roster from a file; a running gateway goes by it at once 导入新版名册."""
    from gateway.cli.roster_node import take as act
    from gateway.domain.clock import SystemClock

    with at_node(config, as_json=json) as (terminal, settings):
        act(terminal, settings, file, SystemClock())
