"""A job program for the tests of compute: does what the request's body says."""

import json
import os
import signal
import sys
import time
from pathlib import Path


def main(home: str, job: str) -> int:
    """Act as `ComputeConformance.job` says; `nest` leaves a stubborn daemon behind and hangs."""
    folder = Path(home, "control/jobs", job)
    act = json.loads((folder / "request.json").read_text())["body"]["act"]
    match act:
        case "finish":
            (folder / "progress.txt").write_text("half way\n")
            write(folder, {"state": "done", "result": {"told": act}, "trouble": "", "words": ""})
        case "refuse":
            write(folder, {"state": "failed", "result": {}, "trouble": "user", "words": "no such column"})
        case "crash":
            print("bad luck", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        case _:
            if act == "nest" and os.fork() == 0:
                os.setsid()
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                (folder / "daemon").write_text(str(os.getpid()))
            while True:
                time.sleep(0.25)
    return 0


def write(folder: Path, result: dict[str, object]) -> None:
    (folder / "result.new").write_text(json.dumps(result))
    (folder / "result.new").rename(folder / "result.json")


if __name__ == "__main__":
    sys.exit(main(sys.argv[3], sys.argv[5]))
