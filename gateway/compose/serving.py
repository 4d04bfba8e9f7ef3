"""What the embedded SFTP server of a node is told: where it listens, whom it lets in, what it keeps free."""

from gateway.compose.guests import accounts_path
from gateway.compose.identity import Identity
from gateway.compose.room import mailbox_floors
from gateway.transport.guard import GuardLimits
from gateway.transport.server import ServerConfig


def server_config(identity: Identity) -> ServerConfig:
    """Return the server's configuration; holds the host key, so it travels over a child's line only."""
    settings = identity.settings
    server = settings.server
    return ServerConfig(
        host=server.listen,
        port=server.port,
        host_key=identity.keyring.ssh_host.to_openssh(),
        mailboxes=settings.paths.mailboxes,
        accounts=accounts_path(settings),
        quota_bytes=server.quota,
        floors=mailbox_floors(settings),
        limits=GuardLimits(
            connections=server.max_connections,
            per_guest=server.max_connections_per_peer,
            failures=server.auth_failures,
            ban=server.shut_out,
        ),
        login_grace=server.login_timeout,
        idle=server.idle_timeout,
    )
