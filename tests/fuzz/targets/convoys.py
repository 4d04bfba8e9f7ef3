"""Convoys: what is taken apart is what was put together, and each bundle is looked at like any other."""

from collections.abc import Mapping

from gateway.bundle.convoy import COUNT_MAX, FILE_MAX, convoy_size, join_bundles, split_bundles
from gateway.bundle.envelope import parse_envelope
from gateway.domain.ids import bundle_id
from tests.fuzz.target import Target, attempt
from tests.fuzz.targets.bundle import envelope_seeds


def run_convoy(data: bytes) -> None:
    bundles = attempt(lambda: split_bundles(data))
    if bundles is None:
        return
    assert join_bundles(bundles) == data
    assert 1 <= len(bundles) <= COUNT_MAX
    assert convoy_size([len(body) for _, body in bundles]) == len(data) <= FILE_MAX
    for _, body in bundles:
        attempt(lambda body=body: parse_envelope(bytes(body)))


def convoy_seeds() -> Mapping[str, bytes]:
    bundles = [(bundle_id(f"{n:032x}"), raw) for n, raw in enumerate(envelope_seeds().values())]
    return {
        "one": join_bundles(bundles[:1]),
        "several": join_bundles(bundles),
        "short": join_bundles([(bundle_id("a" * 32), b"x")]),
    }


TARGETS = (Target("convoy", run_convoy, convoy_seeds, longest=8192),)
