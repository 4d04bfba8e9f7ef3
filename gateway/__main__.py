"""`python -m gateway`: the same as the command `caseferry`."""

from gateway.cli.main import main

main()
