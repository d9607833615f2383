"""`windlass status`: what is true now, once, live, or until a commit has come to its end."""

import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import click

from windlass.cli.exits import Exit, worst
from windlass.cli.flags import DURATION
from windlass.cli.gateway import working_curl
from windlass.cli.names import complete_service, noun_and_name
from windlass.cli.outcome import Outcome, held, outcome, refused
from windlass.cli.session import Session
from windlass.cli.shared import verb
from windlass.cli.talk import Talk, harmless
from windlass.cli.text.layout import brief, local_times
from windlass.cli.text.site import site_lines
from windlass.cli.text.status import is_settled, status_lines
from windlass.kernel.errors import Unavailable, UserMistake

WATCH_SECONDS = 1.0  # the site reports each second while traffic moves
WAIT_SECONDS = 0.5
_COUNTED = re.compile(r"\d[\d,.]*(?![\d,.%])")  # what counts up or down in a sentence; a share is news
RESTART_SECONDS = 30.0  # a control plane that was killed is back by then


@verb("status")
@click.argument("service", default="", metavar="[SERVICE]", shell_complete=complete_service)
@click.option("-w", "--watch", is_flag=True, help="Keep showing it until interrupted.")
@click.option("--wait", is_flag=True, help="Wait until the commit is live, judged, rolled back or refused.")
@click.option("--commit", default="", metavar="SHA", help="With --wait: which commit; default: the newest.")
@click.option("--timeout", type=DURATION, default="10m", help="With --wait: how long at most (10m); then code 124.")
def command(session: Session, service: str, watch: bool, timeout: float, **wait: Any) -> int:
    """What serves, what moves, the evidence, and what is waited for until when.

    \b
    With --wait the exit code says what became of the commit:
      0 live  2 file refused  10 gate failed  11 not enough evidence
      12 rolled back  13 quarantined or frozen  1 build broken  124 time is up
    """
    commit = str(wait["commit"])
    if commit and not wait["wait"]:
        raise UserMistake("--commit goes with --wait", code="usage", remedy="add --wait")
    if commit and len(commit) < 8:
        raise UserMistake(f"{commit} is too short for a commit", code="usage", remedy="write at least 8 characters")
    name = noun_and_name(service)[1] if service else ""
    if wait["wait"]:
        return _wait(session, name, commit, time.monotonic() + timeout)
    if watch:
        return _watch(session, name)
    _once(session, name)
    return Exit.DONE


def _look(session: Session, service: str) -> tuple[dict[str, Any], Callable[[Talk, int], Iterable[str]]]:
    """The status and how to show it: the control plane's, or what the site alone can say."""
    try:
        answer = session.api.get("v1", "status", **({"service": service} if service else {}))
        return answer, lambda talk, width: status_lines(answer, talk.paint, width)
    except Unavailable as error:
        seen = _of_site(session, error)
    return seen, lambda talk, width: site_lines(seen, talk.paint, width)


def _of_site(session: Session, error: Unavailable) -> dict[str, Any]:
    try:
        seen = session.site.get("status")
    except Unavailable:
        raise error from None
    return {"control_plane": str(error), "items": seen.pop("services", []), **seen}


def _once(session: Session, service: str) -> None:
    answer, lines = _look(session, service)
    kind = "site_status" if "control_plane" in answer else "status"
    session.talk.give(kind, answer)
    if session.talk.json:
        return
    for line in lines(session.talk, session.talk.width):
        session.talk.write(line)
    if kind == "status":
        _hint(session, answer["items"])


def _hint(session: Session, items: list[dict[str, Any]]) -> None:
    """What to type next: a request that works, where nothing else needs a look or `-v` asks for it, and who makes
    traffic where a rollout has none."""
    live = [item["service"] for item in items if item.get("live")]
    is_calm = session.talk.verbose or all(is_settled(item) for item in items)
    for name in live[:1] if is_calm else ():
        if request := working_curl(session, name):
            session.talk.say(f"\ntry: {harmless(request)}")
    for item in items:
        rollout = item.get("rollout")
        if rollout and rollout["champion"] and not rollout["evidence"]["canary_requests"]:
            session.talk.say(f"no callers? `windlass send {item['service']}` sends sample rows")


