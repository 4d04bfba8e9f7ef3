"""What a node's settings say of its virus scanner, as the stages know it."""

from gateway.scanning.clamd import Clamd, ScannerAt
from gateway.settings.load import Settings
from gateway.settings.node import MalwareSettings
from gateway.stages.scanning import Scanning


def scanning_of(settings: Settings) -> Scanning | None:
    """Return how the node scans; None where no scanner is configured."""
    malware = settings.malware
    return None if malware is None else Scanning(scanner_at(malware), malware.when_down, malware.when_too_large)


def scanner_at(malware: MalwareSettings) -> ScannerAt:
    """Return where the scanner is."""
    return ScannerAt(malware.socket, malware.address, malware.port or 0, malware.timeout, malware.largest)


def ask(malware: MalwareSettings) -> str:
    """Return what the scanner says of itself; raises TransientError `scanner-down`."""
    scanner = Clamd(scanner_at(malware))
    scanner.ping()
    return scanner.version()
