"""Makes a new node: its configuration folder, its state folder and its keys; never touches one that exists."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway import linux
from gateway.compose.identity import load_settings
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, Scope
from gateway.domain.ids import UnitCode
from gateway.folders import disk
from gateway.keyring.keyring import Keyring
from gateway.settings.load import LINKS_FOLDER, NODE_FILE, ROUTES_FOLDER, Settings
from gateway.settings.writing import Values, node_yaml
from gateway.standard.loading import FOLDERS

FIRST_PORT = 10_240
"""Above most that programs are known by."""


@dataclass(frozen=True, slots=True)
class NewNode:
    """What a new node is to be. `state` may be relative to the configuration folder."""

    unit: UnitCode
    name: str
    state: str
    listen: str
    port: int
    more: Values = field(default_factory=dict)
    """Further sections of gateway.yaml."""


def init_node(config: Path, node: NewNode, passphrase: bytes | None, clock: Clock) -> Settings:
    """Write the configuration folder `config`, make the state folder and draw the keys; return the settings.

    passphrase: protects the key file; None leaves it to its file mode (or to `systemd-creds encrypt`).
    Raises ConfigError `node-exists` if there is a configuration, `keys-exist` if there are keys, and whatever the new
    configuration is refused for: then nothing is left behind that a second call would trip over.
    """
    path = config / NODE_FILE
    if path.exists():
        raise ConfigError("node-exists", f"{path} is there already", scope=Scope.NODE, facts={"path": str(path)})
    with disk.mapped(config):
        for name in ("", LINKS_FOLDER, ROUTES_FOLDER, *FOLDERS):
            (config / name).mkdir(parents=True, exist_ok=True)
    disk.write_durably(path, _text(node).encode(), mode=0o644)
    try:
        settings = load_settings(config)
        disk.owner_only(settings.paths.state)
        Keyring.create(settings.paths.keys, passphrase, now=clock.now())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return settings


def free_ports(count: int) -> Sequence[int]:
    """Return TCP ports on loopback that nobody uses at this moment, nor is given who asks for any port.

    Of those the system gives away, one that is free now may be another's before its server listens.
    """
    below = linux.first_given_port()
    with ExitStack() as held:

        def hold(port: int) -> int:
            return int(held.enter_context(socket.create_server(("127.0.0.1", port))).getsockname()[1])

        ports: list[int] = []
        while len(ports) < count:
            given = hold(0)  # which differs from one call to the next, also of another process
            if below <= FIRST_PORT:
                ports.append(given)
                continue
            with suppress(OSError):  # somebody listens there
                ports.append(hold(FIRST_PORT + given % (below - FIRST_PORT)))
        return ports


def _text(node: NewNode) -> str:
    values: Values = {
        "node": {"unit": node.unit, "name": node.name},
        "paths": {"state": node.state},
        "server": {"listen": node.listen, "port": node.port},
        **node.more,
    }
    return node_yaml(values)
