"""What a file means, and what people are told about a file that cannot be used."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windlass.delivery.sources.parse import parse_service
from windlass.delivery.sources.registry import ANY_NAME, BY_NAME, KEYS, Key
from windlass.delivery.sources.types import DataSpec, FreezeWindow, GateLine, LimitSpec, RolloutSpec, ServiceSpec
from windlass.kernel.canonical import canonical_bytes
from windlass.kernel.errors import Complaint
from windlass.kernel.records import from_json, to_json
from windlass.testing.tables import Row, read_table

HERE = Path(__file__).parent
SMALLEST = "service: a\ntrain: t\n"
WHOLE = """\
windlass: 1
service: doctor-visits
owner: risk-team
timezone: Europe/Berlin
python: "3.12"
env: {TOKEN: 'env:SCORING_TOKEN', KEY: 'file:/run/key', OMP_NUM_THREADS: '1'}
include: [../lib]
params: {rate: 0.1, deep: {layers: [8, 4], dropout: null}}
train: |
  python prepare.py
  python train.py
model: predictor:Predictor
allow: [pickle, my_features.Clip]
test: pytest -q
data:
  train: data/./train.csv
  calendar: file:///srv/calendar.csv
  holdout: data/holdout.csv
  label: any_visit
  positive: true
  score: risk
  id: visit_id
  unit: person_id
  time: visited_at
gate:
  - roc_auc >= 0.70
  - approve: 1 of risk-leads
breaking: true
rollout:
  strategy: canary
  steps: [1%, 0.5, 100%]
  unit: X-User-Id
  limits: [p99 <= 300ms, errors<=0.5%]
  time_limit: 6h
  unsure: back
  newer: replace
  soak: 1m
freeze: ["fri 16:00..mon 08:00"]
replicas: 2
memory: 2Gi
build_time: 6h
timeout: 1m30s
idempotent: false
"""


def gate_check(line: str) -> str | None:
    return f'"{line}" is no gate line' if "acu" in line else None


def parse(text: str) -> ServiceSpec | tuple[Complaint, ...]:
    return parse_service(text, "w.yaml", gate_check)


def spec_of(text: str) -> ServiceSpec:
    spec = parse(text)
    assert isinstance(spec, ServiceSpec), spec
    return spec


def told(text: str) -> str:
    complaints = parse(text)
    assert isinstance(complaints, tuple), complaints
    return " // ".join(complaint.sentence() for complaint in complaints)


def plain(cell: str) -> str:
    text = cell.replace("(empty)", "").replace("(remark)", "# only a remark")
    return text.replace("\\n", "\n").replace("\\t", "\t")


@pytest.mark.parametrize("row", read_table(HERE / "lines.txt"), ids=str)
def test_lines(row: Row) -> None:
    """Every row of lines.txt is what a person is told about one wrong value."""
    assert row["complaints"] == told(SMALLEST + plain(row["line"]))


@pytest.mark.parametrize("row", read_table(HERE / "files.txt"), ids=str)
def test_files(row: Row) -> None:
    """Every row of files.txt is what a person is told about a whole file."""
    assert row["complaints"] == told(plain(row["file"]))


def test_every_key_reaches_the_spec() -> None:
    """A file with every key gives the spec with each value in its base unit, and with the places of the gate lines."""
    expected = ServiceSpec(
        service="doctor-visits",
        train="python prepare.py\npython train.py",
        model="predictor:Predictor",
        allow=("pickle", "my_features.Clip"),
        test="pytest -q",
        python="3.12",
        owner="risk-team",
        timezone="Europe/Berlin",
        env={"TOKEN": "env:SCORING_TOKEN", "KEY": "file:/run/key", "OMP_NUM_THREADS": "1"},
        include=("../lib",),
        params={"rate": 0.1, "deep": {"layers": [8, 4], "dropout": None}},
        data=DataSpec(
            entries={"train": "data/train.csv", "calendar": "/srv/calendar.csv"},
            holdout="data/holdout.csv",
            label="any_visit",
            positive=True,
            score="risk",
            id="visit_id",
            unit="person_id",
            time="visited_at",
        ),
        gate=(GateLine("roc_auc >= 0.70", "w.yaml:26:5"), GateLine("approve: 1 of risk-leads", "w.yaml:27:5")),
        breaking=True,
        rollout=RolloutSpec(
            strategy="canary",
            steps=(0.01, 0.5, 1.0),
            unit="X-User-Id",
            limits=(
                LimitSpec("p99 <= 300ms", "latency", 0.99, 0.3, declared=True),
                LimitSpec("errors<=0.5%", "errors", 0.0, 0.005, declared=True),
            ),
            time_limit_seconds=21_600.0,
            unsure="back",
            newer="replace",
            soak_seconds=60.0,
        ),
        freeze=(FreezeWindow("fri 16:00..mon 08:00", 4 * 1440 + 960, 480),),
        replicas=2,
        memory_bytes=2 << 30,
        build_seconds_max=21_600.0,
        timeout_seconds=90.0,
        idempotent=False,
    )
    assert expected == spec_of(WHOLE)


def test_the_smallest_file_takes_every_default() -> None:
    """Two keys are enough, and all else is as the spec's defaults say."""
    assert ServiceSpec(service="a", train="t") == spec_of(SMALLEST)
    assert ServiceSpec(service="a", artifact="model.onnx") == spec_of("service: a\nartifact: ./model.onnx\n")
    assert ServiceSpec(service="a", artifact="/models/m.onnx") == spec_of(
        "service: a\nartifact: file:///models//m.onnx\n"
    )


