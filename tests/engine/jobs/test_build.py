"""A commit becomes a release, or it is said whose fault it is and what to do."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.adapters.environments.wheels import make_wheel
from tests.engine.jobs.scene import CLASS, DATA, FILES, LIGHT, SKLEARN, SKLEARN_FILES, SPEC, TRAIN, Scene, table
from windlass.adapters.environments.interpreters import OUR_PYTHON, PLATFORM, our_lock
from windlass.delivery.sources.types import DataSpec, ServiceSpec
from windlass.engine.jobs.checkouts import BuildJob, BuildRequest, Checkout, Data
from windlass.engine.jobs.signatures import sample_table
from windlass.engine.jobs.types import JobWork
from windlass.kernel.digests import Digest
from windlass.kernel.records import to_json
from windlass.ports.environments import Environment

LISTS = "import os\nfor path, _, names in sorted(os.walk('.')): print('has', path, sorted(names))\n"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_commit_becomes_a_release(scene: Scene) -> None:
    """A training script's model becomes a release that holds the model, its environment, its signature and how to run
    it, and nothing of the commit besides; its provenance says what it learned from.
    """
    result = scene.build(scene.commit(SKLEARN_FILES), SKLEARN)
    files = scene.files(result.release)
    environment = ["env/lock.txt", "env/platform.txt", "env/python.txt"]
    assert [*environment, "model/model.skops", "run.json", "signature.json"] == sorted(files)
    assert (f"{OUR_PYTHON}\n", f"{PLATFORM}\n") == (
        files["env/python.txt"].decode(),
        files["env/platform.txt"].decode(),
    )
    assert our_lock() == files["env/lock.txt"].decode()
    run = {"format": "skops", "model": "model/model.skops", "target": "", "allow": [], "env": {}}
    assert run == json.loads(files["run.json"])
    assert json.loads(files["signature.json"]) == result.body["signature"]
    assert ["age", "visits"] == [column["name"] for column in result.body["signature"]["columns"]]
    assert "skops" == result.body["format"]
    assert sum(map(len, files.values())) < result.body["size_bytes"]

    provenance = result.provenance
    assert 200 == provenance["data"]["train"]["rows"]
    assert (50, 0) == (provenance["holdout"]["rows"], provenance["overlap"]["shared"])
    assert ("id", False) == (provenance["overlap"]["by"], provenance["overlap"]["refuse"])
    assert "python train.py" == provenance["train"]["line"]
    assert "windlass.yaml" == provenance["file"]["path"]
    committed = asyncio.run(scene.artifacts.read(provenance["file"]["committed"]))
    assert SKLEARN_FILES["windlass.yaml"] == committed.decode()
    assert to_json(SKLEARN) == scene.blob(provenance["file"]["filled"])
    sample = scene.blob(provenance["sample"]["rows"])
    assert 20 == len(sample["rows"]) == len(sample["predictions"]) == len(sample["probabilities"])
    assert {"age", "visits"} == set(sample["rows"][0])
    assert "$ python train.py\ntrained on 200 rows\n" in result.log


def test_training_twice_gives_the_same_release(scene: Scene) -> None:
    """A commit that changes nothing that the model is made of leads to the very same release; so does the model itself,
    committed as an artifact."""
    first = scene.build(scene.commit(SKLEARN_FILES), SKLEARN).release
    second = scene.commit({"README.md": "# changed\n", "train.py": TRAIN + "# the same\n"})
    assert first == scene.build(second, SKLEARN).release
    model = scene.files(first)["model/model.skops"]
    third = scene.commit({"saved/model.skops": model})
    assert first == scene.build(third, replace(SKLEARN, train="", artifact="saved/model.skops")).release


def test_the_holdout_is_not_there(scene: Scene) -> None:
    """The training sees neither the holdout nor its path, nor documents and windlass.yaml, which start no build."""
    files = {**FILES, "look.py": LISTS + "print(dict(os.environ))\nexec(open('train.py').read())\n"}
    result = scene.build(scene.commit(files), replace(SPEC, train="python look.py"))
    assert "has ./data ['train.csv']" in result.log
    assert "has . ['look.py', 'model.py', 'train.py']" in result.log
    assert "WINDLASS_DATA_TRAIN" in result.log and "WINDLASS_SEED" in result.log
    assert "holdout.csv" not in result.log
    assert "done" == result.state


@pytest.mark.parametrize(("env", "policy"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
def test_threads_of_a_training_do_not_spin(scene: Scene, env: dict[str, str], policy: str) -> None:
    """A build has a low priority, where threads that spin for each other hardly get on; `env:` has the last word."""
    script = "import os\nprint('waits', os.environ['OMP_WAIT_POLICY'])\n" + LIGHT
    result = scene.build(scene.commit({**FILES, "train.py": script}), replace(SPEC, env=env))
    assert f"waits {policy}" in result.log


def test_other_services_are_not_there(scene: Scene) -> None:
    """A service in a folder sees that folder and what it includes, and nothing else of the commit."""
    data = replace(DATA, entries={"train": "../../data/train.csv"}, holdout="../../data/holdout.csv")
    spec = replace(SPEC, train="python look.py", data=data, include=("../../lib",))
    mine = {
        "models/visits/look.py": LISTS.replace("'.'", "'../..'") + LIGHT,
        "models/visits/model.py": CLASS,
        "models/visits/windlass.yaml": FILES["windlass.yaml"],
        "lib/tools.py": "",
        "other/x.py": "",
    }
    result = scene.build(scene.commit({**FILES, **mine}), spec, "models/visits")
    assert "done" == result.state, result.words
    assert "has ../.. []" in result.log
    assert "has ../../data ['train.csv']" in result.log and "has ../../lib ['tools.py']" in result.log
    assert "other" not in result.log
    code = [name for name in scene.files(result.release) if name.startswith("code/")]
    assert ["code/lib/tools.py", "code/look.py", "code/model.py"] == code


def test_ignored_data_come_from_the_working_copy(scene: Scene) -> None:
    """Data that Git ignores are copied from the watched folder, pinned by their digest and without the holdout; the
    training cannot change the original."""
    script = LIGHT + "p = pathlib.Path('data/train.csv'); p.chmod(0o644); p.unlink(); p.write_text(table)\n"
    files = {**FILES, ".gitignore": "data/\n", "train.py": "table = open('data/train.csv').read()\n" + script}
    result = scene.build(scene.commit(files), replace(SPEC, data=replace(DATA, entries={"train": "data/train.csv"})))
    assert 200 == result.provenance["data"]["train"]["rows"]
    assert FILES["data/train.csv"] == (scene.repository / "data/train.csv").read_text()

    folder = replace(SPEC, train="python look.py", data=replace(DATA, entries={"all": "data"}))
    looked = scene.build(scene.commit({"look.py": LISTS}), folder)
    assert "has ./data ['train.csv']" in looked.log


def test_data_elsewhere_on_the_machine(scene: Scene, tmp_path: Path) -> None:
    """An absolute path is read where it lies, and data that change while the build runs are an error."""
    outside = tmp_path / "outside.csv"
    outside.write_text(table(100, 3))
    spec = replace(SPEC, data=replace(DATA, entries={"train": str(outside)}))
    assert 100 == scene.build(scene.commit(), spec).provenance["data"]["train"]["rows"]
    changing = LIGHT + "open(os.environ['WINDLASS_DATA_TRAIN'], 'a').write('x,1,1,1\\n')\n"
    result = scene.build(scene.commit({"train.py": changing}), spec)
    assert ("failed", "user") == (result.state, result.trouble)
    assert "data.train: changed while the build ran" in result.words


def test_data_are_those_of_the_build_key(scene: Scene, tmp_path: Path) -> None:
    """Data that changed between the commit and its build are refused before anything runs, and the words say what to
    do: a release from them would be found again under the key of the old ones."""
    for place in (str(tmp_path / "outside.csv"), "raw/ignored.csv"):
        (scene.repository / place).parent.mkdir(exist_ok=True)
        (scene.repository / place).write_text(table(100, 3))
        spec = replace(SPEC, data=replace(DATA, entries={"train": place}))
        commit = scene.commit({**FILES, ".gitignore": "raw/\n"})
        pinned = asyncio.run(scene.ports.machine.digest(str(scene.repository / place)))
        built = scene.build(commit, spec, data={"data.train": pinned})
        assert pinned == built.provenance["data"]["train"]["digest"]
        (scene.repository / place).write_text(table(100, 4))
        result = scene.build(commit, spec, data={"data.train": pinned})
        assert ("failed", "user") == (result.state, result.trouble)
        assert "data.train: changed after the commit was read; `windlass retry` builds with what lies" in result.words
        assert "" == result.log


def test_data_that_are_nowhere(scene: Scene) -> None:
    """Data that are neither in the commit nor beside it are named."""
    result = scene.build(scene.commit(), replace(SPEC, data=replace(DATA, entries={"train": "data/gone.csv"})))
    assert ("failed", "user") == (result.state, result.trouble)
    assert "data.train: data/gone.csv is neither in the commit nor beside it" in result.words


def test_shared_rows_are_counted(scene: Scene) -> None:
    """Held-out rows that the training data hold too are counted, and the gate is told to refuse."""
    leaked = FILES["data/train.csv"] + "".join(FILES["data/holdout.csv"].splitlines(keepends=True)[1:4])
    overlap = scene.build(scene.commit({**FILES, "data/train.csv": leaked})).provenance["overlap"]
    assert (3, True) == (overlap["shared"], overlap["refuse"])
    assert "3 of 50 held-out rows are in the training data (by key)" == overlap["sentence"]


def test_without_training_data_the_columns_come_from_the_holdout(scene: Scene) -> None:
    """Without declared training data the signature comes from the holdout, whose label the model never meets."""
    holdout = DataSpec({}, "data/holdout.csv", label="ill", id="key")
    script = LIGHT.replace('os.environ["WINDLASS_DATA_TRAIN"]', '"data/train.csv"')
    result = scene.build(scene.commit({**FILES, "train.py": script}), replace(SPEC, data=holdout))
    assert ["age", "visits"] == [column["name"] for column in result.body["signature"]["columns"]]
    assert "overlap" not in result.provenance and {} == result.provenance["data"]


DOUBLES = """
import tools
class Model:
    def predict(self, rows: list) -> list:
        open("written-by-the-model", "w").close()
        return [tools.double(row["age"]) for row in rows]
