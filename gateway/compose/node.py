"""The running node: builds everything in order, swaps configurations whole, takes everything down within a deadline."""

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gateway.compose.ground import Ground
from gateway.compose.guests import save_guests
from gateway.compose.health import Health, Hearing, Short, Skewed, Trouble, Waiting, mark_alive, write_health
from gateway.compose.identity import Identity, load_identity, open_ledger, roster_store
from gateway.compose.listening import CHECK_SECONDS, Listening
from gateway.compose.offline import BELL_FOLDER
from gateway.compose.ringing import concerned
from gateway.compose.room import guarded
from gateway.compose.sweep import sweep
from gateway.compose.trusting import TrustWatch
from gateway.compose.workers import Plan, Planner
from gateway.daemon.buglog import BugLog
from gateway.daemon.child import SupervisedChild
from gateway.daemon.childpost import News
from gateway.daemon.crew import ProcessCrew
from gateway.daemon.crewseat import Rules
from gateway.daemon.cries import CryBox, CryingLog
from gateway.daemon.drain import drain
from gateway.daemon.longlived import set_aside
from gateway.daemon.porters import Porters
from gateway.daemon.progress import FILE_NAME as PROGRESS_FILE
from gateway.daemon.progress import ProgressBoard
from gateway.daemon.scheduler import Scheduler
from gateway.daemon.supervisor import Policy, Supervisor
from gateway.daemon.worker import Bells
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, Scope
from gateway.domain.ids import LinkName, UnitCode, unit_code
from gateway.domain.oplog import Fact
from gateway.folders import disk
from gateway.folders.claim import ClaimShelf
from gateway.folders.delivered import DeliveryJournal
from gateway.folders.outbox import Outbox
from gateway.folders.quarantine import Quarantine
from gateway.folders.spool import Spool
from gateway.ledger.change import Touched
from gateway.ledger.store import Ledger
from gateway.settings.load import Settings
from gateway.settings.node import ServerMode
from gateway.stages.alerting import CryStage
from gateway.stages.claim import ClaimStage
from gateway.stages.clocks import PeerClocks
from gateway.stages.legs import in_leg
from gateway.stages.standstill import Standstill
from gateway.transport.allocator import keep_freed_memory
from gateway.words.catalogue import Words
from gateway.words.templates import mark

JOURNAL_FOLDER = "delivered"
HEALTH_EVERY = 5.0
READY_WITHIN = 150.0
"""For the server: longer than a child is given, so that it is the child that fails; half of TimeoutStartSec."""
_FETCHING_KEPT = 86_400.0
"""Half-fetched bundles of an earlier run are kept this long, to be continued."""
PORTERS = 32
"""Large bundles that the node moves at once, over all its links: each has a connection and up to 16 MiB of buffers."""
SILENCE = 900.0
"""A worker process that shows no sign of life for so long is ended. All in seconds."""

_SUMMARY = mark("{owed} under way, {held} held")


