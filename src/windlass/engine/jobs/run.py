"""One job from its request to its result.

Every ending is a result: a job that says nothing has crashed. Whose fault a failure is decides what is tried again.
"""

import asyncio
import json
import shutil
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from windlass.engine.jobs.types import JobPorts as JobPorts
from windlass.engine.jobs.types import JobWork
from windlass.kernel.errors import Refused, Unavailable, UserMistake, WindlassError, clip
from windlass.kernel.instants import span
from windlass.kernel.records import from_json, to_json
from windlass.ports.compute import JobRequest, job_folder, job_log

_OWN_TROUBLES = ("limit", "cancelled", "crash")


async def job_main(home: str, job: str, ports: JobPorts) -> int:
    """Run a job whose request lies in its folder, and write its result there; the exit code."""
    folder = Path(job_folder(home, job))
    request = from_json(JobRequest, json.loads((folder / "request.json").read_bytes()))
    result = await _attempt(home, folder, request, ports)
    await ports.disk.write(str(folder / "result.json"), json.dumps(result).encode())
    return 0


def _work(home: str, folder: Path, request: JobRequest) -> JobWork:
    scratch = folder / "work"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    log = Path(job_log(home, request))
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()

    def progress(words: str) -> None:
        (folder / "progress.new").write_text(words + "\n", encoding="utf-8")
        (folder / "progress.new").replace(folder / "progress.txt")

    return JobWork(home, request, str(scratch), str(log), progress)


async def _attempt(home: str, folder: Path, request: JobRequest, ports: JobPorts) -> dict[str, Any]:
    limit = request.seconds_max
    try:
        work = _work(home, folder, request)
        async with asyncio.timeout(limit):
            result = await _run(work, ports)
    except TimeoutError:
        return _failed("limit", f"the {request.kind} ran longer than its limit of {span(limit)} and was ended")
    except WindlassError as error:
        trouble = _trouble(error)
        if trouble == "crash":
            traceback.print_exc(file=sys.stderr)
        return _failed(trouble, str(error))
    except OSError as error:
        traceback.print_exc(file=sys.stderr)
        return _failed("disk", f"the disk failed: {error.strerror or error}: {clip(str(error.filename))}")
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        return _failed("crash", f"the {request.kind} failed inside Windlass: {type(error).__name__}: {error}")
    return {"state": "done", "result": to_json(result), "trouble": "", "words": ""}


async def _run(work: JobWork, ports: JobPorts) -> Mapping[str, object]:
    if work.request.kind == "gate":
        from windlass.engine.jobs.gate import run_gate

        return await run_gate(work, ports)
    from windlass.engine.jobs.build import run_build

    return await run_build(work, ports)


def _failed(trouble: str, words: str) -> dict[str, Any]:
    return {"state": "failed", "result": {}, "trouble": trouble, "words": words}


def _trouble(error: WindlassError) -> str:
    if isinstance(error, (UserMistake, Refused)):
        return "user"
    if isinstance(error, Unavailable):
        if error.code in _OWN_TROUBLES:
            return error.code
        return "disk" if error.code.startswith("disk") else "network"
    return "crash"