"""


def test_a_python_class_becomes_a_release(scene: Scene) -> None:
    """A class of the service is released with the service's modules and what it includes, and nothing that its code
    wrote while it was loaded.
    """
    files = {**FILES, "model.py": DOUBLES, "tools.py": "def double(x): return 2 * x\n", "words.txt": "a\n"}
    spec = replace(SPEC, train="", include=("words.txt",))
    result = scene.build(scene.commit(files), spec)
    held = scene.files(result.release)
    code = ["code/model.py", "code/tools.py", "code/train.py", "code/words.txt"]
    assert [*code, "env/lock.txt", "env/platform.txt", "env/python.txt", "run.json", "signature.json"] == sorted(held)
    assert "model:Model" == json.loads(held["run.json"])["target"]
    sample = scene.blob(result.provenance["sample"]["rows"])
    assert [2 * row["age"] for row in sample["rows"]] == sample["predictions"]


def test_a_service_with_requirements_has_its_own_environment(scene: Scene, tmp_path: Path) -> None:
    """Training, tests and model run in the environment of the service's own requirements, and the release names it."""
    make_wheel(tmp_path / "wheels", "tools", "1.5", {"tools.py": "def double(x): return 2 * x\n"})
    requirements = f"--no-index\n--find-links {tmp_path}/wheels\ntools\n"
    files = {**FILES, "model.py": DOUBLES, "requirements.txt": requirements}
    spec = replace(SPEC, train="", test="python -c 'import tools'")
    result = scene.build(scene.commit(files), spec)
    held = scene.files(result.release)
    assert b"tools==1.5\n" == held["env/lock.txt"]
    sample = scene.blob(result.provenance["sample"]["rows"])
    assert [2 * row["age"] for row in sample["rows"]] == sample["predictions"]


