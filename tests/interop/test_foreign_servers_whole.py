"""The whole transport contract against servers that we did not write, and a resumed upload of 200 MiB."""

from collections.abc import Callable

import pytest

from tests.contract.transport import test_promises, test_resume
from tests.contract.transport.conftest import line, transport
from tests.contract.transport.test_resume import content, source, waiting

pytestmark = pytest.mark.soak

__all__ = ["content", "line", "source", "transport", "waiting"]
_NOT_HERE = {
    "test_what_is_no_file_cannot_be_fetched",  # links in a folder of the server's own host are the server's business
    "test_folders_that_refuse_us",
    "test_our_disk_failing_is_not_the_peers_fault",
    "test_the_bytes_of_a_deposit_are_nobody_elses",  # so are the modes of its files
}


def _taken(module: object) -> dict[str, Callable[..., object]]:
    return {
        name: function
        for name, function in vars(module).items()
        if name.startswith("test_") and callable(function) and name not in _NOT_HERE
    }


globals().update(_taken(test_promises) | _taken(test_resume))
