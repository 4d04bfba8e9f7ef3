"""What is said when a bundle cannot be sent the way it should go, or is not what its outside says."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "recipient-unreachable": Template(
            "No link leads to unit {unit}.",
            "There is no link to it, and the roster names no hub of it that a link of ours leads to.",
            "Nothing is lost: it goes by itself once there is a way. Describe the link in links.d, or ask for the roster to be corrected; `caseferry route explain` shows the way.",
        ),
        "rule-not-permitted": Template(
            "The rule {rule} of route {route} is for flow {flow}, which may never go there.",
            "The roster's matrix does not let this unit send the flow to the unit or role that the rule finds: every export of it would be refused.",
            "Take the flow out of the rule; where the matrix itself is wrong, only the roster's authority can change it.",
        ),
        "relay-switched-off": Template(
            "This node carries nothing for others.",
            "It is neither end of the exchange that was asked about, and relay.enabled is false or it has no roster.",
            "Ask the node of the sender, the receiver, or a hub on the way between them.",
        ),
        "class-mismatch": Template(
            "A bundle holds another flow than its outside tells hubs.",
            "Hubs let bundles pass by the class outside; a false one would get round the roster's matrix.",
            "It was set aside and refused. Ask the sender's administrator, and tell the security administrator.",
        ),
    }
)