def _watch(session: Session, service: str) -> int:
    if session.talk.json:
        return _watch_json(session, service)
    if not session.talk.paint.terminal:
        return _watch_lines(session, service)
    from windlass.cli.text.live import show

    def frame(width: int) -> str:
        try:
            return "\n".join(_look(session, service)[1](session.talk, width))
        except Unavailable as error:
            return harmless(str(error))

    show(frame, WATCH_SECONDS)
    return Exit.DONE


def _watch_json(session: Session, service: str) -> int:
    before = None
    while True:
        answer = _look(session, service)[0]
        now = {key: value for key, value in answer.items() if key not in ("at", "sites")}
        if now != before:
            session.talk.give("site_status" if "control_plane" in answer else "status", answer)
        before = now
        time.sleep(WATCH_SECONDS)


def _watch_lines(session: Session, service: str) -> int:
    """Without a terminal: a line for each service whose state or sentence changed."""
    before: dict[str, str] = {}
    while True:
        for item in _look(session, service)[0]["items"]:
            line = f"{item['service']}  {item.get('state', '')}: {brief(str(item.get('sentence', '')))}"
            if before.get(item["service"]) != line:
                session.talk.write(local_times(harmless(line)))
                before[item["service"]] = line
        time.sleep(WATCH_SECONDS)


def _wait(session: Session, service: str, commit: str, deadline: float) -> int:
    ended: dict[str, Outcome] = {}
    answered = time.monotonic() - RESTART_SECONDS  # one that never answered is not waited for
    with suppress(Unavailable):  # the loop below waits for who does not answer
        session.api.post("v1", "sync", body={})  # the newest commit may be a moment old
    with session.talk.progress() as progress:
        while True:
            try:
                answer = _ended_now(session, service, commit, ended)
                answered = time.monotonic()
            except Unavailable as error:
                if time.monotonic() > min(deadline, answered + RESTART_SECONDS):
                    raise
                progress(str(error))
                time.sleep(WAIT_SECONDS)
                continue
            open_now = [item for item in answer["items"] if item["service"] not in ended]
            if answer["items"] and not open_now:
                break
            if time.monotonic() >= deadline:
                return _give_up(session, open_now, ended)
            waited = "; ".join(f"{item['service']} {item['state']}: {item['sentence']}" for item in open_now)
            progress(waited or "waiting for a service", _COUNTED.sub("", waited))
            time.sleep(WAIT_SECONDS)
    _tell(session, ended, ())
    return worst(found.code for found in ended.values())


def _ended_now(session: Session, service: str, commit: str, ended: dict[str, Outcome]) -> dict[str, Any]:
    """The status of now; services whose wait is over are added to `ended`."""
    answer = session.api.get("v1", "status", **({"service": service} if service else {}))
    newest = {one["repository"]: one["commit"] for one in answer["repositories"]}
    for item in answer["items"]:
        repository = (item["commit"] or {}).get("repository", "")
        if item["service"] not in ended and (found := _outcome(session, item, commit, newest.get(repository, ""))):
            ended[item["service"]] = found
    return answer


def _outcome(session: Session, item: dict[str, Any], commit: str, newest: str) -> Outcome | None:
    if found := refused(item, commit, newest):
        return found
    commit = commit or (item["commit"] or {}).get("commit", "")
    if not commit:
        return None
    of_service = session.api.get("v1", "facts", service=item["service"], limit=1000)["items"]
    everywhere = session.api.get("v1", "facts", limit=1000)["items"]
    of_source = [fact for fact in everywhere if not fact["service"]]
    facts = sorted([*of_service, *of_source], key=lambda fact: int(fact["number"]))
    return outcome(facts, commit) or held(item, commit)


def _give_up(session: Session, open_now: list[dict[str, Any]], ended: dict[str, Outcome]) -> int:
    _tell(session, ended, open_now)
    return Exit.TIMEOUT


def _tell(session: Session, ended: dict[str, Outcome], open_now: Iterable[dict[str, Any]]) -> None:
    items = [
        {"service": name, "exit_code": int(found.code), "sentence": found.sentence} for name, found in ended.items()
    ]
    for item in open_now:
        words = f"the time is up; {item['state']}: {item['sentence']}"
        items.append({"service": item["service"], "exit_code": int(Exit.TIMEOUT), "sentence": words})
    session.talk.give("wait", {"items": items})
    for item in items:
        session.talk.write(harmless(f"{item['service']}: {item['sentence']}"))