def test_a_parquet_table_is_read_everywhere(scene: Scene, tmp_path: Path) -> None:
    """A table in Parquet says what the model takes also where the model's environment cannot read Parquet."""
    tables = scene.ports.tables
    (tmp_path / "table.csv").write_text(FILES["data/train.csv"])
    tables.write(str(tmp_path / "train.parquet"), tables.read(str(tmp_path / "table.csv")))
    work = JobWork("", scene.request("0", SPEC), str(tmp_path), "", lambda words: None)
    job = BuildJob(BuildRequest("", "", "", SPEC, ""), work, scene.ports)
    checkout = Checkout(tmp_path, tmp_path, (), {"data.train": Data(tmp_path / "train.parquet", "")})
    with_pyarrow = Environment(Digest(""), "", "pyarrow==25.0.1\n", "")
    assert tmp_path / "train.parquet" == sample_table(checkout, None, with_pyarrow, job)
    converted = sample_table(checkout, None, replace(with_pyarrow, lock="numpy==2.4.6\n"), job)
    assert converted is not None
    rows = json.loads(converted.read_text())
    assert (200, {"age", "visits"}) == (len(rows), set(rows[0]))
    nothing = replace(checkout, data={})
    assert sample_table(nothing, None, with_pyarrow, job) is None


