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
    procuratorate,
    receipts,
    statements,
    trees,
    trust,
)

_ROOMS = (bundle, heralds, convoys, receipts, statements, trust, exports, procuratorate, batches, trees, local, lines)
TARGETS: Mapping[str, Target] = MappingProxyType({t.name: t for room in _ROOMS for t in room.TARGETS})
