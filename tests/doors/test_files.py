"""Verbs that need no server: init, validate, plan, gate, on folders and repositories of their own."""

import json
import xml.etree.ElementTree
from pathlib import Path

import pygit2
import pytest

from tests.doors.conftest import Type

GOOD = """\
service: fraud
train: python train.py
data: {train: train.csv, holdout: holdout.csv, label: y}
gate:
  - roc_auc >= 0.70
"""


def committed(folder: Path, **files: str) -> pygit2.Repository:
    """A repository with one commit of these files, dots written as `__`."""
    repo = pygit2.init_repository(str(folder), initial_head="main")
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
        repo.index.add(name.replace("__", "."))
    repo.index.write()
    who = pygit2.Signature("Ann", "ann@example.org")
    repo.create_commit("HEAD", who, who, "First", repo.index.write_tree(), [])
    return repo


def good(folder: Path, spec: str = GOOD) -> pygit2.Repository:
    """A repository with a service that can be used."""
    return committed(folder, windlass__yaml=spec, train__py="print()", train__csv="y\n1\n", holdout__csv="y\n0\n")


def test_init_overwrites_nothing(typed: Type) -> None:
    """The example is complete and valid, what was there stays, nothing is committed, and a second init refuses."""
    Path("train.py").write_text("mine")
    ended = typed("init")
    assert (0, "mine") == (ended.code, Path("train.py").read_text())
    assert "kept  train.py, which was there" in ended.out and "wrote windlass.yaml" in ended.out
    assert "git init" in ended.err and "windlass up" in ended.err
    assert "service: folder" in Path("windlass.yaml").read_text()
    assert not Path(".git").exists()
    assert 0 == typed("validate").code
    again = typed("init")
    assert (2, "") == (again.code, again.out)
    assert 0 == typed("init below --service my-model -o json").code
    assert "service: my-model" in Path("below/windlass.yaml").read_text()


def test_a_further_service_is_listed_at_the_root(typed: Type) -> None:
    """Inside a repository no second one is begun: the folder is listed in the file at the root, and then it works."""
    root = Path.cwd()
    committed(root, lib__py="X = 1")
    first = typed("init models/fraud --service fraud").err
    assert "git init" not in first and f"cd {root}\n  echo 'services: [models/fraud]' > windlass.yaml" in first
    (root / "windlass.yaml").write_text("services: [models/fraud]\n")
    assert f"list this folder in {root}/windlass.yaml: services: [api]" in typed("init api").err
    (root / "windlass.yaml").write_text("services: [models/fraud, api]\n")
    assert "api, fraud: all is well" in typed("validate").err


def test_validate_says_all_that_is_wrong(typed: Type) -> None:
    """Every complaint comes at once, on stdout, with line and column, and the code is 2; as JSON they are items."""
    good(Path.cwd(), GOOD.replace("roc_auc", "roc_acu").replace("train:", "trian:", 1))
    ended = typed("validate")
    assert 2 == ended.code
    assert 'windlass.yaml:5:5: gate[0]: unknown metric "roc_acu"; did you mean "roc_auc"?' in ended.out
    assert "trian" in ended.out
    answer = json.loads(typed("validate -o json").out)
    assert (False, True) == (answer["valid"], len(answer["items"]) >= 2)
    assert {"where", "field", "what"} == set(answer["items"][0])
    assert ended.out == typed("validate windlass.yaml").out


def test_validate_sees_the_whole_repository(typed: Type) -> None:
    """In a repository the paths that a file names are looked for as well."""
    good(Path.cwd(), GOOD.replace("train.csv", "nowhere.csv"))
    assert "nowhere.csv" in typed("validate").out
    assert 0 == typed("validate windlass.yaml").code


@pytest.mark.parametrize(
    ("beside", "text", "words"),
    [
        (".python-version", "2.7\n", 'Python "2.7" is not supported; write one of 3.11, 3.12, 3.13'),
        (
            "pyproject.toml",
            '[project]\nrequires-python = ">=3.14"\n',
            "requires-python allows none of 3.11, 3.12, 3.13",
        ),
    ],
)
def test_a_python_out_of_range_is_told_before_a_build(typed: Type, beside: str, text: str, words: str) -> None:
    """`plan` and `validate` refuse it in whichever file it stands, in a repository, a folder and beside one file."""
    repository, folder = Path("repository"), Path("folder")
    for place in (repository, folder):
        place.mkdir()
        (place / "windlass.yaml").write_text(GOOD)
        (place / beside).write_text(text)
    good(repository)
    for line in ("validate repository", "validate folder", "validate folder/windlass.yaml"):
        ended = typed(line)
        assert 2 == ended.code and f"{beside}: {words}" in ended.out, line
    (folder / beside).unlink()
    assert 0 == typed("validate folder").code
    (folder / "windlass.yaml").write_text(GOOD + 'python: "3.11"\n')
    (folder / "pyproject.toml").write_text('[project]\nrequires-python = ">3.11.99"\n')
    assert "folder/windlass.yaml: python: Python 3.11 is not what requires-python" in typed("validate folder").out
    planned = typed("-C repository plan")
    assert 2 == planned.code and f"{beside}: {words}" in planned.out


