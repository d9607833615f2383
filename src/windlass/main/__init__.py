"""The entry point: it chooses the real adapters and wires them; the simulator alone does so with its own."""

import sys

PROCESSES = ("control", "site", "supervisor", "job")


def run() -> None:
    """`windlass …`: one of our own processes, or the command line."""
    if sys.version_info < (3, 11) or sys.version_info >= (3, 14):
        sys.exit(f"windlass needs Python 3.11 to 3.13; this is {sys.version.split()[0]}")
    if len(sys.argv) > 1 and sys.argv[1] in PROCESSES:
        from windlass.main.processes import run_process

        sys.exit(run_process(sys.argv[1], sys.argv[2:]))
    from windlass.cli import run_command_line
    from windlass.main.offline import offline_doors

    sys.exit(run_command_line(offline_doors()))
