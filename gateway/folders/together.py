"""Claims made together: the exports of one outbound folder go through each step side by side, with one sync a step.

Each claim passes through the same states as if it were made alone, so what an interruption leaves is finished or undone
one by one: nothing is moved before every intent is on the disk, nothing gets its final name before every move is.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.domain.errors import GatewayError
from gateway.domain.ids import ClaimToken
from gateway.folders import disk, intent, order
from gateway.folders.taking import Taking


@dataclass(slots=True)
class Together:
    """The claims of one route's folder `folder` on the shelf that are made together.

    failures: what became of those that could not be made; their exports are back, or will be put back by
        `ClaimShelf.recover`.
    """

    folder: Path
    failures: dict[ClaimToken, GatewayError] = field(default_factory=dict)

    def take(self, intents: Sequence[intent.Intent]) -> list[intent.Intent]:
        """Take what `intents` say and return those of the claims that are whole and durable now."""
        going = [Taking(f"{self.folder}/.{one.token}", one) for one in intents]
        going = self._all(going, lambda: self._write_down(going))
        going = self._each(going, Taking.take)
        if self._is_one_step(going):
            going = self._each(going, self._name)
            going = self._all(going, lambda: self._conclude(going))
        else:
            going = self._synced(going)
            going = self._all(going, lambda: self._sync_left(going[0]))
            going = self._each(going, Taking.bring_home)
            going = self._each(going, self._name)
            # The last rename may stand although it could not be proven durable. If a power cut takes it back, `recover`
            # does it again; but a claim that nobody is told of would lie there until then.
            with suppress(GatewayError):
                disk.fsync_folder(self.folder)
        for one in going:
            with suppress(GatewayError):  # the claim stands; `recover` removes what the share did not let go
                one.forget_outside(f"{self.folder}/{one.intent.token}")
        return [one.intent for one in going]

    def _write_down(self, claims: Sequence[Taking]) -> None:
        for one in claims:
            one.make_folders()
        disk.write_many([one.note for one in claims])
        disk.fsync_folder(self.folder)

    def _is_one_step(self, claims: Sequence[Taking]) -> bool:
        """Whether a name on the shelf lasts only together with all moves that were made before it."""
        if not claims or any(one.is_outside for one in claims):
            return False
        return order.is_kept_between(self.folder, claims[0].intent.root)

    def _conclude(self, claims: Sequence[Taking]) -> None:
        """Make all moves and names last; where that fails, the names are those of claims under way again."""
        try:
            with disk.mapped(self.folder):
                order.conclude_in(self.folder)
        except GatewayError:
            for one in claims:
                with suppress(GatewayError):
                    one.unname(f"{self.folder}/{one.intent.token}")
            raise

    def _synced(self, claims: Sequence[Taking]) -> list[Taking]:
        """Make durable what each has taken."""
        errors = dict(zip(claims, disk.fsync_folders([one.hold for one in claims]), strict=True))
        return self._each(claims, lambda one: disk.raise_first([errors[one]]))

    @staticmethod
    def _sync_left(claim: Taking) -> None:
        """They came out of one outbound folder: what syncs it for one does for all."""
        claim.sync_left()

    def _name(self, claim: Taking) -> None:
        claim.name(f"{self.folder}/{claim.intent.token}")

    def _each(self, claims: Sequence[Taking], step: Callable[[Taking], None]) -> list[Taking]:
        """Do `step` for each; return those that it succeeded for, the others are undone."""
        going: list[Taking] = []
        for one in claims:
            try:
                step(one)
            except GatewayError as error:
                self._undo(one, error)
            else:
                going.append(one)
        return going

    def _all(self, claims: list[Taking], step: Callable[[], None]) -> list[Taking]:
        """Do `step`, which is for all of them: if it fails, all are undone."""
        try:
            if claims:
                step()
        except GatewayError as error:
            for one in claims:
                self._undo(one, error)
            return []
        return claims

    def _undo(self, claim: Taking, error: GatewayError) -> None:
        self.failures[claim.intent.token] = error
        with suppress(GatewayError):  # the first error says what happened; `recover` undoes the rest
            claim.undo()