class RunningNode:
    """What `daemon.process.MainLoop` runs; the caller holds the lock on the state folder. Its methods are called
    from the main thread, one at a time."""

    def __init__(
        self,
        config: Path,
        environ: Mapping[str, str],
        identity: Identity,
        *,
        words: Words,
        clock: Clock,
        log: BugLog,
        wake: Callable[[], None],
    ) -> None:
        self._config = config
        self._environ = environ
        self._identity = identity
        self._words = words
        self._clock = clock
        self._bells = Bells()
        self._cries = CryBox(lambda: self._bells.ring(CryStage.name))
        self._log: BugLog = CryingLog(log, self._cries, clock)
        log = self._log
        self._wake = wake
        self._trust = TrustWatch(roster_store(identity.settings), log)
        self._started_at = clock.now()
        self._supervisor = Supervisor((), bells=self._bells, clock=clock, log=log, on_collapse=wake)
        self._scheduler = Scheduler(log=log, clock=clock)
        self._porters = Porters(PORTERS, clock)
        self._ledger: Ledger | None = None
        self._crew: ProcessCrew | None = None
        self._ground: Ground | None = None
        self._plan: Plan | None = None
        self._server: SupervisedChild | None = None
        self._server_place: tuple[str, int] | None = None
        self._port = 0
        self._stopping = False
        self._listening = Listening(self._heard, clock, log)
        self._health = Health()

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Mend what the last run left, then start server, workers and watches."""
        settings = self._identity.settings
        keep_freed_memory()
        ground = self._lay_ground(settings)
        plan = Planner(self._identity, ground, self._words).plan()
        adopted = plan.claim.adopt()
        if adopted:
            self._log.info("claims-adopted", count=adopted)
        ground.ledger.on_change(self._ring_for)
        self._start_server(settings)
        self._run_plan(plan)
        self._scheduler.every("health", HEALTH_EVERY, self._write_health, first_after=0.0)
        self._scheduler.every("listen", CHECK_SECONDS, self._listening.look)
        self._scheduler.start()
        set_aside()

    def reload(self) -> None:
        """Read configuration, keys and peers again and swap them whole; whatever is wrong leaves everything as it
        was."""
        if self._ground is None:
            return
        identity = load_identity(self._config, self._environ)
        self._refuse_what_needs_a_restart(identity.settings)
        plan = Planner(identity, self._ground, self._words).plan()
        self._use(identity, plan)

    def refresh(self) -> None:
        """Go by the roster that was accepted since, with the configuration as it is; raises ConfigError if it cannot
        be read, and then everything is as before."""
        if (ground := self._ground) is not None and self._trust.is_due(self._clock.now()):
            identity = self._trust.renewed(self._identity, self._clock.now())
            with self._trust.giving_up():
                plan = Planner(identity, ground, self._words).plan()
            self._use(identity, plan)

    def collapsed(self) -> str | None:
        """Return the worker that died too often, None while all is well."""
        return self._supervisor.collapsed

    def stuck(self) -> tuple[str, ...]:
        """Return the workers and porters that neither came to an end nor any further in time."""
        return self._supervisor.stuck() + self._porters.stuck(Policy().allowance)

    def summary(self) -> str:
        """Return the line that `systemctl status` shows."""
        if self._ledger is None:
            return ""
        owed, held = self._ledger.owed_and_held()
        return self._words.text(_SUMMARY, owed=owed, held=held)

    def drain(self, deadline: float) -> bool:
        """Let what is under way come to its next safe point and stop everything; whether all ended in time."""
        self._stopping = True
        self._listening.stop()
        whole = drain(
            self._supervisor,
            [self._crew] if self._crew is not None else [],
            [self._server] if self._server is not None else [],
            self._scheduler,
            deadline=deadline,
            clock=self._clock,
        )
        if whole and self._ledger is not None:
            self._ledger.close()
        return whole

    # -- starting -----------------------------------------------------------------------------------------------------

    def _lay_ground(self, settings: Settings) -> Ground:
        state = settings.paths.state
        spool = Spool(settings.paths.spool)
        spool.prepare(fetching_since=self._clock.now() - _FETCHING_KEPT)
        disk.owner_only(state / BELL_FOLDER)
        quarantine = Quarantine(settings.paths.quarantine)
        quarantine.recover()
        self._ledger = open_ledger(settings, self._clock)
        self._ledger.lengthen_log()
        self._ledger.resync.begin_life(secrets.token_hex(16))
        shelf = ClaimShelf(spool.claims)
        journal = DeliveryJournal(state / JOURNAL_FOLDER)
        journal.prepare(self._clock.now())
        self._crew = ProcessCrew(
            settings.workers.processes, log=self._log, clock=self._clock, rules=Rules(silence=SILENCE)
        )
        board = ProgressBoard(
            state / PROGRESS_FILE,
            clock=self._clock,
            ring=lambda: self._bells.ring(ProgressBoard.name),
            on_progress=self._came_further,
        )
        shortage = guarded(settings, settings.limits.free_space, self._ledger, self._clock, self._log)
        self._ground = Ground(
            self._ledger,
            spool,
            Outbox(spool.outbox),
            shelf,
            shortage,
            quarantine,
            journal,
            Standstill(self._ledger.resync.standing().standstill, lambda _code: self._bells.ring_all()),
            sweep(spool, shelf, self._ledger),
            self._crew,
            board,
            self._bells,
            lambda: self._stopping,
            self._clock,
            self._log,
            PeerClocks(self._clock, self._log),
            self._porters,
            self._cries,
        )
        return self._ground

    def _use(self, identity: Identity, plan: Plan) -> None:
        self._identity = identity
        self._reload_server(identity.settings)
        self._run_plan(plan)
        self._bells.ring_all()
        set_aside()

    def _came_further(self, thread: str) -> None:
        self._supervisor.beat(thread)
        self._porters.beat(thread)

    def _run_plan(self, plan: Plan) -> None:
        self._plan = plan
        self._trust.use(self._identity.directory, self._clock.now())
        for leg in self._supervisor.swap(plan.workers, deadline=self._identity.settings.timing.drain):
            self._log.warn("worker-still-busy", worker=leg)
        bell = self._identity.settings.paths.state / BELL_FOLDER
        self._listening.listen([*plan.outbound_folders, *plan.mail_folders, bell], plan.outbound_folders)

    # -- the SFTP server ----------------------------------------------------------------------------------------------

    def _start_server(self, settings: Settings) -> None:
        if not settings.server.enabled:
            return
        save_guests(settings, self._identity.directory)
        if settings.server.mode is ServerMode.OPENSSH:
            return
        # Start-up cost: only a node that lets guests in needs the library of the server.
        from gateway.compose.serving import server_config
        from gateway.transport.server import serve

        self._server_place = (settings.server.listen, settings.server.port)
        self._server = SupervisedChild(
            "sftp-server",
            serve,
            server_config(self._identity),
            log=self._log,
            clock=self._clock,
            on_news=self._server_news,
        )
        self._server.start()
        self._port = int(self._server.wait_ready(READY_WITHIN).get("port", settings.server.port))

    def _reload_server(self, settings: Settings) -> None:
        if settings.server.enabled:
            save_guests(settings, self._identity.directory)
        if self._server is not None:
            from gateway.compose.serving import server_config

            self._server.reload(server_config(self._identity))

    def _server_news(self, news: News) -> None:
        facts: dict[str, Fact] = {name: value for name, value in news.items() if name != "event"}
        event, link, plan = str(news.get("event", "news")), self._link_of(str(news.get("guest", ""))), self._plan
        if event not in ("deposited", "growing"):
            self._log.info(f"server-{event}", **facts)
        if link is None or plan is None:
            return
        if event == "deposited":
            self._bells.ring(in_leg(link))
        elif event == "growing":
            plan.open.heard_growing(link)
        elif event == "logged-in":
            plan.gates.peer_called(link)

    def _link_of(self, guest: str) -> LinkName | None:
        try:
            unit: UnitCode = unit_code(guest)
        except ValueError:
            return None
        return self._plan.link_of.get(unit) if self._plan is not None else None

    # -- bells --------------------------------------------------------------------------------------------------------

    def _ring_for(self, touched: Touched) -> None:
        """Wake the workers that owe something after this commit."""
        self._bells.ring(*concerned(touched, self._plan.orderly if self._plan is not None else ()))

    def _heard(self, folder: Path) -> None:
        plan = self._plan
        if plan is None or folder.name == BELL_FOLDER:
            self._bells.ring_all()
        elif folder in plan.mail_folders:
            self._bells.ring(in_leg(plan.mail_folders[folder]))
        else:
            self._bells.ring(ClaimStage.name)

    # -- health -------------------------------------------------------------------------------------------------------

    def _write_health(self) -> None:
        plan, ground = self._plan, self._ground
        if plan is None or ground is None:
            return
        if self._trust.is_due(self._clock.now()):
            self._wake()
        ground.shortage.look()
        heard = self._listening.health()
        # Both directions of a link may rest for the same reason: that is one trouble.
        views = {(v.scope, v.name, v.code): v for v in (gate.view() for gate in plan.gates.all) if v.code}.values()
        health = Health(
            os.getpid(),
            self._started_at,
            self._port,
            tuple(Trouble(v.scope, v.name, v.code, v.detail, v.failures, v.since, v.next_try) for v in views),
            tuple(Waiting(one.route, disk.printable(one.name), one.code, one.seconds) for one in plan.claim.overdue()),
            tuple(map(str, heard.deaf)),
            {view.name: view.deaths for view in self._supervisor.views() if view.deaths},
            Hearing(heard.overflows, heard.restarts, heard.rearmed, heard.heard_at, tuple(map(str, heard.denied))),
            tuple(
                Short(one.folder, one.since, one.missing, one.count, one.size)
                for one in (ground.shortage.view(), *plan.open.shortages())
                if one is not None
            ),
            tuple(Skewed(one.peer, one.low, one.high, one.at) for one in ground.clocks.views()),
        )
        if health != self._health:
            write_health(self._identity.settings.paths.state, health)
            self._health = health
        else:
            mark_alive(self._identity.settings.paths.state)

    def _refuse_what_needs_a_restart(self, settings: Settings) -> None:
        """ConfigError `restart-needed` if the new settings move what this process holds open."""
        old = self._identity.settings
        moved = [
            name
            for name, before, after in (
                ("node.unit", old.node.unit, settings.node.unit),
                ("paths", old.paths, settings.paths),
                ("ledger", old.ledger, settings.ledger),
                ("limits.free_space", old.limits.free_space, settings.limits.free_space),
                ("workers", old.workers, settings.workers),
                ("log", old.log, settings.log),
                ("server.mode", old.server.mode, settings.server.mode),
                ("server.enabled", old.server.enabled, settings.server.enabled),
                ("server.listen", old.server.listen, settings.server.listen),
                ("server.port", old.server.port, settings.server.port),
            )
            if before != after
        ]
        if moved:
            raise _restart_needed(moved)


def _restart_needed(moved: Sequence[str]) -> ConfigError:
    names = ", ".join(moved)
    return ConfigError(
        "restart-needed", f"changed, but only read at start: {names}", scope=Scope.NODE, facts={"names": names}
    )
