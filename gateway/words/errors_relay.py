"""What is said about bundles that a hub carries for others."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "relay-without-roster": Template(
            "This node is told to carry bundles for others, and has no roster.",
            "relay.enabled is true in gateway.yaml. Only the signed roster says who may send what to whom, and by which hubs.",
            "Accept the province's roster with `caseferry roster`, or set relay.enabled to false.",
        ),
        "relay-not-hub": Template(
            "This node ({unit}) is told to carry bundles for others, and the roster does not name it a hub.",
            "relay.enabled is true in gateway.yaml; in the roster the unit has another role.",
            "Set relay.enabled to false, or ask the authority to name the unit a hub in the next roster.",
        ),
        "off-the-way": Template(
            "A neighbour brought a bundle that another unit sealed, and is no hub.",
            "Only hubs carry bundles for others. Either the roster here is older than the neighbour's role, or somebody tries to slip bundles in.",
            "Ask the neighbour's operator. If it is a hub by a newer roster, accept that roster and recheck the bundle; else reject or close it.",
        ),
        "recipient-unknown": Template(
            "The bundle is for somebody whom the roster here does not know.",
            "The sender has a newer roster, or sealed it to a key that is no longer listed.",
            "It is held and goes on by itself after the next roster. To try at once, release it; to end it, close it and tell the sender.",
        ),
        "no-way-onward": Template(
            "No link leads from here to the recipient.",
            "There is no link to the recipient or to a hub on the way to it, or only the one by which the bundle came: the neighbour's roster and this one disagree.",
            "See `caseferry route explain`; mend links.d or accept the newer roster, then reload. The bundle is held and goes on by itself.",
        ),
    }
)
