"""Status, logs and send: what people look at, and what they cause."""

import http.server
import json
import os
import shlex
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.doors.conftest import Type
from tests.doors.town import LIVE, Town
from windlass.adapters.simulated.store import SimulatedLeftovers
from windlass.cli.talk import Paint, harmless
from windlass.cli.text.status import status_lines
from windlass.cli.text.why import why_lines
from windlass.kernel.instants import Instant
from windlass.ports.leftovers import Leftover
from windlass.sim.scripts import Script

HERE = Path(__file__).parent


def test_a_rollout_as_text() -> None:
    """The answer in rolling.json reads as in rolling.txt at both widths, and no line is wider than the terminal."""
    answer = json.loads((HERE / "rolling.json").read_text(encoding="utf-8"))
    lines = []
    for width in (80, 140):
        shown = list(status_lines(answer, Paint(False), width))
        assert max(len(line) for line in shown) <= width
        lines += [f"== {width} columns", *(line.rstrip() for line in shown)]
    assert (HERE / "rolling.txt").read_text(encoding="utf-8").splitlines() == lines


def test_two_checks_of_one_line_have_two_names() -> None:
    """`why` says of a comparison whether it was made with the champion or with the best release."""
    line = "roc_auc not worse than champion by 0.05"
    judged = {"line": line, "verdict": "pass", "sentence": "good"}
    checks = [{**judged, "relative_to": name} for name in ("champion", "best")]
    verdict = {"verdict": "pass", "release": LIVE, "subject": "v2", "checks": checks}
    shown = list(why_lines({"service": "visits", "state": "live", "verdicts": [verdict]}, Paint(False), 120))
    assert f"    + {line}: good" in shown
    assert f"    + {line} (against the best): good" in shown


def test_colours_change_no_letter() -> None:
    """With and without colour the text is the same."""
    answer = json.loads((HERE / "rolling.json").read_text(encoding="utf-8"))
    plain = "\n".join(status_lines(answer, Paint(False), 80))
    painted = "\n".join(status_lines(answer, Paint(True), 80))
    assert plain != painted and plain == harmless(painted)


def test_logs_are_pieces_of_files(typed: Type, made: Town, state: Path) -> None:
    """The log that was written last is shown, another on demand, and several under their names; sequences are gone."""
    made.play(*LIVE)
    made.open()
    for number, (source, text) in enumerate((("build", "old\n"), ("gate", "judged\n"), ("replica", "up\x1b[31m!\r"))):
        path = state / f"{source}.txt"
        path.write_text(text)
        made.logs[source] = [str(path)]
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
    assert "up!\n" == typed("logs").out
    assert "old\n" == typed("logs doctor-visits --source build").out
    assert "no log" in typed("logs --since 5m").err
    (state / "build.txt").touch()
    (state / "gate.txt").touch()
    both = typed("logs --since 5m").out
    assert "==> build build.txt <==\nold\n" in both and "==> gate gate.txt <==\njudged\n" in both
    answer = json.loads(typed("logs --source build -o json").out)
    assert ("log", "build", "old\n") == (answer["kind"], answer["source"], answer["text"])


def test_a_cancelled_build_is_shown(typed: Type, made: Town) -> None:
    """`abort` ends the build that runs; `status` and `why` say who did it and why, and a wait for the commit ends."""
    made.play(*LIVE)
    made.world.commit(Script("v2", build_seconds=100_000.0))
    made.play("tick 4s")
    made.open()
    asked = typed("abort --reason 'too slow'")
    assert (0, True) == (asked.code, "is cancelled; `windlass retry` starts again" in asked.out)
    shown = typed("status").out
    assert "doctor-visits  cancelled" in shown
    assert "build       cancelled by" in shown and "build failed" not in shown
    assert "too slow" in typed("why").out
    assert 13 == typed("status --wait").code


def test_a_wait_ends_where_the_newest_file_is_refused(typed: Type, made: Town) -> None:
    """What serves comes from an older commit; the newest one is what a build server asks about."""
    made.play(*LIVE)
    assert "" != made.world.commit(Script("v2"), spec=b"service: doctor-visits\ntrian: x\n")
    made.play("tick 30s")
    made.open()
    assert "until       a commit corrects the file" in typed("status").out
    waited = typed("status --wait")
    assert (2, True) == (waited.code, "the file is refused" in waited.out)


LYING = SimulatedLeftovers(
    (
        Leftover("environment", "e" * 64, 3 * 2**20, Instant(0)),
        Leftover("job", "build-a", 2048, Instant(0)),
        Leftover("job", "build-b", 2048, Instant(0)),
    ),
    busy=frozenset({"build-b"}),
)


def test_a_collection_says_what_goes(typed: Type, made: Town) -> None:
    """`gc --dry-run` names each thing beside the store with its size; `gc` counts what went, by kind."""
    made.play("service doctor-visits")
    engine = made.world.engine
    assert engine is not None
    engine.ports = replace(engine.ports, leftovers=LYING)
    made.open()
    told = typed("gc --dry-run").out
    assert f"would remove environment {'e' * 64} (3.0 MiB)\n" in told and "folder of a job build-b (2.0 KiB)" in told
    items = json.loads(typed("gc --dry-run -o json").out)["items"]
    assert {"kind": "job", "name": "build-a", "size_bytes": 2048} == items[1]
    assert "removed 1 environment (3.0 MiB)\nremoved 1 folder of a job (2.0 KiB)\n" in typed("gc").out


