"""What is said about where an export goes: unknown and moved receivers, rules that find nobody, flows not permitted."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "ORG-MOVED": Template(
            "Unit {code} goes by another code today: {unit} {name}.",
            "It was merged or renamed, by the roster's history.",
            "Nothing to do: it is sent to {unit}. Have the unit corrected in the case software.",
        ),
        "ORG-OWN": Template(
            "The receiver {unit} is this unit itself.",
            "Exports go to other units.",
            "Choose the right receiver in the case software, and export the case again.",
        ),
        "ROUTE-SEVERAL": Template(
            "The rule {rule} of route {route} finds several units for flow {flow}: {units}.",
            "The export names no receiver, and the gateway does not guess which of them is meant.",
            "Make the rule's region narrower, or have the case software name the receiver.",
        ),
        "ROUTE-NOBODY": Template(
            "The export names no receiver, and no rule finds one for flow {flow}.",
            "There is no rule for this flow, or the roster has no unit of that role in that region.",
            "Name the receiver in the case software, or add a rule; `caseferry route explain` shows what was looked at.",
        ),
        "CC-NOBODY": Template(
            "A copy goes to nobody: {rule} of route {route} finds no unit for flow {flow}.",
            "The roster has no unit of that role in that region.",
            "Nothing to do for this export: it goes to its receiver. Correct the rule if a copy was meant.",
        ),
        "CC-TOO-MANY": Template(
            "The export would go to more than {limit} units at once.",
            "One bundle has room for no more recipients.",
            "Make the rules for copies narrower.",
        ),
        "FLOW-NOT-PERMITTED": Template(
            "A unit of role {sender} may not send flow {flow} to {unit} ({receiver}).",
            "The roster's matrix allows it only between: {may}.",
            "Choose the right flow or receiver. Where the matrix itself is wrong, only the roster's authority can change it.",
        ),
    }
)
