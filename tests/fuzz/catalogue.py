"""All fuzz targets by name."""

from collections.abc import Mapping
from types import MappingProxyType

from tests.fuzz.target import Target
from tests.fuzz.targets import (
    batches,
    bundle,
    convoys,
    exports,
    heralds,
    lines,
    local,
    parts,
    procuratorate,
    receipts,
    rosters,
    statements,
    trees,
    trips,
    trust,
)

_ROOMS = (
    bundle,
    heralds,
    convoys,
    receipts,
    statements,
    trips,
    trust,
    rosters,
    exports,
    procuratorate,
    batches,
    trees,
    local,
    lines,
    parts,
)
TARGETS: Mapping[str, Target] = MappingProxyType({t.name: t for room in _ROOMS for t in room.TARGETS})
