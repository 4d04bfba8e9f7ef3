"""Where things lie inside a bundle: our case package at the root, the export's own files below one folder."""

CASE_PACKAGE = "case-package.json"
"""Member that holds the normalised case package."""
CONTENT = "content/"
"""Prefix of every member that came out of the export, so that no name of an export can hide one of ours."""

FLOW = "flow"
CASE_NO = "case-no"
EXPORT_NAME = "export"
RECEIVER_CODE = "receiver-code"
CORRECTS = "corrects"
FOREMOST = "foremost"
"""Names in the manifest's `meta`."""
