"""What is said where OpenSSH serves the mailboxes."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "openssh-unused": Template(
            "OpenSSH does not serve this node's mailboxes.",
            "server.mode of gateway.yaml is `embedded`: the gateway serves them itself.",
            "Nothing is needed. To change it, read docs/openssh.md first.",
        ),
        "openssh-unprepared": Template(
            "The folder {folder} is not there, or the gateway may not write in it.",
            "Where OpenSSH serves the mailboxes, root makes them once and for each new peer.",
            "As root, install what `caseferry openssh sysusers` and `caseferry openssh sysusers --folders` print, run systemd-sysusers and systemd-tmpfiles --create, and start the gateway again.",
        ),
    }
)
"""Slug of a GatewayError -> template."""
