"""What is said about alerts, their sinks and the terms that they tell of."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "alert-not-taken": Template(
            "The alert sink {sink} did not take an alert.",
            "Its server cannot be reached, answers too late, or refuses.",
            "Nothing is lost, and it is tried again by itself. Look at the server; then caseferry alerts test {sink} tries it at once.",
        ),
        "secret-exposed": Template(
            "The secret of the alert sink {sink} may be read by others than the service ({path}).",
            "The file belongs to another account, or its permissions let more than its owner read it.",
            "Give it to the service's account with mode 0600; if others may have read it, draw a new secret on both sides.",
        ),
        "secret-unreadable": Template(
            "The secret of the alert sink {sink} cannot be read ({path}).",
            "The file is not there, is empty, or the service's account may not read it.",
            "Put the secret into the file, owned by the service's account with mode 0600, then reload.",
        ),
        "sink-unknown": Template(
            "There is no alert sink {sink}.",
            "alerts.sinks in gateway.yaml names no such sink.",
            "Run: caseferry alerts list; it shows the sinks that there are.",
        ),
    }
)
