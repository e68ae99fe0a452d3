#!/usr/bin/env python
"""Django's command line. Without DATABASE_URL it works on the demo's data, whether the demo runs or not."""

import sys

from logistics.config.devstack import attach
from logistics.config.devstack.layout import StackError


def main() -> None:
    """Find or start the database, then run the command that the arguments name."""
    try:
        attach.ensure()
    except StackError as problem:
        sys.exit(str(problem))
    from django.core.management import (
        execute_from_command_line,
    )  # needs the environment that ensure() completes

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
