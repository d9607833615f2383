"""One replica: `python -m windlass.serving --release DIR --service NAME --digest D --fd N --control PATH`."""

import argparse
import logging
import socket
import sys
from pathlib import Path

from windlass.kernel.errors import WindlassError
from windlass.serving.commands import EXIT_LOAD, give_up, settle_libraries
from windlass.serving.handback import Handback, ReplicaFacts


def main() -> None:
    """Load the release and answer until SIGTERM. Exits 0 after SIGTERM, 3 when the model cannot be loaded."""
    given = _arguments()
    settle_libraries()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    log = logging.getLogger("windlass.serving")
    listener = socket.socket(fileno=given.fd)
    listener.set_inheritable(False)  # whatever the model's code forks must not hold the door open
    facts = ReplicaFacts(given.service, given.digest)
    handback = Handback(given.control.resolve(), listener, facts)
    handback.start()
    try:
        from windlass.serving.door import Door
        from windlass.serving.releases import load_release, warm_up
        from windlass.serving.server import Application, serve

        release = load_release(given.release)
        warm_up(release)
        door = Door(release, given.service, given.digest)
        application = Application(door, given.timeout)
        facts.ready = True
        log.info("%s %s is ready", given.service, given.digest)
        serve(application, listener, given.timeout)
    except WindlassError as error:
        give_up(error, EXIT_LOAD)
    finally:
        handback.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="windlass.serving", description="Answer the predictions of one release.")
    parser.add_argument("--release", type=Path, required=True, help="the release's folder")
    parser.add_argument("--service", required=True, help="the service's name")
    parser.add_argument("--digest", required=True, help="the release's digest")
    parser.add_argument("--fd", type=int, required=True, help="the listening Unix socket, inherited")
    parser.add_argument("--control", type=Path, required=True, help="where to hand the socket back")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds that a request may take (10)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
