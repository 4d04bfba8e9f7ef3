"""What is said about sources that were paused, and about statistics that cannot be made."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "source-upgrade": Template(
            "The case software that wrote this export was probably updated; sending what it writes has been stopped.",
            "Its version changed, or fields that were always filled are empty, elements are unknown or exports are refused far more often than before.",
            "Nothing is lost. `caseferry source list` says what changed. Ask the vendor, then run caseferry source resume, replay or reject with --why.",
        ),
        "source-resumed": Template(
            "This export was only looked at, because its source was paused; the source goes on since.",
            "Somebody decided about the source while the export was being read.",
            "Nothing to do: it is read again at once.",
        ),
        "no-such-source": Template(
            "There is no source {id} here.",
            "A source is known from its first export on.",
            "`caseferry source list` shows the sources with their numbers.",
        ),
        "source-not-paused": Template(
            "Source {id} is not paused.",
            "Only a paused source can be resumed, replayed or rejected.",
            "`caseferry source show {id}` says what is known of it.",
        ),
        "chart-format": Template(
            "A chart cannot be written to {path}.",
            "Charts are drawn as SVG, which browsers, WPS and Word show.",
            "Name a file that ends in .svg.",
        ),
        "statistics-unwritable": Template(
            "{path} cannot be written.",
            "The folder is not there, or this account may not write into it.",
            "Name a file in a folder of yours.",
        ),
    }
)
