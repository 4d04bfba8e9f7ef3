"""What is said about the boundaries between nodes: gap devices, diodes, windows, and what a link cannot carry."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "bundle-too-large-for-link": Template(
            "This bundle is larger than its link takes: {size} bytes, the link takes {most}.",
            "The link's settings give a largest bundle (max_bundle), and waiting would not make this one smaller.",
            "Have the case software export it in smaller pieces and close this one, or raise max_bundle of the link and release it.",
        ),
        "lane-not-carried": Template(
            "This bundle belongs to a lane that its link does not carry: {lane}.",
            "The link's settings (priorities) keep the line free for more urgent things.",
            "Add the lane to priorities of the link and release the transfer, or carry it another way and close it.",
        ),
        "link-window-closed": Template(
            "The link is outside its hours.",
            "Its settings (windows) say when it may be used; what was under way has stopped at a safe place.",
            "Nothing to do: it goes on by itself when the next window opens.",
        ),
        "ssh-missing": Template(
            "The link is to use this server's ssh program, which is not there.",
            "The link's settings say sftp.engine: openssh, and OpenSSH's client is not installed, or /proc cannot be seen.",
            "Install it (package openssh-client), or take sftp.engine out of the link's file; then restart the gateway.",
        ),
    }
)
