"""Packers by their configured name, through entry points: nothing is loaded that no route names."""

from functools import cache
from importlib.metadata import entry_points

from gateway.domain.errors import ConfigError, Scope
from gateway.packing import Packer

GROUP = "caseferry.packers"


def packer_names() -> tuple[str, ...]:
    """Return the names of all installed packers, sorted."""
    return tuple(sorted(point.name for point in entry_points(group=GROUP)))


@cache
def load_packer(name: str) -> Packer:
    """Return the packer installed under `name`; ConfigError `packer-unknown` if there is none, `packer-broken` if it
    does not load."""
    points = entry_points(group=GROUP, name=name)
    if not points:
        raise ConfigError(
            "packer-unknown",
            f"no packer named {name}; installed: {', '.join(packer_names())}",
            scope=Scope.ROUTE,
            facts={"packer": name, "installed": ", ".join(packer_names())},
        )
    try:
        packer: Packer = next(iter(points)).load()()
    except (ImportError, AttributeError, TypeError) as error:
        raise ConfigError(
            "packer-broken", f"packer {name} does not load: {error}", scope=Scope.NODE, facts={"packer": name}
        ) from error
    return packer
