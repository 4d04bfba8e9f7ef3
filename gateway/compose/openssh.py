"""What an administrator installs where OpenSSH serves the mailboxes: sshd_config, accounts and folders, as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.compose.guests import accounts_path
from gateway.domain.ids import UnitCode
from gateway.settings.load import Settings
from gateway.transport.accounts import account_of
from gateway.transport.hosted import IN, OUT
from gateway.transport.shared import IN_MODE, MAILBOX_MODE, OUT_MODE

GUESTS = "caseferry-guests"
"""Group of all guests: what sshd's rules are bound to."""
READER = "caseferry-keys"
"""Account under which sshd runs the command that reads the accounts file; it may do nothing else."""
REQUESTS = (
    *("open", "close", "read", "write", "lstat", "fstat", "stat", "fsetstat", "opendir", "readdir", "remove"),
    *("realpath", "rename", "statvfs", "fstatvfs", "fsync", "limits"),
)
"""What a guest may ask of the SFTP server: no posix-rename (it overwrites), no links, no folders, no change of modes by
name. fsetstat stays, since a broken upload is cut to what agreed before it goes on."""
UMASK = "0027"


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are on this server.

    user: account of the service.     program: the command `caseferry`, absolute, writable by root alone.
    host_key: private host key of the sshd.
    """

    user: str
    program: Path
    host_key: Path


def guests_of(settings: Settings) -> Sequence[UnitCode]:
    """Return the units that call this node, by code."""
    return sorted(link.peer for link in settings.links if link.enabled and link.hosts_mailbox)


def sftp_command() -> str:
    """Return what every guest gets instead of a shell."""
    return f"internal-sftp -f AUTHPRIV -l INFO -u {UMASK} -p {','.join(REQUESTS)}"


def sshd_config(settings: Settings, places: Places) -> str:
    """Return the configuration of an sshd for guests alone, every line explained."""
    server = settings.server
    listen = f"[{server.listen}]" if ":" in server.listen else server.listen
    return f"""\
# Configuration of an sshd for the peers of this CaseFerry node alone; made by `caseferry openssh config`.
# Install as /etc/caseferry/sshd_config, owned by root, and run it beside the server's own sshd:
#   sshd -t -f /etc/caseferry/sshd_config && systemctl enable --now caseferry-sshd
# Needs OpenSSH 8.5 or newer. Nobody but members of {GUESTS} can log in here, and they can do nothing but SFTP.

# Where peers call: server.listen and server.port of gateway.yaml.
ListenAddress {listen}:{server.port}
# The key that peers know from this node's card; written there by `caseferry openssh hostkey`.
HostKey {places.host_key}
# Beside the server's own sshd, which has its own.
PidFile none

# --- algorithms: only those that the embedded server and the gateway's own client use --------------------------------
HostKeyAlgorithms ssh-ed25519
PubkeyAcceptedAlgorithms ssh-ed25519
# From OpenSSH 9.9 on, put mlkem768x25519-sha256 first: against recording now and reading in twenty years.
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org
Ciphers aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr
MACs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com
# Bundles are compressed before they are encrypted.
Compression no

# --- who: guests, by the keys that their confirmed cards or the roster name ------------------------------------------
AllowGroups {GUESTS}
PermitRootLogin no
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
HostbasedAuthentication no
# No file of keys anywhere: the command below is the only source, so that a revoked key is refused at its next login.
AuthorizedKeysFile none
AuthorizedKeysCommand {places.program} openssh keys --accounts {accounts_path(settings)} %u %f
# An account that can read nothing of the gateway but the accounts file.
AuthorizedKeysCommandUser {READER}
# With PAM, accounts without a password are not taken for locked ones, and limits.conf counts.
UsePAM yes

# --- how many: the embedded server's limits where OpenSSH has them ---------------------------------------------------
# server.login_timeout
LoginGraceTime {max(1, int(server.login_timeout))}
MaxAuthTries 3
# Connections that have not logged in yet, of everybody together: from 50 on some are dropped, at 200 all. A hub of 500
# units that all call again after a power cut gets through in a few rounds; raise both on a faster machine.
MaxStartups 50:30:200
# The same of one address: an address that fails does not keep the others out. (OpenSSH 8.5)
PerSourceMaxStartups 20
# SFTP sessions over one connection.
MaxSessions 4
# A guest that is gone is noticed in a minute and a half; a connection without a session is not kept.
ClientAliveInterval 30
ClientAliveCountMax 3
TCPKeepAlive no
LogLevel VERBOSE
UseDNS no
PrintMotd no

# --- what: SFTP in a mailbox of one's own, and nothing else ----------------------------------------------------------
DisableForwarding yes
AllowTcpForwarding no
AllowStreamLocalForwarding no
AllowAgentForwarding no
X11Forwarding no
PermitTunnel no
GatewayPorts no
PermitTTY no
PermitUserRC no
PermitUserEnvironment no
Subsystem sftp internal-sftp

# Everybody who gets this far is one; said once more, so that these lines are right in any sshd_config.
Match Group {GUESTS}
    # The guest's home is its mailbox (`caseferry openssh sysusers`); root owns it and everything above it.
    ChrootDirectory %h
    # Whatever a guest asks for, it gets this. The umask lets the gateway read what was put in; -p lists what may be
    # asked: no overwriting by rename, no links, no folders.
    ForceCommand {sftp_command()}
"""


def sysusers(settings: Settings, places: Places) -> str:
    """Return sysusers.d lines: the account and group of every guest."""
    lines = [
        "# Accounts of the peers that call this node; made by `caseferry openssh sysusers`.",
        "# Install as /etc/sysusers.d/caseferry-guests.conf, run systemd-sysusers, and restart caseferry: a service",
        "# learns its groups when it starts.",
        f"g {GUESTS} -",
        f'u {READER} - "Reads the accounts file for sshd" / /usr/sbin/nologin',
    ]
    for unit in guests_of(settings):
        account = account_of(unit)
        lines += [
            f'u {account} - "CaseFerry guest {unit}" {settings.paths.mailboxes / unit} /usr/sbin/nologin',
            f"m {account} {GUESTS}",
            f"m {places.user} {account}",
        ]
    return "\n".join(lines) + "\n"


def tmpfiles(settings: Settings, places: Places) -> str:
    """Return tmpfiles.d lines: the mailboxes with their owners and modes (gateway/transport/shared.py says why)."""
    mailboxes = settings.paths.mailboxes
    lines = [
        "# Mailboxes of the peers that call this node; made by `caseferry openssh sysusers --folders`.",
        "# Install as /etc/tmpfiles.d/caseferry-guests.conf and run systemd-tmpfiles --create. No age: nothing here is",
        "# ever cleaned up from outside. Every folder above the mailboxes must be root's and writable by root alone.",
        f"d {mailboxes} 0755 root root -",
        f"d {accounts_path(settings).parent} 0755 {places.user} {places.user} -",
    ]
    for unit in guests_of(settings):
        account = account_of(unit)
        lines += [
            f"d {mailboxes / unit} {MAILBOX_MODE:04o} root {account} -",
            f"d {mailboxes / unit / IN} {IN_MODE:04o} {places.user} {account} -",
            f"d {mailboxes / unit / OUT} {OUT_MODE:04o} {places.user} {account} -",
        ]
    return "\n".join(lines) + "\n"
