"""`windlass sim` as it is typed: answers, errors, and that it needs no more than a plain installation."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.conftest import Type
from windlass.cli.text.sim import bounded
from windlass.sim import promises
from windlass.sim.seen import Seen

FILE = """\
service: fraud
train: python train.py
data: {train: train.csv, holdout: holdout.csv, label: y}
gate:
  - roc_auc >= 0.70
"""

PAGE = Path(__file__).parents[2] / "docs/how-to/try-before-you-merge.md"
PLAIN = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"envoy", "fastapi", "onnxruntime", "skops", "starlette", "uvicorn"}:
            raise ImportError(name + " comes with windlass[local] only")

sys.meta_path.insert(0, Missing())
sys.argv = ["windlass", "sim", "--runs", "1", "--bad", "errors=50%", "-o", "json"]
from windlass.main import run
sys.exit(run())
"""


@pytest.fixture
def file(typed: Type) -> Path:
    """A file in a folder that is no repository."""
    path = Path("windlass.yaml")
    path.write_text(FILE)
    return path


@pytest.mark.usefixtures("file")
def test_sim_answers_in_words(typed: Type) -> None:
    """The heading repeats what was assumed, then each kind of release has its ends with their bounds."""
    ended = typed("sim --traffic 200/s --night 50% --runs 2 --bad errors=50% --bad latency=x10 --faults gateway-killed")
    assert 0 == ended.code, ended
    for words in (
        "fraud  simulated from windlass.yaml",
        "200 requests a second, 50 % of it at night",
        "fails 0.1 % of requests, median 20 ms, 99 % within 51.6 ms",
        "5 % > 25 % > 50 % > 100 %, each step at least 10 s",
        "errors <= 1%; without a verdict after 24 h a person is asked",
        "a harmless release  as good as the champion, followed 2 times",
        "rolled back 0 of 2: at most 78 % with 95 % confidence",
        "a bad release  errors=50%, followed once",
        "promoted    0 of 1: at most 95 % with 95 % confidence",
        "is slow for",
        "4 releases on 30 virtual days",
        "all held, at every look",
    ):
        assert words in ended.out


def test_sim_answers_in_json(typed: Type, file: Path) -> None:
    """One object with what was assumed and one item for each kind of release; the same seed gives the same bytes."""
    line = "sim windlass.yaml --runs 1 --bad errors=50% --seed 3 -o json"
    ended = typed(line)
    answer = json.loads(ended.out)
    assert ("windlass/v1", "sim", "fraud", str(file)) == tuple(
        answer[key] for key in ("api", "kind", "service", "path")
    )
    assert ["harmless", "errors=50%"] == [item["release"] for item in answer["items"]]
    assert (100, ["errors <= 1%"]) == (answer["assumed"]["requests_per_second"], answer["assumed"]["limits"])
    bad = answer["items"][1]
    assert (1, 1.0) == (bad["rolled_back"]["runs"], bad["rolled_back"]["share"])
    assert 0 < bad["failed_requests"]["median"] < bad["served_requests"]["median"]
    assert ended.out == typed(line).out


@pytest.mark.usefixtures("file")
def test_sim_tells_what_is_held(typed: Type) -> None:
    """Where too few call, nothing gets all of the traffic, and the reason of one release stands there."""
    ended = typed("sim --traffic 20/h --runs 1 --bad errors=2%")
    assert 0 == ended.code
    assert "all traffic 0 of 1" in ended.out
    assert "held        1 of 1: no verdict after 24 h" in ended.out
    assert "lives       without an end (median and 95 %)" in ended.out
    assert "fails " not in ended.out.partition("a bad release")[2]


def test_a_share_has_both_bounds() -> None:
    """None of all, all of all, and some of all are told with the bounds that say something, each at its own 95 %."""
    item, answer = {"runs": 100}, {"confidence": 0.95}
    ends = [bounded({"runs": runs, "at_least": 0.0036, "at_most": 0.0616}, item, answer) for runs in (0, 2, 100)]
    assert ends == [
        "0 of 100: at most 6.2 % with 95 % confidence",
        "2 of 100: at least 0.36 % and at most 6.2 %, each with 95 % confidence",
        "100 of 100: at least 0.36 % with 95 % confidence",
    ]


