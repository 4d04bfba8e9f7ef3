"""The commands for OpenSSH as the server of the mailboxes, as typer sees them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Config, Json, at_node

if TYPE_CHECKING:
    from gateway.compose.openssh import Places

openssh = typer.Typer(no_args_is_help=True, help="OpenSSH as the server of the mailboxes 以 OpenSSH 作服务器")

_FOLDER = Path("/etc/caseferry")
User = Annotated[str, typer.Option(help="Account that the gateway runs as 网关运行账户.")]
Program = Annotated[Path, typer.Option(help="The command `caseferry`, absolute; root's alone 网关程序的绝对路径.")]
HostKey = Annotated[Path, typer.Option(help="The sshd's private host key sshd 主机私钥.")]


def _places(user: str = "caseferry", program: Path | None = None, host_key: Path | None = None) -> "Places":
    from gateway.compose.openssh import Places

    return Places(user, program or _PROGRAM, host_key or _HOST_KEY)


_PROGRAM = Path("/opt/caseferry/bin/caseferry")
_HOST_KEY = _FOLDER / "ssh_host_ed25519_key"


@openssh.command("config")
def openssh_config(config: Config = None, program: Program = _PROGRAM, host_key: HostKey = _HOST_KEY) -> None:
    """Print the configuration of an sshd for this node's peers, every line explained 生成 sshd_config."""
    from gateway.cli.openssh import config as show

    with at_node(config) as (terminal, settings):
        show(terminal, settings, _places(program=program, host_key=host_key))


@openssh.command("sysusers")
def openssh_sysusers(
    config: Config = None,
    user: User = "caseferry",
    folders: Annotated[
        bool, typer.Option("--folders", help="Print the tmpfiles.d lines of the mailboxes instead 输出邮箱目录.")
    ] = False,
) -> None:
    """Print sysusers.d lines: an account for each peer that calls 生成对端账户."""
    from gateway.cli.openssh import accounts

    with at_node(config) as (terminal, settings):
        accounts(terminal, settings, _places(user), folders=folders)


@openssh.command("hostkey")
def openssh_hostkey(
    out: Annotated[Path, typer.Option(help="Write it to this file 写入文件.")], config: Config = None
) -> None:
    """Write the private host key that peers know from this node's card, for the sshd 导出主机私钥."""
    from gateway.cli.openssh import host_key

    with at_node(config) as (terminal, settings):
        host_key(terminal, settings, out)


@openssh.command("keys")
def openssh_keys(
    unit: Annotated[str, typer.Argument(help="Code of the unit, or its account 单位代码或账户.")],
    fingerprint: Annotated[str, typer.Argument(help="Only the key with this SHA256 fingerprint 仅此指纹的密钥.")] = "",
    accounts: Annotated[Path | None, typer.Option(help="The accounts file 账户文件.")] = None,
    config: Config = None,
) -> None:
    """Print a peer's keys as sshd's AuthorizedKeysCommand; no output means no login 供 sshd 查询公钥."""
    from gateway.transport.accounts import authorized_lines

    path = accounts
    if path is None:
        from gateway.compose.guests import accounts_path

        with at_node(config) as (_terminal, settings):
            path = accounts_path(settings)
    from gateway.cli.options import speaking

    with speaking():
        sys.stdout.write(authorized_lines(path, unit, fingerprint))


@openssh.command("check")
def openssh_check(
    config: Config = None,
    file: Annotated[Path, typer.Option(help="The sshd's configuration sshd 配置文件.")] = _FOLDER / "sshd_config",
    user: User = "caseferry",
    program: Program = _PROGRAM,
    json: Json = False,
) -> None:
    """Check accounts, owners and modes, and, as root, what sshd itself makes of its configuration 检查部署."""
    from gateway.cli.openssh import check

    with at_node(config, as_json=json) as (terminal, settings):
        code = check(terminal, settings, _places(user, program), file)
    sys.exit(code)
