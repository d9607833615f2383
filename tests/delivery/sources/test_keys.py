"""What needs a build and what is only policy."""

from dataclasses import fields

import pytest

from tests.delivery.sources.trees import FakeEntry, only, reading
from windlass.delivery.sources.keys import LfsPointer, lfs_pointer
from windlass.delivery.sources.types import DataSpec, FoundService, ServiceSpec

SPEC = """\
service: a
train: python train.py
data: {train: data/t.csv, holdout: data/h.csv, label: y}
gate: [auc >= 0.7]
rollout: {soak: 10s}
"""
FILES = {
    "windlass.yaml": "services: [m]\n",
    "m/windlass.yaml": SPEC,
    "m/train.py": "1",
    "m/data/t.csv": "1",
    "m/data/h.csv": "1",
    "m/README.md": "1",
    "lib/x.py": "1",
}


def found(changes: dict[str, str] | None = None, digests: dict[str, str] | None = None) -> FoundService:
    return only(reading({**FILES, **(changes or {})}, digests=digests))


BASE = found()


@pytest.mark.parametrize(
    "changes",
    [
        {"m/train.py": "2"},
        {"m/new.py": "1"},
        {"m/data/t.csv": "2"},
        {"m/requirements.txt": "numpy"},
        {"m/tests/test_a.py": "1"},
        {"m/windlass.yaml": SPEC.replace("python train.py", "python -u train.py")},
        {"m/windlass.yaml": SPEC + "params: {a: 1}\n"},
        {"m/windlass.yaml": SPEC + "env: {A: b}\n"},
        {"m/windlass.yaml": SPEC + 'python: "3.12"\n'},
        {"m/windlass.yaml": SPEC + "model: m:C\n"},
        {"m/windlass.yaml": SPEC + "test: pytest\n"},
        {"m/windlass.yaml": SPEC + "allow: [pickle]\n"},
        {"m/windlass.yaml": SPEC + "include: [../lib]\n"},
        {"m/windlass.yaml": SPEC.replace("label: y", "label: z")},
        {"m/windlass.yaml": SPEC.replace("label: y", "label: y, id: z")},
        {"m/windlass.yaml": SPEC.replace("label: y", "label: y, more: data/t.csv")},
    ],
)
def test_what_a_build_reads_changes_the_build_key_alone(changes: dict[str, str]) -> None:
    """A change of code, data or build fields gives another build key under the same policy."""
    changed = found(changes)
    assert BASE.build_key != changed.build_key
    assert BASE.policy == changed.policy


@pytest.mark.parametrize(
    "line",
    [
        SPEC.replace("0.7", "0.6"),
        SPEC.replace("soak: 10s", "soak: 20s"),
        SPEC + "replicas: 2\n",
        SPEC + "memory: 2Gi\n",
        SPEC + "timeout: 2s\n",
        SPEC + "idempotent: false\n",
        SPEC + "breaking: true\n",
        SPEC + "owner: b\n",
        SPEC + "timezone: Europe/Berlin\n",
        SPEC + 'freeze: ["fri 16:00..mon 08:00"]\n',
        SPEC.replace("label: y", "label: y, positive: 1"),
        SPEC.replace("label: y", "label: y, score: s"),
    ],
)
def test_policy_changes_the_policy_alone(line: str) -> None:
    """A new threshold, a rollout's pace, or a limit is in force without a build."""
    changed = found({"m/windlass.yaml": line})
    assert BASE.build_key == changed.build_key
    assert BASE.policy != changed.policy


@pytest.mark.parametrize(
    "changes",
    [
        {"m/README.md": "2"},
        {"m/docs/guide.rst": "1"},
        {"m/LICENSE": "1"},
        {"m/data/h.csv": "2"},
        {"m/windlass.yaml": "# a remark\n" + SPEC},
        {"m/windlass.yaml": SPEC.replace("soak: 10s", "soak: 10000ms")},
        {"m/windlass.yaml": SPEC.replace("data/t.csv", "./data//t.csv")},
        {"lib/x.py": "2"},
        {"mm/x.py": "1"},
        {"other.py": "1"},
    ],
)
def test_documents_the_holdout_and_remarks_change_nothing(changes: dict[str, str]) -> None:
    """Prose, the held-out rows, remarks, other spellings and other folders are neither built from nor policy."""
    changed = found(changes)
    assert (BASE.policy, BASE.build_key) == (changed.policy, changed.build_key)