@pytest.mark.usefixtures("file")
def test_without_a_fear_the_usual_ones_are_played(typed: Type) -> None:
    """Without `--bad` a release that fails more and one that is slower are played, worse than the champion whatever it
    does."""
    answer = json.loads(typed("sim --runs 1 --base errors=30% -o json").out)
    assert ["harmless", "errors=60%", "latency=x1.5"] == [item["release"] for item in answer["items"]]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sim --bad nonsense", '--bad: "nonsense" is no behaviour; write errors=2%, latency=+30%'),
        ("sim --bad errors=0.01%", "no worse than the champion (errors=0.1%,latency=20ms)"),
        ("sim --base latency=fast", '--base: "fast" is not a duration'),
        ("sim --faults gateway-kiled", 'there is no fault called "gateway-kiled"; did you mean gateway-killed?'),
        ("sim --faults xyz", "use all, none, or some of a-forged-plan-offered, agent-killed"),
        ("sim --traffic 200", '"200" is not a rate; write it like 200/s'),
        ("sim --night 2", "can be read in two ways"),
        ("sim --days 0", "--days"),
        ("sim nowhere.yaml", "nowhere.yaml"),
    ],
)
@pytest.mark.usefixtures("file")
def test_sim_says_what_to_write_instead(line: str, words: str, typed: Type) -> None:
    """A flag that cannot be read is a mistake of usage, in words, and stdout is empty."""
    ended = typed(line)
    assert (2, "") == (ended.code, ended.out)
    assert words in ended.err


def test_sim_says_all_that_is_wrong_with_the_file(typed: Type, file: Path) -> None:
    """A bad file is told with line and column, every complaint at once, and nothing is played."""
    file.write_text(FILE.replace("roc_auc", "roc_acu").replace("train: python", "trian: python"))
    ended = typed("sim .")
    assert (2, "") == (ended.code, ended.out)
    assert 'windlass.yaml:5:5: gate[0]: unknown metric "roc_acu"; did you mean "roc_auc"?' in ended.err
    assert "windlass.yaml:2:1: trian" in ended.err
    file.write_text("services: [api]\n")
    assert "windlass.yaml: lists services and is none itself; none of their folders has a file" in typed("sim").err
    file.unlink()
    assert "there is no windlass.yaml" in typed("sim .").err


@pytest.mark.usefixtures("file")
def test_sim_needs_a_plain_installation_only() -> None:
    """It runs where the packages of `windlass[local]` are not installed."""
    ended = subprocess.run([sys.executable, "-c", PLAIN], capture_output=True, text=True, check=False, timeout=120)
    assert 0 == ended.returncode, ended.stderr
    assert "sim" == json.loads(ended.stdout)["kind"]


def test_the_page_names_every_fault() -> None:
    """The how-to lists what `--faults` takes."""
    from windlass.sim.faults import KINDS

    page = PAGE.read_text()
    assert [] == [name for name in KINDS if f"`{name.replace(' ', '-').replace(chr(39), '')}`" not in page]


@pytest.mark.usefixtures("file")
def test_the_command_of_the_page_works(typed: Type) -> None:
    """What the how-to tells people to type is typed here, with fewer releases, and has the lines that it explains."""
    (line,) = [line.strip() for line in PAGE.read_text().splitlines() if line.startswith("    windlass sim ")]
    ended = typed(f"{line.removeprefix('windlass ')} --runs 2")
    assert 0 == ended.code, ended
    labels = {line[6:17].strip() for line in PAGE.read_text().splitlines() if line.startswith("      ")}
    assert {"rolled back", "all traffic", "waits", "promoted", "lives", "fails", "answers"} == labels
    assert all(f"\n  {label} " in ended.out for label in labels)


@pytest.mark.usefixtures("file")
def test_a_broken_promise_is_told_once_with_its_replay(typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong at every look is told once for each release, and the command that stands there finds it again."""

    def never_true(seen: Seen) -> Iterator[str]:
        """A promise that nobody keeps."""
        yield "whatever happens"

    monkeypatch.setattr(promises, "PROMISES", (never_true,))
    line = "sim --runs 3 --days 9 --bad errors=50% --traffic 90/s --night 50%"
    ended = typed(line)
    assert 1 == ended.code
    assert "5 broke" in ended.out
    assert "release 1 of harmless, seed 1: A promise that nobody keeps: whatever happens" in ended.out
    broken = json.loads(typed(f"{line} -o json").out)["broken"]
    assert [("harmless", 1), ("harmless", 2), ("harmless", 3), ("errors=50%", 1), ("errors=50%", 2)] == [
        (one["release"], one["number"]) for one in broken
    ]
    again = typed(f"{broken[1]['again'].removeprefix('windlass ')} -o json")
    assert [("harmless", 2), ("errors=50%", 2)] == [
        (one["release"], one["number"]) for one in json.loads(again.out)["broken"]
    ]
