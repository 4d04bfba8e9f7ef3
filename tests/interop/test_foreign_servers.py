"""The heart of the transport contract, and resuming, against servers that we did not write."""

# The very functions of the contract suite, run with this folder's fixtures.
from tests.contract.transport.conftest import line, transport
from tests.contract.transport.test_promises import (
    test_a_closed_transport_opens_itself_again,
    test_a_deposit_may_be_repeated,
    test_a_file_that_is_not_as_listed_is_not_fetched,
    test_a_listing_has_complete_wire_names_only,
    test_a_mailbox_in_order_passes_the_probe_and_stays_as_it_was,
    test_a_missing_folder_to_deposit_into,
    test_a_name_that_is_taken_is_left_alone,
    test_removing_takes_away_what_is_named,
    test_what_a_broken_attempt_left_is_taken_over,
    test_what_is_not_there_cannot_be_fetched,
)
from tests.contract.transport.test_resume import (
    content,
    source,
    test_a_local_part_that_agrees_is_continued,
    test_a_part_that_agrees_is_continued,
    test_another_files_part_is_begun_anew,
    waiting,
)

__all__ = [
    "content",
    "line",
    "source",
    "test_a_closed_transport_opens_itself_again",
    "test_a_deposit_may_be_repeated",
    "test_a_file_that_is_not_as_listed_is_not_fetched",
    "test_a_listing_has_complete_wire_names_only",
    "test_a_local_part_that_agrees_is_continued",
    "test_a_mailbox_in_order_passes_the_probe_and_stays_as_it_was",
    "test_a_missing_folder_to_deposit_into",
    "test_a_name_that_is_taken_is_left_alone",
    "test_a_part_that_agrees_is_continued",
    "test_another_files_part_is_begun_anew",
    "test_removing_takes_away_what_is_named",
    "test_what_a_broken_attempt_left_is_taken_over",
    "test_what_is_not_there_cannot_be_fetched",
    "transport",
    "waiting",
]
