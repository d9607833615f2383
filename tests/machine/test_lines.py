"""The line between a site and its control plane is cut: one way, the other, both, or without a word to the site."""

import pytest

from tests.end_to_end.kit import GOOD, SERVICE, Windlass
from tests.machine.lines import Cut, line
from tests.machine.towns import PATIENT, Callers, calling, eventually, history, live
from windlass.adapters.uplink.http import ANSWER_SECONDS_MAX
from windlass.kernel.errors import Unavailable
from windlass.sdk.client import Client

pytestmark = [pytest.mark.machine, pytest.mark.long]

PATIENCE_SECONDS = 5.0 + ANSWER_SECONDS_MAX  # so long a site waits for the answer to a question


@pytest.mark.timeout(900)
def test_a_site_behind_a_cut_line_serves_on(town: Windlass) -> None:
    """However the line is cut the site notices that it is alone, no prediction fails and a rollback there works
    at once; when the line is whole again the control plane adopts the act, and nothing is lost or done twice."""
    with calling(town) as callers:
        before = str(town.wait("a live release", lambda item: item["state"] == "live")["live"]["release"])
        commit = town.commit("behind a line", GOOD, PATIENT)
        town.sync()
        release = str(live(town, commit)["live"]["release"])
        with line(town.home.api_socket) as between:
            town.back("site", town.kill("site"))  # its open connections lead past the line
            for cut in Cut:
                seen = history(town, 0)
                with between.cut(cut):
                    _alone(town, callers, cut, before)
                _adopted(town, cut, before)
                for again in (("resume", SERVICE), ("retry", f"releases/{release[7:19]}", "--reason", "again")):
                    assert 0 == town.run(*again).returncode, town.log[-1]
                live(town, commit)
                history(town, seen)
        town.wait("the line is gone", lambda item: item["state"] == "live")
    assert [] == callers.failures(), town.logs()


def _alone(town: Windlass, callers: Callers, cut: Cut, before: str) -> None:
    eventually(f"alone ({cut})", lambda: _is_alone(town))
    done = town.run("rollback", SERVICE, "--reason", cut)
    assert 0 == done.returncode, done.stderr
    at = len(callers.answers)
    eventually("the way back", lambda: before[7:19] in {one.release for one in callers.answers[at:]}, 10.0)
    callers.more(20)
    assert {before[7:19]} == {one.release for one in callers.answers[-10:]}


def _adopted(town: Windlass, cut: Cut, before: str) -> None:
    item = town.wait("the act as a fact", lambda item: bool(item["live"]) and item["live"]["release"] == before)
    assert cut in item["frozen"]["reason"]
    eventually("heard again", lambda: not _is_alone(town))


def _is_alone(town: Windlass) -> bool:
    """Whether the site has heard nothing for longer than it waits for an answer. An agent that starts does not say."""
    try:
        seconds: float = Client(town.home.site_socket).get("status")["alone_seconds"]
    except Unavailable:
        return False
    return seconds > PATIENCE_SECONDS
