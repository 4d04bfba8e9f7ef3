"""`caseferry status`: is it normal, at whom is it stuck, what is to be done."""

from collections.abc import Sequence

from gateway.cli.deadlines import print_deadlines
from gateway.cli.shapes import facts_of, peer_of, percent, survey_json, title_of, told
from gateway.cli.terminal import EXIT_FAILED, Terminal, cell
from gateway.cli.times import clock_text, size_text, span_text
from gateway.compose.linkviews import LinkView
from gateway.compose.needs import Ear, Need, Notice, Stuck
from gateway.compose.offline import ledger_to_read
from gateway.compose.survey import Condition, Survey, UnderWay, survey
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError
from gateway.domain.lifecycle import Direction, State
from gateway.settings.load import Settings
from gateway.settings.zones import zone_named
from gateway.words.catalogue import Words
from gateway.words.templates import mark

EXIT_DOWN = 2
"""The daemon does not run."""

_EXITS = ((Condition.NORMAL, 0), (Condition.ATTENTION, EXIT_FAILED), (Condition.DOWN, EXIT_DOWN))

_HEADLINES = (
    (Condition.NORMAL, mark("Normal: nothing needs a person.")),
    (Condition.ATTENTION, mark("Attention: something needs a person.")),
    (Condition.DOWN, mark("Down: the gateway is not running.")),
)

_NEEDS = (
    (Need.DAEMON_DOWN, mark("The gateway is not running; nothing is exchanged.")),
    (Need.DAEMON_SILENT, mark("The gateway runs, but has not answered for over a minute.")),
    (Need.STANDSTILL, mark("The node stands still, nothing is exchanged: {what} {do}")),
    (Need.HALTED, mark("Link {subject}: nothing is sent any more: {what} {do}")),
    (
        Need.NOT_BALANCED,
        mark("The reconciliation of {since} found {count} differences between sender, hubs and recipients."),
    ),
    (Need.SILENT, mark("In the reconciliation of {since}, {count} did not answer.")),
    (Need.HELD, mark("Held, waiting for a person: {count}.")),
    (
        Need.HOLDS_BACK,
        mark("Transfer {subject} is held and holds back {count} that were dropped after it: its route keeps order."),
    ),
    (Need.QUARANTINED, mark("In quarantine, waiting for a decision: {count}.")),
    (Need.LINK, mark("Link {subject} has not worked since {since}: {what} {do}")),
    (Need.ROUTE, mark("Route {subject} has not worked since {since}: {what} {do}")),
    (Need.EXPORT_WAITS, mark("Export {subject} has been waiting since {since}: {what} {do}")),
    (Need.RECEIPT_LATE, mark("Link {subject}: no receipt for {count} sent, the oldest from {since}. Call the peer.")),
    (
        Need.DISK_LOW,
        mark(
            "The disk of {subject} is nearly full: {missing} more must become free; {count} wait for it ({size}), "
            "small things go on. Make room."
        ),
    ),
    (
        Need.CLOCK_SKEW,
        mark("Link {subject}: the peer's clock is at least {seconds} {way} ours. Set the one that is wrong."),
    ),
    (
        Need.WORKER_DIED,
        mark("Part {subject} of the gateway failed {count} times and was started again; report the log."),
    ),
    (
        Need.SOURCE_PAUSED,
        mark("Source {subject} is paused since {since}: {what} {count} exports are kept."),
    ),
    (Need.SOURCE_SILENT, mark("Source {subject}: nothing has come since {since}, which is longer than usual.")),
    (Need.ROSTER, mark("Roster, version {subject}, good until {since}: {what} {do}")),
)

_AHEAD, _BEHIND = mark("ahead of"), mark("behind")

_EARS = (
    (Ear.DEAF, mark("Route {route}: its folder raises no events; it is scanned all the same.")),
    (
        Ear.DENIED,
        mark("Route {route}: the gateway may not write into its folder, so nobody knows whether it raises events."),
    ),
)


def status(terminal: Terminal, settings: Settings, clock: Clock) -> int:
    """Show the state of the node and return the exit code: 0 normal, 1 something needs a person, 2 daemon down."""
    found = take_survey(settings, clock)
    if terminal.as_json:
        terminal.emit(survey_json(found, terminal.words))
    else:
        print_survey(terminal, found)
    return exit_code(found)