def test_the_recorded_row_is_offered(typed: Type, made: Town) -> None:
    """Where the build recorded rows, `status` offers a request with the first one, ready to paste into a shell."""
    made.play(*LIVE)
    made.run(record_sample(made, {"age": 30, "name": "O'Hara", "bmi": 0.061696206518683294}))
    made.open()
    offered = next(line for line in typed("status").err.splitlines() if line.startswith("try: "))
    words = shlex.split(offered.removeprefix("try: "))
    assert ["curl", "-s", "http://127.0.0.1:8080/predict/doctor-visits"] == words[:3]
    assert {"age": 30, "name": "O'Hara", "bmi": 0.0616962} == json.loads(words[-1])


def test_no_request_is_offered_where_something_needs_a_look(typed: Type, made: Town) -> None:
    """Beside a build that failed `status` offers no request, with `-v` it does."""
    made.play(*LIVE, 'commit "v2" build=user', "tick until failed")
    made.run(record_sample(made, {"age": 30}))
    made.open()
    assert "try: " not in typed("status").err
    assert "try: curl" in typed("status -v").err


async def record_sample(town: Town, row: dict[str, object]) -> None:
    """Let the live release have a recorded sample."""
    engine = town.world.engine
    assert engine is not None
    rows = await town.world.artifacts.put(json.dumps({"rows": [row], "predictions": [1]}).encode())
    stored = await engine.current()
    state = stored.services["doctor-visits"]
    live = replace(state.releases[state.live], provenance={"sample": {"rows": rows}})
    state = replace(state, releases={**state.releases, state.live: live})
    engine.stored = replace(stored, services={**stored.services, "doctor-visits": state})


class _Gateway(http.server.BaseHTTPRequestHandler):
    """Answers well twice, then refuses, fails, and hangs up, for ever in this order."""

    protocol_version = "HTTP/1.1"
    count = 0
    seen: list[tuple[str, str | None, bytes]] = []  # noqa: RUF012
    lock = threading.Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            number = type(self).count
            type(self).count += 1
            self.seen.append((self.path, self.headers["x-windlass-synthetic"], body))
        status = (200, 200, 400, 500, 0)[number % 5]
        if not status:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("X-Windlass-Release", "aaaaaaaaaaaa")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test's output is its own."""


class _Listener(http.server.ThreadingHTTPServer):
    """Fifty calls may arrive in one burst on a busy machine: a refused connection would count as lost."""

    request_queue_size = 64


@pytest.fixture
def gateway(made: Town) -> Iterator[type[_Gateway]]:
    """A gateway that does not only answer well, at the port of the town's settings."""
    _Gateway.count, _Gateway.seen = 0, []
    with _Listener(("127.0.0.1", 0), _Gateway) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        settings = {"port": server.server_address[1], "sockets": str(made.home.sockets)}
        made.home.settings.write_text(json.dumps(settings))
        yield _Gateway
        server.shutdown()
        thread.join()


def test_send_keeps_its_own_record(typed: Type, made: Town, gateway: type[_Gateway]) -> None:
    """Every request is exactly one of answered, refused, failed or lost; each is marked as synthetic, and the rows of a
    file are sent in turn."""
    made.play(*LIVE)
    made.open()
    Path("rows.csv").write_text("age,visits\n30,1\n40,2\n")
    ended = typed("send --rows rows.csv --rate 200/s --for 250ms -o json")
    assert (1, True) == (ended.code, "20 requests got no answer or failed" in ended.err)
    answer = json.loads(ended.out)
    counts = {name: answer[name] for name in ("sent", "answered", "refused", "failed", "lost")}
    assert {"sent": 50, "answered": 20, "refused": 10, "failed": 10, "lost": 10} == counts
    assert {"aaaaaaaaaaaa": 40} == answer["releases"]
    assert {("/predict/doctor-visits", "1")} == {(path, mark) for path, mark, _ in gateway.seen}
    assert [{"age": 30, "visits": 1}, {"age": 40, "visits": 2}] == sorted(
        {body: json.loads(body) for _, _, body in gateway.seen}.values(), key=lambda row: int(row["age"])
    )


def test_send_is_done_where_everybody_was_answered(typed: Type, made: Town, gateway: type[_Gateway]) -> None:
    """The code of `send` is 0 where every request got an answer, a refusal among them, and 1 where one failed."""
    made.play(*LIVE)
    made.open()
    Path("rows.csv").write_text("age\n30\n")
    assert 0 == typed("send --rows rows.csv --rate 3/s --for 1s").code
    assert 3 == gateway.count
    ended = typed("send --rows rows.csv --rate 1/s --for 1s")
    assert (1, True) == (ended.code, "one request got no answer or failed" in ended.err)
    assert "1 sent: 0 answered, 0 refused, 1 failed, 0 without an answer" in ended.out


def test_send_needs_rows_and_somebody_who_answers(typed: Type, made: Town) -> None:
    """Without recorded rows a file is asked for; a gateway that is not there is code 1, and the record is printed."""
    made.play(*LIVE)
    made.open()
    asked = typed("send")
    assert (2, True) == (asked.code, "give --rows FILE" in asked.err)
    made.home.settings.write_text(json.dumps({"port": 1, "sockets": str(made.home.sockets)}))
    Path("rows.csv").write_text("age\n30\n")
    lost = typed("send --rows rows.csv --rate 100/s --for 50ms")
    assert (1, True) == (lost.code, "5 sent: 0 answered, 0 refused, 0 failed, 5 without an answer" in lost.out)
    assert "no request was answered" in lost.err
