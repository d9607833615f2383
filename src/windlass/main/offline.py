"""The ports that the command line uses without a server, each made when a verb first asks for it."""

from typing import TYPE_CHECKING

from windlass.cli.doors import Doors

if TYPE_CHECKING:
    from windlass.cli.doors import Repositories
    from windlass.ports.compute import Compute
    from windlass.ports.machine import Machine
    from windlass.ports.tables import Tables


def offline_doors() -> Doors:
    """The real ports; nothing is imported before it is used."""
    return Doors(git=_git, tables=_tables, machine=_machine, compute=_compute, starter=_starter, gateway=_gateway)


def _git() -> "Repositories":
    import os
    import tempfile

    from windlass.adapters.git import PygitRepositories, secrets_of

    return PygitRepositories(
        os.path.join(tempfile.gettempdir(), f"windlass-{os.getuid()}-mirrors"), secrets_of(os.environ)
    )


def _tables() -> "Tables":
    from windlass.adapters.tables import FileTables

    return FileTables()


def _machine(home: str) -> "Machine":
    from windlass.adapters.machine import LocalMachine

    return LocalMachine(home)


def _compute(home: str) -> "Compute":
    from windlass.adapters.compute.local import LocalCompute

    return LocalCompute(home)


def _starter(name: str) -> bytes:
    from importlib.resources import files

    return (files("windlass.delivery.sources") / "starter" / name).read_bytes()


def _gateway() -> str:
    from windlass.adapters.traffic.envoy.process import gateway_program

    return gateway_program()