def take_survey(settings: Settings, clock: Clock) -> Survey:
    """Return the state of the node; a node that was never started has no ledger, and that is no fault."""
    try:
        ledger = ledger_to_read(settings, clock)
    except ConfigError as error:
        if error.code != "ledger-missing":
            raise
        return survey(settings, None, clock.now())
    with ledger:
        return survey(settings, ledger, clock.now())


def exit_code(found: Survey) -> int:
    """Return what the command ends with."""
    return dict(_EXITS)[found.condition]


def print_survey(terminal: Terminal, found: Survey) -> None:
    """Print the answer first, then what needs a person, then the figures."""
    words = terminal.words
    for line in headline(found, words):
        terminal.line(line, style="bold" if found.condition is Condition.NORMAL else "bold red")
    for notice in found.notices:
        terminal.line(f"  ! {notice_text(notice, words)}")
        if notice.command:
            terminal.line(f"      {notice.command}")
    terminal.line(daemon_text(found, words))
    if carried := relay_text(found, words):
        terminal.line(carried)
    if replied := replies_text(found, words):
        terminal.line(replied)
    if found.links:
        _print_links(terminal, found)
    print_deadlines(terminal, found.deadlines, found.at, zone_named(found.settings.node.zone))
    _print_unconfirmed(terminal, found)
    for route in found.routes:
        said = dict(_EARS).get(route.ear)
        if said is not None:
            terminal.say(said, route=route.settings.name)
    if found.held:
        terminal.say(mark("Waiting for a person ({count}):"), count=max(found.held_count, len(found.held)))
        _print_stuck(terminal, found.held)
    if found.retrying:
        terminal.say(mark("Failed, and tried again by itself:"))
        _print_stuck(terminal, found.retrying)
    if found.under_way:
        terminal.say(mark("Under way:"))
        _print_under_way(terminal, found.under_way)
    if found.space is not None:
        free, floor = size_text(found.space.free), size_text(found.space.floor)
        terminal.say(mark("Disk: {free} free, of which {floor} are kept free."), free=free, floor=floor)


def _print_unconfirmed(terminal: Terminal, found: Survey) -> None:
    for link in found.links:
        if link.unconfirmed:
            terminal.say(
                mark("Link {link}: {count} sent, unconfirmed; receipts come there late or never."),
                link=link.settings.name,
                count=link.unconfirmed,
            )


def headline(found: Survey, words: Words) -> Sequence[str]:
    """Return the first lines: who, and the answer."""
    original = dict(_HEADLINES)[found.condition]
    return (f"{found.settings.node.name} {found.settings.node.unit}  {clock_text(found.at)}", words.text(original))


def daemon_text(found: Survey, words: Words) -> str:
    """Return one line about the daemon."""
    health = found.daemon.health
    if found.daemon.pid is None:
        return words.text(mark("Gateway: not running."))
    if not health.port:
        return words.text(mark("Gateway: running as process {pid}."), pid=found.daemon.pid)
    since = clock_text(health.started_at)
    return words.text(
        mark("Gateway: running as process {pid} since {since}, SFTP port {port}."),
        pid=found.daemon.pid,
        since=since,
        port=health.port,
    )


def notice_text(notice: Notice, words: Words) -> str:
    """Return what needs a person, as one sentence or two."""
    explained = told(notice.code, words)
    return words.text(
        dict(_NEEDS)[notice.need],
        subject=notice.subject,
        count=notice.count,
        since=clock_text(notice.since),
        what=explained.what,
        do=explained.do,
        size=size_text(notice.size),
        missing=size_text(notice.missing),
        seconds=span_text(abs(notice.seconds)),
        way=words.text(_AHEAD if notice.seconds > 0 else _BEHIND),
    )


def _print_links(terminal: Terminal, found: Survey) -> None:
    words = terminal.words
    table = terminal.table(
        words.text(mark("Link")),
        words.text(mark("Peer")),
        words.text(mark("To send")),
        words.text(mark("To receive")),
        words.text(mark("Oldest waiting")),
        words.text(mark("Health")),
        right=(2, 3),
        folded=(5,),
    )
    for link in found.links:
        waited = "" if link.waiting_since is None else span_text(found.at - link.waiting_since)
        table.add_row(
            cell(link.settings.name),
            cell(link.settings.peer),
            waiting_text(link, Direction.OUTBOUND, words),
            waiting_text(link, Direction.INBOUND, words),
            waited,
            link_health(link, found, words),
        )
    terminal.show(table)


