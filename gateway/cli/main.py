"""The command line: one function per command; each parses, calls, prints and decides nothing."""

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import (
    commands_act,
    commands_look,
    commands_offline,
    commands_recover,
    commands_replies,
    commands_roster,
    commands_route,
    commands_sources,
    commands_terms,
    commands_trial,
)
from gateway.cli.commands_flows import flows
from gateway.cli.commands_media import media
from gateway.cli.commands_openssh import openssh
from gateway.cli.options import Config, Json, speaking
from gateway.cli.terminal import config_folder

app = typer.Typer(
    name="caseferry",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Exchange gateway between justice agencies 政法跨部门数据交换网关",
)
peer = typer.Typer(no_args_is_help=True, help="Peers whose cards were confirmed 对端")
app.add_typer(peer, name="peer")
quarantine = typer.Typer(no_args_is_help=True, help="What was set aside 隔离区")
app.add_typer(quarantine, name="quarantine")
key = typer.Typer(no_args_is_help=True, help="This node's own keys 本机密钥")
app.add_typer(key, name="key")
epoch = typer.Typer(no_args_is_help=True, help="The epoch under which this node numbers 纪元")
app.add_typer(epoch, name="epoch")
app.add_typer(media, name="media")
app.add_typer(openssh, name="openssh")
route = typer.Typer(no_args_is_help=True, help="Whom exports go to, and why 路由")
app.add_typer(route, name="route")
app.add_typer(commands_roster.roster, name="roster")
app.add_typer(commands_replies.reply, name="reply")
app.add_typer(commands_sources.source, name="source")
app.add_typer(commands_terms.alerts, name="alerts")
app.add_typer(flows, name="flows")

for command in (
    commands_look.status,
    commands_look.watch,
    commands_look.log,
    commands_look.grants,
    commands_look.explain,
    commands_look.decisions,
    commands_replies.replies,
    commands_sources.stats,
    commands_terms.deadlines,
    commands_act.retry,
    commands_act.hold,
    commands_act.release,
    commands_act.close,
    commands_recover.streams,
    commands_recover.resync,
    commands_recover.reconcile,
    commands_recover.backup,
    commands_recover.restore,
    commands_offline.inspect,
    commands_offline.verify,
    commands_offline.check,
    commands_offline.schema,
    commands_offline.version,
    commands_trial.demo,
    commands_trial.simulate,
):
    app.command()(command)
app.command("open")(commands_offline.open_bundle)
peer.command("remove")(commands_offline.peer_remove)
key.command("rotate")(commands_offline.key_rotate)
route.command("explain")(commands_route.route_explain)
key.command("switch")(commands_offline.key_switch)
epoch.command("renew")(commands_recover.epoch_renew)
quarantine.command("list")(commands_look.quarantine_list)
quarantine.command("show")(commands_look.quarantine_show)
quarantine.command("recheck")(commands_act.quarantine_recheck)
quarantine.command("release")(commands_act.quarantine_release)
quarantine.command("reject")(commands_act.quarantine_reject)
quarantine.command("close")(commands_act.quarantine_close)


def main() -> None:
    """Entry point of the command `caseferry`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A character that the terminal's encoding lacks must not end a command.
            stream.reconfigure(errors="replace")
    app()


@app.command()
def run(config: Config = None) -> None:
    """Be the daemon, in the foreground; SIGTERM drains, SIGHUP reloads 运行守护进程."""
    from gateway.cli.run import run as run_node

    with speaking():
        code = run_node(config_folder(config))
    sys.exit(code)


@app.command()
def init(
    *,
    unit: Annotated[str, typer.Option(help="Official code of the unit 单位代码.")],
    name: Annotated[str, typer.Option(help="Name of the unit 单位名称.")],
    config: Config = None,
    state: Annotated[str, typer.Option(help="Folder for everything the node keeps 状态目录.")] = "/var/lib/caseferry",
    listen: Annotated[str, typer.Option(help="This server's address on the exchange network 监听地址.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port of the SFTP server 端口.")] = 2222,
    clear_keys: Annotated[
        bool, typer.Option("--clear-keys", help="Leave the key file without a passphrase 密钥文件不设口令.")
    ] = False,
) -> None:
    """Make a new node: configuration, folders, keys 初始化节点."""
    from gateway.cli.trust import init as init_node

    with speaking() as terminal:
        init_node(
            terminal,
            config_folder(config),
            unit=unit,
            name=name,
            state=state,
            listen=listen,
            port=port,
            clear_keys=clear_keys,
        )


@peer.command("card")
def peer_card(
    config: Config = None,
    out: Annotated[Path | None, typer.Option(help="Write the card to this file 写入文件.")] = None,
    qr: Annotated[bool, typer.Option("--qr", help="Show the fingerprint as QR code 显示二维码.")] = False,
    json: Json = False,
) -> None:
    """Show this node's card and the fingerprint to be read aloud 本机名片与指纹."""
    from gateway.cli.trust import card

    with speaking(as_json=json) as terminal:
        card(terminal, config_folder(config), out, qr=qr)


@peer.command("add")
def peer_add(
    file: Annotated[Path, typer.Argument(help="The peer's card file 对端名片文件.")],
    config: Config = None,
    fingerprint: Annotated[
        str | None, typer.Option(help="The fingerprint as the peer read it to you 对方口述的指纹.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Accept new keys that the old ones did not sign 更换密钥.")
    ] = False,
) -> None:
    """Confirm a peer's card by its fingerprint 添加对端."""
    from gateway.cli.trust import add

    with speaking() as terminal:
        add(terminal, config_folder(config), file, fingerprint, replace=replace)


@peer.command("list")
def peer_list(config: Config = None, json: Json = False) -> None:
    """List the confirmed peers 列出对端."""
    from gateway.cli.trust import list_peers

    with speaking(as_json=json) as terminal:
        list_peers(terminal, config_folder(config))
