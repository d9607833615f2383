"""After a restart of everything `up` returns when the services answer, not earlier."""

import http.client
import json

from tests.end_to_end.kit import GOOD, SERVICE, windlass


def test_up_returns_when_services_answer() -> None:
    """Everything was down; the first request after `up` is answered by the release that was live."""
    with windlass() as one:
        commit = one.commit("v1", GOOD)
        one.up()
        release = one.live(commit)["live"]["release"]
        assert 0 == one.run("down").returncode
        again = one.run("up", "-o", "json")
        assert 0 == again.returncode, again.stderr + one.logs()
        (told,) = json.loads(again.stdout)["items"]
        assert ("live", None) == (told["state"], told["silent_because"])
        connection = http.client.HTTPConnection("127.0.0.1", one.port, timeout=20)
        body = json.dumps({"humidity": 0.9, "temperature": 12.5})
        connection.request("POST", f"/predict/{SERVICE}", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert (200, release[7:19]) == (answer.status, answer.headers["x-windlass-release"]), answer.read()
        connection.close()
