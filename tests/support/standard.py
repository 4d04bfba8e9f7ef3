"""The packaged standard, for tests that read exports."""

from gateway.standard.loading import packaged_standard

STANDARD = packaged_standard()