def test_an_artifact_must_be_a_file(scene: Scene) -> None:
    """An artifact that is a folder is refused by its place."""
    result = scene.build(scene.commit(), replace(SPEC, train="", model="", artifact="data"))
    assert ("failed", "user") == (result.state, result.trouble)
    assert "data: is no file; name the model's file" in result.words


PICKLES = """
import os, pathlib, pickle
from own import Middle

pickle.dump(Middle(), open(pathlib.Path(os.environ["WINDLASS_OUTPUT"], "model.skops"), "wb"))
"""
OWN = "class Middle:\n    def predict(self, rows):\n        return (rows[:, 0] > 50).astype(int)\n"


def test_a_pickle_must_be_allowed(scene: Scene) -> None:
    """A pickle is refused whatever it is called, with the lines to write instead; where it is allowed it is released
    with the service's modules, from which its classes come.
    """
    commit = scene.commit({**FILES, "train.py": PICKLES, "own.py": OWN})
    refused = scene.build(commit, replace(SPEC, model=""))
    assert ("failed", "user") == (refused.state, refused.trouble)
    assert "model.skops: is a pickle" in refused.words
    assert "skops.io.dump(model" in refused.words and "allow: [pickle]" in refused.words
    held = scene.files(scene.build(commit, replace(SPEC, model="", allow=("pickle",))).release)
    run = {"format": "pickle", "model": "model/model.skops", "target": "", "allow": ["pickle"], "env": {}}
    assert run == json.loads(held["run.json"])
    assert OWN.encode() == held["code/own.py"]


def test_no_model_and_two_models(scene: Scene) -> None:
    """A training that leaves no model, or more than one, is told what was found."""
    empty = scene.build(scene.commit({**FILES, "train.py": "print('done')\n"}), SKLEARN)
    assert "the output holds no model; it is empty" in empty.words
    two = "import os, pathlib\nfor name in 'ab': pathlib.Path(os.environ['WINDLASS_OUTPUT'], name + '.skops').touch()\n"
    found = scene.build(scene.commit({"train.py": two}), SKLEARN)
    assert "the output holds 2 models: a.skops, b.skops; name the right one as model:" in found.words


def test_a_model_in_the_folder_model(scene: Scene) -> None:
    """A script that knows nothing of Windlass may leave its model in ./model."""
    script = LIGHT.replace('os.environ["WINDLASS_OUTPUT"], "ages.json"', '"model/ages.json"')
    result = scene.build(scene.commit({**FILES, "train.py": script, "model/notes.txt": "x"}))
    held = scene.files(result.release)
    assert "model/ages.json" in held and "model/notes.txt" not in held


def test_a_failing_script_shows_its_last_lines(scene: Scene) -> None:
    """A training that fails is the user's; the words hold its exit code, its last lines and what usually helps."""
    result = scene.build(scene.commit({**FILES, "train.py": "import no_such_module\n"}))
    assert ("failed", "user") == (result.state, result.trouble)
    assert "train: it ended with exit code 1; its last lines:" in result.words
    assert "ModuleNotFoundError: No module named 'no_such_module'" in result.words
    assert "add the missing package to the service's requirements" in result.words
    seeks = scene.build(scene.commit({"train.py": "open('data/holdout.csv')\n"}))
    assert "never the holdout" in seeks.words


