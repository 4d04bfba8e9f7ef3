"""What is said about the files of the exchange standard."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "flow-not-there": Template(
            "The exchange standard has no flow {name}.",
            "It is misspelt, does not count on that day, or is one of another node. The nearest one is: {near}.",
            "Run: caseferry flows list",
        ),
        "group-not-there": Template(
            "There is no group of flows called {name}.",
            "It is misspelt. The nearest one is: {near}.",
            "Write one of: investigation, prosecution, trial, custody, property, supervision, execution, defence, platform.",
        ),
        "role-not-there": Template(
            "The exchange standard has no role {name}.",
            "It is misspelt. The nearest one is: {near}.",
            "docs/flows/README.md lists the roles.",
        ),
        "standard-changed": Template(
            "The files of the exchange standard were changed under a running node.",
            "What is under way is read with the standard that the node has loaded, and that is no longer on the disk.",
            "Nothing is lost. Run: caseferry flows check; then reload the service, and it goes on by itself.",
        ),
        "standard-malformed": Template(
            "{file} of the exchange standard cannot be read.",
            "A name is missing, doubled or of another kind than the standard knows.",
            "Run: caseferry flows check; it says line and column. Mend the file, or delete it to use the packaged one.",
        ),
    }
)