def test_another_holdout_is_policy_and_the_old_one_becomes_data() -> None:
    """Moving the holdout is in force without a build, unless its rows become something that training can read."""
    changed = found({"m/windlass.yaml": SPEC.replace("data/h.csv", "/srv/h.csv")}, digests={"/srv/h.csv": "1"})
    assert BASE.policy != changed.policy
    assert BASE.build_key != changed.build_key
    files = {path: text for path, text in FILES.items() if path != "m/data/h.csv"}
    one, other = (
        only(reading({**files, "m/windlass.yaml": SPEC.replace("data/h.csv", place)}, digests={place: place}))
        for place in ("/a.csv", "/b.csv")
    )
    assert one.build_key == other.build_key


def test_included_files_are_built_from() -> None:
    """A change below an included folder builds again, and a file named twice counts once."""
    spec = {"m/windlass.yaml": SPEC + "include: [../lib]\n"}
    assert found(spec).build_key != found({**spec, "lib/x.py": "2"}).build_key
    file = {"m/windlass.yaml": SPEC + "include: [../lib/x.py]\n"}
    assert found(file).build_key != found({**file, "lib/x.py": "2"}).build_key
    assert found(file).build_key == found({**file, "lib/y.py": "1"}).build_key


def test_a_moved_folder_keeps_its_key() -> None:
    """Paths in the key are those seen from the service's folder."""
    moved = {path.replace("m/", "n/", 1): text for path, text in FILES.items()} | {"windlass.yaml": "services: [n]\n"}
    assert BASE.build_key == only(reading(moved)).build_key


def test_an_executable_file_is_another_file() -> None:
    """The mode of a file is part of what a build reads."""
    files = {path: text for path, text in FILES.items() if path != "m/train.py"}
    one, other = (only(reading(files, FakeEntry("m/train.py", kind=kind))) for kind in ("file", "executable"))
    assert one.build_key != other.build_key


def test_data_outside_the_commit_are_pinned_by_their_digest() -> None:
    """Other bytes at an absolute path, or at an ignored one, are another key."""
    for path, key in (("/srv/t.csv", "/srv/t.csv"), ("raw/t.csv", "m/raw/t.csv"), ("../raw/t.csv", "raw/t.csv")):
        spec = {"m/windlass.yaml": SPEC.replace("data/t.csv", path)}
        one, other = found(spec, {key: "1"}), found(spec, {key: "2"})
        assert one.build_key != other.build_key
        assert one.build_key == found(spec, {key: "1", "elsewhere": "3"}).build_key


def test_tracked_data_beside_the_folder_are_part_of_the_key() -> None:
    """A data set that is committed elsewhere, a file or a folder, is pinned by its content."""
    for path in ("../lib/x.py", "../lib/"):
        spec = {"m/windlass.yaml": SPEC.replace("data/t.csv", path)}
        assert found(spec).build_key != found({**spec, "lib/x.py": "2"}).build_key


def test_a_model_beside_the_folder_is_part_of_the_key() -> None:
    """An artifact is read by the build wherever it lies."""
    spec = {"m/windlass.yaml": "service: a\nartifact: ../lib/x.py\n"}
    assert found(spec).build_key != found({**spec, "lib/x.py": "2"}).build_key


def test_every_field_is_in_exactly_one_digest() -> None:
    """A new field of the spec is policy until somebody says that builds read it; none is forgotten."""
    built = {
        "service",
        "train",
        "artifact",
        "run",
        "pin",
        "model",
        "allow",
        "test",
        "python",
        "env",
        "include",
        "params",
        "data",
    }
    policy = {"owner", "timezone", "gate", "breaking", "rollout", "freeze", "replicas", "memory_bytes"}
    policy |= {"build_seconds_max", "timeout_seconds", "idempotent"}
    assert built | policy == {field.name for field in fields(ServiceSpec)}
    columns = {"entries", "label", "id", "unit", "time"} | {"holdout", "positive", "score"}
    assert columns == {field.name for field in fields(DataSpec)}


def test_lfs_pointers_are_told_from_files() -> None:
    """The pointer's digest and size are read; a file that only begins like one is a file."""
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 12345\n".encode()
    assert LfsPointer("ab" * 32, 12345) == lfs_pointer(text)
    assert lfs_pointer(text.replace(b"oid", b"ext-0-foo sha256:00\noid")) is not None
    for other in (b"", text[:-1], text + b"x", text + b" " * 1024, text.replace(b"sha256", b"sha1")):
        assert lfs_pointer(other) is None