def test_a_failing_test_is_no_release(scene: Scene) -> None:
    """`test:` runs after the training, sees its output, and a build whose test fails is none."""
    spec = replace(SPEC, test='ls "$WINDLASS_OUTPUT" && exit 3')
    result = scene.build(scene.commit(), spec)
    assert ("failed", "user") == (result.state, result.trouble)
    assert "test: it ended with exit code 3; its last lines:\n  ages.json" in result.words


def test_a_model_that_cannot_predict_is_no_release(scene: Scene) -> None:
    """A model that fails on its own training rows is refused with the model's words."""
    files = {**FILES, "model.py": "class Model:\n    def predict(self, rows):\n        raise KeyError('sex')\n"}
    result = scene.build(scene.commit(files), replace(SPEC, train=""))
    assert ("failed", "user") == (result.state, result.trouble)
    assert "the model raised KeyError: 'sex'; predict was called with a dict of column arrays; annotate" in result.words


def test_secrets_reach_the_training_and_not_the_log(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """`env:` hands over values, variables and files; referenced values are in no log, and provenance has the names
    only.
    """
    secret = scene.repository.parent / "secret"
    secret.write_text("from-a-file\n")
    monkeypatch.setenv("MY_TOKEN", "from-a-variable")
    env = {"PLAIN": "as-written", "TOKEN": "env:MY_TOKEN", "FILED": f"file:{secret}", "N": "1"}
    script = LIGHT + "hoped = {'TOKEN': 'from-a-' + 'variable', 'FILED': 'from-a-' + 'file'}\n"
    script += "print([os.environ[name] == value for name, value in hoped.items()])\n"
    script += "print(os.environ['TOKEN'], os.environ['FILED'], os.environ['N'], 'MY_TOKEN' in os.environ)\n"
    result = scene.build(scene.commit({**FILES, "train.py": script}), replace(SPEC, env=env))
    assert "[True, True]\n*** *** 1 False\n" in result.log
    assert ["FILED", "N", "PLAIN", "TOKEN"] == result.provenance["env"]
    assert env == json.loads(scene.files(result.release)["run.json"])["env"]
    lying = {path: path.read_bytes() for path in scene.home.rglob("*") if path.is_file()}
    assert [] == [path for path, data in lying.items() if b"from-a-variable" in data or b"from-a-file" in data]


@pytest.mark.parametrize(
    ("value", "words"),
    [("env:NO_SUCH_VARIABLE_HERE", "the variable is not set"), ("file:/no/such/file", "/no/such/file cannot be read")],
)
def test_secrets_that_are_not_there(scene: Scene, value: str, words: str) -> None:
    """A secret that is missing fails the build before anything runs, by the name of its key."""
    result = scene.build(scene.commit(), replace(SPEC, env={"TOKEN": value}))
    assert ("failed", "user") == (result.state, result.trouble)
    assert "env.TOKEN: " + words in result.words


def test_limits_end_a_build(scene: Scene) -> None:
    """A build that runs too long or holds too much memory ends with trouble `limit`, which is not tried again."""
    commit = scene.commit({**FILES, "train.py": "import time\ntime.sleep(1000)\n"})
    slow = scene.build(commit, seconds_max=4.0)
    assert ("failed", "limit") == (slow.state, slow.trouble)
    assert "the build ran longer than its limit of 4 s and was ended" == slow.words
    greedy = "import time\nx = bytearray(1) * (300 << 20)\ntime.sleep(1000)\n"
    large = scene.build(scene.commit({"train.py": greedy}), memory_bytes_max=200 << 20)
    assert ("failed", "limit") == (large.state, large.trouble)
    assert "train: it held more memory than its limit of 200 Mi" in large.words and "memory:" in large.words


def test_apps_are_not_built_yet(scene: Scene) -> None:
    """`run:` is refused as not built yet, never ignored."""
    result = scene.build(scene.commit(), ServiceSpec("visits", run="python app.py"))
    assert ("failed", "user") == (result.state, result.trouble)
    assert "run:: is not built yet; write train: or artifact:" == result.words


def test_a_commit_that_is_gone(scene: Scene) -> None:
    """A commit that the repository does not hold is the world's fault and is tried again."""
    scene.commit()
    result = scene.build("0" * 40)
    assert ("failed", "network") == (result.state, result.trouble)
