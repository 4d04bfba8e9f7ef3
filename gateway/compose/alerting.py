"""Builds what counts terms and takes alerts away from the settings."""

import os
import socket
import stat
from collections.abc import Sequence
from pathlib import Path

from gateway.alerts.addressing import Addresses, SinkRule
from gateway.alerts.jsonfile import JsonFile
from gateway.alerts.mail import Account, Mail
from gateway.alerts.sinks import Sink
from gateway.alerts.syslog import Syslog
from gateway.alerts.webhook import Webhook
from gateway.alerts.wording import Writer
from gateway.compose.ground import Ground
from gateway.compose.identity import Identity
from gateway.daemon.worker import Worker
from gateway.domain.alerts import Severity
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, Scope
from gateway.settings.alerts import MailSettings, SinkSettings, SyslogSettings, SyslogWay
from gateway.settings.boundaries import minutes
from gateway.settings.load import Settings
from gateway.settings.zones import zone_named
from gateway.stages.alerting import CryStage, SinkStage
from gateway.stages.backoff import Backoff
from gateway.stages.terms import TermStage

SECRET_MAX = 4096
"""Bytes of a secret's file."""
BACKOFF = Backoff(10.0, 900.0)
"""Seconds between tries of a sink that does not take alerts."""


def alerting(identity: Identity, ground: Ground) -> tuple[Worker, ...]:
    """Return the workers that count terms and take alerts away; ConfigError if a sink's secret cannot be read.

    They work while the node stands still: the terms run on, and that it stands still is worth an alert.
    """
    settings, ledger = identity.settings, ground.ledger
    addresses = addresses_of(settings)
    writer = Writer(settings.node.unit, ledger.epoch)
    terms = TermStage(
        standard=identity.standard,
        zone=addresses.zone,
        addresses=addresses,
        ledger=ledger,
        clock=ground.clock,
        ops=ground.ops,
        ring=ground.bells.ring,
    )
    cries = CryStage(cries=ground.cries, addresses=addresses, ledger=ledger, ring=ground.bells.ring)
    stages = (
        SinkStage(sink=sink, writer=writer, ledger=ledger, backoff=BACKOFF, clock=ground.clock, ops=ground.ops)
        for sink in sinks_of(settings, ground.clock)
    )
    return (terms, cries, *stages)


def addresses_of(settings: Settings) -> Addresses:
    """Return who is told what."""
    return Addresses(tuple(map(_rule, settings.alerts.sinks)), zone_named(settings.node.zone))


def sinks_of(settings: Settings, clock: Clock) -> Sequence[Sink]:
    """Return the sinks, in the order of the settings; ConfigError `secret-unreadable` or `secret-exposed`."""
    return [_sink(one, clock) for one in settings.alerts.sinks]


def _rule(sink: SinkSettings) -> SinkRule:
    quiet = None if sink.quiet is None else (minutes(sink.quiet.after), minutes(sink.quiet.until))
    return SinkRule(sink.name, frozenset(sink.kinds), Severity[sink.least.upper()], quiet)


def _sink(sink: SinkSettings, clock: Clock) -> Sink:
    if sink.webhook is not None:
        web = sink.webhook
        secret = _secret(sink.name, web.secret_file)
        return Webhook(sink.name, web.url, secret, timeout=web.timeout, clock=clock, ca_file=web.ca_file)
    if sink.mail is not None:
        return _mail(sink.name, sink.mail)
    if sink.syslog is not None:
        return _syslog(sink.name, sink.syslog)
    if sink.file is not None:
        return JsonFile(sink.name, sink.file.path, rotation=sink.file.rotation, keep=sink.file.keep)
    raise AssertionError("the settings let no sink without an aim through")


def _mail(name: str, mail: MailSettings) -> Mail:
    account = None
    if mail.user is not None:
        password = "" if mail.password_file is None else _secret(name, mail.password_file).decode("utf-8", "replace")
        account = Account(mail.user, password)
    return Mail(
        name,
        mail.host,
        mail.port,
        sender=mail.sender,
        to=mail.to,
        security=mail.security,
        timeout=mail.timeout,
        account=account,
        ca_file=mail.ca_file,
    )


def _syslog(name: str, syslog: SyslogSettings) -> Syslog:
    place = syslog.path if syslog.way is SyslogWay.UNIX else (syslog.host, syslog.port)
    return Syslog(name, syslog.way, place, facility=syslog.facility, host=socket.gethostname(), timeout=syslog.timeout)


def _secret(sink: str, path: Path) -> bytes:
    """Return what `path` holds, less one line end; only the service's account (or root) may be able to read it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            found = os.fstat(descriptor)
            raw = stream.read(SECRET_MAX).removesuffix(b"\n").removesuffix(b"\r")
    except OSError as error:
        facts = {"sink": sink, "path": str(path)}
        detail = f"{path}: {error.strerror}"
        raise ConfigError("secret-unreadable", detail, scope=Scope.NODE, facts=facts) from error
    facts = {"sink": sink, "path": str(path)}
    if stat.S_IMODE(found.st_mode) & 0o077 or found.st_uid not in (0, os.geteuid()):
        raise ConfigError("secret-exposed", f"{path} may be read by others", scope=Scope.NODE, facts=facts)
    if not raw:
        raise ConfigError("secret-unreadable", f"{path} is empty", scope=Scope.NODE, facts=facts)
    return raw