def test_a_spec_comes_back_from_its_json() -> None:
    """The stored spec is the spec, through canonical JSON text and back."""
    for text in (WHOLE, SMALLEST):
        spec = spec_of(text)
        assert spec == from_json(ServiceSpec, json.loads(canonical_bytes(to_json(spec))))


def test_the_limit_on_errors_is_never_lost() -> None:
    """A limit on latency alone keeps the default limit on errors, which stands first and stays a default."""
    rollout = spec_of(SMALLEST + "rollout: {limits: [p50 <= 1s]}").rollout
    assert ("errors <= 1%", "p50 <= 1s") == tuple(limit.line for limit in rollout.limits)
    assert [False, True] == [limit.declared for limit in rollout.limits]


@pytest.mark.parametrize("name", ["p50", "p90", "p95", "p99"])
def test_latency_has_four_quantiles(name: str) -> None:
    """Each quantile that can be limited becomes its share of requests."""
    (_, limit) = spec_of(SMALLEST + f"rollout: {{limits: [{name} <= 20ms]}}").rollout.limits
    assert LimitSpec(f"{name} <= 20ms", "latency", int(name[1:]) / 100, 0.02, declared=True) == limit


@pytest.mark.parametrize("line", ["latency p99 <= 300ms", "memory <= 512Mi", "approve: 1 of leads"])
def test_a_gate_on_the_process_needs_no_holdout(line: str) -> None:
    """Lines about the process, or about people, can be judged without held-out rows."""
    assert (line,) == tuple(gate.text for gate in spec_of(SMALLEST + f"gate:\n- {line}").gate)


@pytest.mark.parametrize("line", ["rows >= 100", "missing(age) <= 1%", "unseen(land) <= 1%"])
def test_a_gate_on_the_rows_needs_no_label(line: str) -> None:
    """Lines about the held-out rows themselves need the rows and no label."""
    assert spec_of(SMALLEST + f"data: {{holdout: a/b.csv}}\ngate:\n- {line}").gate


def test_all_complaints_come_at_once_in_the_order_of_lines() -> None:
    """One look shows everything that is wrong, from the top of the file to its end."""
    text = "timeout: 10\nservice: A\nreplicas: 0\ndata: {lable: x}\nrollout: {steps: [5], unsure: aks}\n"
    places = [sentence.split(": ")[0] for sentence in told(text).split(" // ")]
    assert ["w.yaml:1:1", "w.yaml:1:10", "w.yaml:2:10", "w.yaml:3:11", "w.yaml:4:8"] == places[:5]
    assert ["w.yaml:5:19", "w.yaml:5:31"] == places[5:]