def waiting_text(link: LinkView, way: Direction, words: Words) -> str:
    """Return how many wait in one direction, and how many of them are large and so in the slower lane. What is carried
    for others is to be sent too."""
    ways = (way, Direction.RELAY) if way is Direction.OUTBOUND else (way,)
    count, large = (sum(of[one] for one in ways) for of in (link.waiting, link.large))
    return words.text(mark("{count} ({large} large)"), count=count, large=large) if large else str(count)


def link_health(link: LinkView, found: Survey, words: Words) -> str:
    """Return whether a link works, as far as the daemon says."""
    if not link.settings.enabled:
        return words.text(mark("switched off"))
    if link.opens_at is not None:
        return words.text(mark("closed until {time}"), time=clock_text(link.opens_at))
    if not found.daemon.health.pid:
        return words.text(mark("not known"))
    if link.trouble is None:
        return words.text(mark("works"))
    next_try = clock_text(link.trouble.next_try)
    return words.text(mark("{code}; next try at {time}"), code=link.trouble.code, time=next_try)


def _print_stuck(terminal: Terminal, stuck: Sequence[Stuck]) -> None:
    words = terminal.words
    table = terminal.table(
        words.text(mark("No.")),
        words.text(mark("Case number, or export")),
        words.text(mark("Peer")),
        words.text(mark("Why")),
        words.text(mark("Next")),
        right=(0,),
        folded=(1, 3, 4),
        whole=(1,),
    )
    for one in stuck:
        transfer, outlook = one.transfer, one.outlook
        code = outlook.code or transfer.hold_code or transfer.last_error or ""
        why = f"{code}: {told(code, words, facts_of(transfer)).what}" if code else words.state(transfer.state)
        following = outlook.commands[0] if outlook.commands else ""
        if outlook.until is not None:
            following = words.text(mark("by itself at {time}"), time=clock_text(outlook.until))
        table.add_row(
            str(transfer.id),
            cell(title_of(transfer)),
            cell(peer_of(transfer) or transfer.link),
            cell(why),
            cell(following),
        )
    terminal.show(table)


def _print_under_way(terminal: Terminal, under_way: Sequence[UnderWay]) -> None:
    words = terminal.words
    table = terminal.table(
        words.text(mark("No.")),
        words.text(mark("Case number, or export")),
        words.text(mark("Stage")),
        words.text(mark("Done")),
        words.text(mark("Size")),
        words.text(mark("Rate")),
        words.text(mark("Time left")),
        right=(0, 3, 4, 5, 6),
        folded=(1,),
        whole=(1,),
    )
    for one in under_way:
        progress = one.progress
        table.add_row(
            str(progress.transfer),
            cell(name_of(one)),
            words.stage(progress.stage),
            f"{percent(progress):.1f} %",
            size_text(progress.total),
            rate_text(one, words),
            time_left(one),
        )
    terminal.show(table)


def name_of(one: UnderWay) -> str:
    """Return how an operator knows the transfer."""
    return title_of(one.transfer) if one.transfer else ""


def relay_text(found: Survey, words: Words) -> str:
    """Return one line about what is carried for others; empty where nothing ever was."""
    number = {state: found.by_state.get((Direction.RELAY, state), 0) for state in State}
    if not any(number.values()):
        return ""
    return words.text(
        mark("For others: to pass on {to_pass}, awaiting the recipient {awaiting}, passed on {done}"),
        to_pass=number[State.CHECKED],
        awaiting=number[State.FORWARDED],
        done=number[State.SETTLED],
    )


def replies_text(found: Survey, words: Words) -> str:
    """Return one line about business answers; empty where none is owed or waits."""
    counts = found.replies
    if not (counts.awaited or counts.owed or counts.waiting):
        return ""
    return words.text(
        mark("Answers: awaited {awaited}, owed by us {owed}, replies without their request {waiting}"),
        awaited=counts.awaited,
        owed=counts.owed,
        waiting=counts.waiting,
    )


def rate_text(one: UnderWay, words: Words) -> str:
    """Return how quickly it moves of late, or why it does not."""
    if one.progress.paused:
        return words.text(mark("paused for urgent"))
    return f"{size_text(one.progress.rate)}/s"


def time_left(one: UnderWay) -> str:
    """Return how long it still takes at the present rate; empty where nothing moves."""
    progress = one.progress
    if progress.paused:
        return ""
    return span_text((progress.total - progress.done) / progress.rate) if progress.rate > 0 else ""
