"""Whether the services that have a live release answer, asked as a caller asks: through the gateway."""

import http.client
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from windlass.sdk.client import route

ANSWER_SECONDS = 2.0
LOOK_SECONDS = 0.2
STARTS_MAX = 3  # a replica that died so often before it was ready is not waited for
Item = Mapping[str, Any]


def service_answers(port: int, service: str) -> bool:
    """Whether a caller of the gateway finds the service ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", route("v2", "models", service, "ready"))
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until_all_answer(
    look: Callable[[], Iterable[Item]],
    answers: Callable[[str], bool],
    progress: Callable[[str], None],
    seconds: float,
) -> dict[str, str]:
    """Wait for every service that has a live release; why each of the others does not answer.

    Args:
        look: the services of the status, as they are at that moment.
        answers: whether a service answers.
        progress: is told whom it waits for.
        seconds: how long to wait at most.
    """
    deadline = time.monotonic() + seconds
    while True:
        silent = {str(item["service"]): item for item in look() if item["live"] and not _is_there(item, answers)}
        waiting = [name for name, item in silent.items() if not _has_failed(item)]
        if not waiting or time.monotonic() > deadline:
            return {name: _why(item, seconds) for name, item in silent.items()}
        progress(f"waiting for {', '.join(waiting)} to answer")
        time.sleep(LOOK_SECONDS)


def _is_there(item: Item, answers: Callable[[str], bool]) -> bool:
    """Whether a service answers and the control plane has heard so."""
    is_heard = any(one["state"] == "ready" for one in _replicas(item))
    return item["state"] != "not ready" and is_heard and answers(str(item["service"]))


def _replicas(item: Item) -> list[Item]:
    release = item["live"]["release"]
    return [one for one in item["replicas"] if one["release"] == release]


def _has_failed(item: Item) -> bool:
    found = _replicas(item)
    return bool(found) and all(one["state"] == "failed" and one["restarts"] >= STARTS_MAX for one in found)


def _why(item: Item, seconds: float) -> str:
    for one in _replicas(item):
        if one["state"] != "ready":
            return f"its replica {one['name']} is {one['state']}" + (f": {one['words']}" if one["words"] else "")
    if _replicas(item):
        return f"its replica is ready, but the gateway did not pass a request on within {seconds:.0f} s"
    return f"the site has started no replica of it within {seconds:.0f} s"
