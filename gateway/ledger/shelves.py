"""The parts of the ledger that have a face of their own, each behind the ledger's two doors."""

from gateway.domain.ids import UnitCode
from gateway.ledger.alerts import AlertBook
from gateway.ledger.answers import AnswerBook
from gateway.ledger.decisionbook import DecisionBook
from gateway.ledger.deliverybook import DeliveryBook
from gateway.ledger.doors import Doors
from gateway.ledger.matters import MatterBook
from gateway.ledger.reconciling import ReconcileBook
from gateway.ledger.relaying import RelayBook
from gateway.ledger.resync import ResyncBook
from gateway.ledger.several import Several
from gateway.ledger.sources import SourceBook
from gateway.ledger.statistics import StatisticsBook
from gateway.ledger.terms import TermBook
from gateway.ledger.trips import TripBook
from gateway.ledger.turns import Turns


class Shelves:
    """What the ledger inherits its parts from."""

    def __init__(self, doors: Doors, unit: UnitCode, epoch: int) -> None:
        self.resync = ResyncBook(doors, unit, epoch)
        """What serves resync and restore."""
        self.several = Several(doors)
        """What is asked about many at once."""
        self.reconciling = ReconcileBook(doors, unit)
        """What serves reconciliation."""
        self.decisions = DecisionBook(doors)
        """What people decided."""
        self.deliveries = DeliveryBook(doors)
        """What was delivered here."""
        self.relays = RelayBook(doors)
        """What serves hubs."""
        self.turns = Turns(doors)
        """Whose turn it is at what the whole node shares."""
        self.trips = TripBook(doors)
        """What removable media carry."""
        self.matters = MatterBook(doors)
        """What was in the bundles."""
        self.sources = SourceBook(doors)
        """Which case software drops exports here, and what they look like."""
        self.statistics = StatisticsBook(doors)
        """What may be counted."""
        self.terms = TermBook(doors)
        """Which terms run."""
        self.alerts = AlertBook(doors)
        """What people must be told."""
        self.answers = AnswerBook(doors)
        """How business answers stand to their requests."""
