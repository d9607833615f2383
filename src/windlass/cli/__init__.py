"""The command line: a client of the API for what runs, and a caller of the thinking parts for what needs no server.

Each verb is a module of `verbs/`, loaded when it is typed. `app.py` holds the list, `session.py` what a verb works
with, `talk.py` the two streams. Nothing heavy is imported before it is known to be needed.
"""

from windlass.cli.doors import Doors

__all__ = ["Doors", "run_command_line"]


def run_command_line(doors: Doors) -> int:
    """Run the command that `sys.argv` names; the exit code."""
    from windlass.cli.app import main

    return main(doors)
