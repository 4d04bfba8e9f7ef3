"""A large bundle that arrives piece by piece in the mailbox of a house, as its server would write it."""

import io
import os
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from gateway.bundle.names import bundle_name
from gateway.bundle.seal import Sealed, SealMember
from gateway.compose.identity import Identity
from gateway.domain.ids import LinkName, WireName
from gateway.settings.links import Initiate, TransportKind
from gateway.stages import layout
from gateway.standard.package import CasePackage, Source
from gateway.transport.disk import temp_name
from gateway.transport.hosted import growing
from tests.support.bundles import finish, prepare
from tests.support.houses import House
from tests.support.threads import begun

MIB = 1 << 20
POLICE_LINK = LinkName("police")
NAME = "dossier.bin"
PATIENCE = 60.0
"""Seconds after which what a test waits for never comes."""


def hosting(identity: Identity) -> Identity:
    """Have the police leave things in a mailbox of this node."""
    links = tuple(
        link.model_copy(update={"transport": TransportKind.SFTP, "initiate": Initiate.NONE, "folder": None})
        if link.name == POLICE_LINK
        else link
        for link in identity.settings.links
    )
    return replace(identity, settings=identity.settings.model_copy(update={"links": links}))


@dataclass
class Arrival:
    """A sealed bundle of which `come` lets more and more stand in the mailbox."""

    sealed: Sealed
    herald: bytes
    data_offset: int
    whole: bytes
    content: bytes
    growing: Path
    _at: int = field(default=0, init=False)

    @property
    def name(self) -> WireName:
        return bundle_name(self.sealed.bundle_id)

    def begin(self, herald: bytes | None = None) -> None:
        """Let the herald stand."""
        self.growing.write_bytes(self.herald if herald is None else herald)
        self._at = self.data_offset

    def come(self, upto: int | None = None) -> None:
        """Let DATA stand up to the byte `upto` of the bundle, all by default."""
        with self.growing.open("r+b") as out:
            out.seek(self._at)
            out.write(self.whole[self._at : upto])
            self._at = out.tell()

    def end(self) -> Path:
        """Write the front, and give the bundle its name, as a server does."""
        with self.growing.open("r+b") as out:
            out.write(self.whole[: self.data_offset])
        part = self.growing.with_name(temp_name(self.name))
        self.growing.rename(part)
        return part.rename(part.with_name(self.name))


def sealed_for(house: House, sender: House, scratch: Path, *, size: int = 17 * MIB) -> Arrival:
    """Seal a case of `size` random bytes and a text, from `sender` for `house`."""
    now = house.clock.now()
    package = CasePackage(Source("police", "export.zip"), flow="arrest-request", case_no="A9901").to_json()
    content, text = os.urandom(size), "讯问笔录".encode() * 200_000
    members = [
        SealMember(name, None, len(body), partial(io.BytesIO, body))
        for name, body in (
            (layout.CASE_PACKAGE, package),
            (f"{layout.CONTENT}{NAME}", content),
            (f"{layout.CONTENT}record.txt", text),
        )
    ]
    keys = sender.identity.keyring.signing_keys(now)
    placed: list[tuple[int, bytes]] = []

    with scratch.open("w+b") as out:

        def told(data_offset: int, _size: int, herald: int) -> None:
            out.seek(0)
            placed.append((data_offset, out.read(herald)))

        prepared = prepare(
            out,
            members,
            meta={layout.FLOW: "arrest-request"},
            keys=keys,
            recipients=[house.identity.keyring.signing_keys(now).public],
            created=int(now),
            expires=int(now) + 86400,
            epoch=7,
            placed=told,
            herald=True,
        )
        sealed = finish(out, prepared, [1], keys)
    ((data_offset, herald),) = placed
    mailboxes = house.identity.settings.paths.mailboxes
    return Arrival(sealed, herald, data_offset, scratch.read_bytes(), content, growing(mailboxes, sender.unit))


class ThreadCrew:
    """A crew of one thread for each piece of work, in this process."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def run(
        self,
        work: Callable[[Any, Any], Any],
        argument: Any,
        on_progress: Callable[[int], None] | None = None,
        on_news: Callable[[object], None] | None = None,
        *,
        is_large: bool = False,
    ) -> Future[Any]:
        del on_news, is_large
        future = begun(lambda: work(argument, on_progress or (lambda _done: None)))
        self.futures.append(future)
        return future

    def close(self, deadline: float) -> None:
        """There is nothing to close."""