def context_of(key: Key) -> str:
    """A file that holds the key's example where it belongs."""
    group, _, name = key.name.rpartition(".")
    base = {"service": "train: t", "services": SMALLEST, "train": "service: a", "artifact": "service: a"}
    line = f"{group}: {{{key.example}}}" if group else key.example
    rows = "data: {holdout: h/x.csv, label: y}" if name == "gate" else ""
    return f"{base.get(key.name, SMALLEST)}\n{line}\n{rows}"


@pytest.mark.parametrize("key", [key for key in KEYS if key.example], ids=lambda key: key.name)
def test_the_example_of_every_key_is_accepted(key: Key) -> None:
    """What complaints and the reference page show can be pasted."""
    spec_of(context_of(key))


@pytest.mark.parametrize("key", [key for key in KEYS if key.default], ids=lambda key: key.name)
def test_the_default_that_is_told_is_the_default_in_force(key: Key) -> None:
    """Writing a key's default changes nothing, except that limits count as declared."""
    group, _, name = key.name.rpartition(".")
    line = f"{group}: {{{name}: {key.default}}}" if group else f"{name}: {key.default}"
    written = to_json(spec_of(SMALLEST + line))
    for limit in written["rollout"]["limits"]:
        limit["declared"] = False
    assert to_json(spec_of(SMALLEST)) == written


@pytest.mark.parametrize("key", [key for key in KEYS if key.not_yet], ids=lambda key: key.name)
def test_what_is_not_built_yet_is_refused(key: Key) -> None:
    """A key of the future is never ignored, whatever its value."""
    group, _, name = key.name.rpartition(".")
    line = f"{group}: {{{name}: x}}" if group else f"{name}: x"
    assert f"{key.name}: is known, but not built yet: {key.not_yet}; take it out" in told(SMALLEST + line)


def test_the_registry_knows_each_name_once_and_says_what_it_means() -> None:
    """Names are unique, every key says what it means, and a built key shows how it is written."""
    assert len(KEYS) == len(BY_NAME)
    for key in KEYS:
        assert key.meaning.endswith(".")
        assert bool(key.example) != bool(key.not_yet)
        assert bool(key.default) <= bool(key.reason)
    assert f"data.{ANY_NAME}" in BY_NAME


TOKENS = ["5%", "1h", "'", '"', "|", ">", "&a", "*a", "!x", "#", "---", "~", "true", "0x1", "1.5", "<<", "?", ":", ","]
KEY_WORDS = [key.name.rpartition(".")[2] for key in KEYS]
WORDS = st.sampled_from([*KEY_WORDS, *TOKENS, "service: a", "train: t", ": ", "- ", "\n", "  ", "\t", *"{}[]"])


@settings(max_examples=500)
@given(st.text() | st.binary() | st.lists(WORDS | st.text(max_size=2), max_size=30).map("".join))
def test_any_text_gives_a_spec_or_complaints(text: str | bytes) -> None:
    """Whatever the bytes are, nothing is raised, and every complaint has a place and can be printed."""
    found = parse_service(text, "w.yaml", gate_check)
    if isinstance(found, tuple):
        assert found
        for complaint in found:
            assert re.fullmatch(r"w\.yaml:[0-9]+:[0-9]+", complaint.where)
            assert complaint.sentence().isprintable()


@given(st.lists(st.tuples(st.sampled_from([key.name for key in KEYS if "." not in key.name]), st.text()), max_size=5))
def test_any_value_of_any_key_gives_a_spec_or_complaints(lines: list[tuple[str, str]]) -> None:
    """Odd text as the value of a known key raises nothing either."""
    text = SMALLEST + "".join(f"{name}: {json.dumps(value)}\n" for name, value in dict(lines).items())
    found = parse(text)
    assert isinstance(found, ServiceSpec) or all(complaint.sentence().isprintable() for complaint in found)