def test_plan_shows_what_is_not_committed(typed: Type) -> None:
    """The working copy counts, its uncommitted changes are named, and without a control plane nothing is claimed."""
    good(Path.cwd())
    assert "uncommitted" not in typed("plan").out
    Path("train.py").write_text("print(1)")
    ended = typed("plan --rate 100/s --show-defaults")
    assert 0 == ended.code
    assert "with uncommitted changes, which are not delivered: train.py" in ended.out
    assert "the control plane does not run here" in ended.out
    assert "expected: 2 min at 100/s of traffic" in ended.out
    assert "An error-free canary moves on after about 555 requests." in ended.out
    assert (
        "ended after 60 min, or above 80 % of the machine's memory" in ended.out and "is started anew" not in ended.out
    )
    answer = json.loads(typed("plan -o json").out)
    assert (None, ["train.py"]) == (answer["changed"], answer["uncommitted"])
    Path("windlass.yaml").write_text("service: fraud\n")
    assert 2 == typed("plan").code


def test_plan_says_what_ends_a_build_and_where_nothing_forks(typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits in force are printed without being asked for, and so is a start of replicas that takes longer."""
    good(Path.cwd(), GOOD + "memory: 2Gi\nbuild_time: 90m\n")
    monkeypatch.setattr("windlass.adapters.processes.families.HAS_PROC", False)
    ended = typed("plan")
    assert "ended after 90 min, or above 2,048 Mi of memory" in ended.out
    assert "replicas    each is started anew and loads its libraries" in ended.out
    (item,) = json.loads(typed("plan -o json").out)["items"]
    limits = {"seconds": 5400.0, "memory_bytes": 2 << 30}
    assert (limits, {"forked": False}) == (item["build"]["limits"], item["replicas"])


def test_plan_and_sim_know_the_services_of_a_list(typed: Type) -> None:
    """`plan` of one service leaves out the others, and `sim` at a root that only lists names folders that are there."""
    root = Path.cwd()
    committed(root, lib__py="X = 1")
    typed("init models/fraud --service fraud")
    (root / "windlass.yaml").write_text("services: [models/fraud, nowhere, models/churn]\n")
    typed("init models/churn --service churn")
    both, one = (typed(f"plan {name} -o json") for name in ("", "fraud"))
    assert {"churn", "fraud"} == {item["service"] for item in json.loads(both.out)["items"]}
    assert ["fraud"] == [item["service"] for item in json.loads(one.out)["items"]]
    wrong = typed("plan nope")
    assert (2, True) == (wrong.code, "no service nope is in this working copy; known: churn, fraud" in wrong.err)
    listed = typed("sim")
    assert (2, True) == (listed.code, "`windlass sim models/fraud`, `windlass sim models/churn`" in listed.err)
    assert "nowhere" not in listed.err


@pytest.fixture
def answers(typed: Type) -> None:
    """Two files of predictions: in `good.csv` the scores follow the labels, in `bad.csv` they do not."""
    rows = [(number, number % 2) for number in range(400)]
    lines = [f"{number},{label},{0.1 + 0.8 * label + 0.0001 * number:.4f}" for number, label in rows]
    Path("good.csv").write_text("id,label,score\n" + "\n".join(lines) + "\n")
    lines = [f"{number},{label},{(number * 7919 % 400) / 400:.4f}" for number, label in rows]
    Path("bad.csv").write_text("id,label,score\n" + "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("line", "code", "word"),
    [
        ("--candidate good.csv --champion bad.csv", 0, "gate pass"),
        ("--candidate bad.csv --champion good.csv", 10, "gate fail"),
        ("--candidate good.csv", 11, "gate unsure"),
        ("--candidate good.csv --check 'roc_auc >= 0.9'", 0, "gate pass"),
        ("--candidate bad.csv --check 'roc_auc >= 0.9'", 10, "gate fail"),
        ("--candidate good.csv --check 'roc_ac >= 0.9'", 2, ""),
        ("--candidate nowhere.csv", 2, ""),
        ("--candidate good.csv --label truth", 2, ""),
    ],
)
@pytest.mark.usefixtures("answers")
def test_the_code_of_a_gate_is_its_verdict(line: str, code: int, word: str, typed: Type) -> None:
    """Pass, fail, unsure and no verdict have a code each, in text and in JSON alike; a failed gate is data."""
    ended = typed(f"gate {line}")
    assert (code, True) == (ended.code, word in ended.out), ended
    in_json = typed(f"gate {line} -o json")
    assert code == in_json.code
    if word:
        assert word == f"gate {json.loads(in_json.out)['verdict']}"
    else:
        assert "" == in_json.out and json.loads(in_json.err)["detail"]


@pytest.mark.usefixtures("answers")
def test_a_gate_in_other_forms(typed: Type) -> None:
    """JUnit is XML in which the failed check failed; Markdown is a table; without a ledger that is said."""
    suite = xml.etree.ElementTree.fromstring(typed("gate --candidate bad.csv --champion good.csv -o junit").out)
    assert ("1", "1") == (suite.get("tests"), suite.get("failures"))
    ended = typed("gate --candidate bad.csv --champion good.csv -o markdown")
    assert ended.out.startswith("### Gate of bad: fail") and "no ledger was kept" in ended.err


@pytest.mark.usefixtures("answers")
def test_a_ledger_counts(typed: Type) -> None:
    """With --ledger the looks at the same rows add up; the same candidate again is no new look."""
    for candidate, left in (("good", 19), ("bad", 18), ("good", 18)):
        ended = typed(f"gate --candidate {candidate}.csv --check 'roc_auc >= 0.6' --ledger ledger.json -o json")
        answer = json.loads(ended.out)
        assert (left, "") == (20 - max(json.loads(Path("ledger.json").read_text())["asked"].values()), ended.err)
        assert answer["query"] in (1, 2)
    Path("ledger.json").write_text("{")
    assert 2 == typed("gate --candidate good.csv --check 'roc_auc >= 0.6' --ledger ledger.json").code
