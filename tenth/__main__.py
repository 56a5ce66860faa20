"""`python -m tenth` is the `tenth` command."""

from tenth.cli import main

main()
