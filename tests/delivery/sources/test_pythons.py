"""Which Python a service runs on, and whether it brings packages of its own."""

import pytest

from tests.delivery.sources.trees import commit, fine, only, reading, told
from windlass.delivery.sources.pythons import LOCK_FILES, declares_packages, python_version
from windlass.delivery.sources.tree import wanted_from_tree
from windlass.delivery.sources.types import CommitTree, OurPython
from windlass.kernel.errors import UserMistake


def files(version: str, requires: str) -> dict[str, bytes]:
    project = f'[project]\nname = "x"\nrequires-python = "{requires}"\n'
    return {".python-version": version.encode(), "pyproject.toml": project.encode()}


@pytest.mark.parametrize(
    ("said", "ours", "version"),
    [
        (("", "", ""), "3.11", "3.11"),
        (("3.12", "", ""), "3.11", "3.12"),
        (("3.12.4", "3.13\n", ""), "3.11", "3.12"),
        (("", "# mine\n\n3.13.1\n", ""), "3.11", "3.13"),
        (("", "cpython-3.12\n", ""), "3.11", "3.12"),
        (("", "", ">=3.9"), "3.11", "3.11"),
        (("", "", ">=3.12"), "3.11", "3.13"),
        (("", "", "<3.13,>=3.11.4"), "3.13", "3.12"),
        (("", "", "==3.11.*"), "3.13", "3.11"),
    ],
)
def test_the_python_of_a_service(said: tuple[str, str, str], ours: str, version: str) -> None:
    """`python:` goes before `.python-version`, and that before `requires-python`, of which ours is the first choice."""
    wanted, file, requires = said
    assert version == python_version(files(file, requires), wanted, ours)
    assert ours == python_version({}, "", ours)


@pytest.mark.parametrize(
    ("wanted", "requires", "words"),
    [
        ("3.10", "", 'Python "3.10" is not supported; write one of 3.11, 3.12, 3.13'),
        ("pypy3", "", 'Python "pypy3" is not supported'),
        ("3.11", ">=3.12", "is not what requires-python in pyproject.toml allows"),
        ("", ">=3.14", "requires-python allows none of 3.11, 3.12, 3.13"),
        ("", "three", 'requires-python "three" cannot be read'),
    ],
)
def test_a_python_out_of_range_is_refused(wanted: str, requires: str, words: str) -> None:
    """A Python that we do not run on, or that the project's own words contradict, is refused."""
    with pytest.raises(UserMistake) as caught:
        python_version(files("", requires), wanted, "3.11")
    assert words in str(caught.value)


TOO_NEW = '[project]\nrequires-python = ">3.12"\n'
SPEC = "service: a\ntrain: python train.py\n"
PROJECT = '[project]\nname = "x"\ndependencies = ["numpy>=2"]\n'


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (
            {"m/.python-version": "2.7\n"},
            'm/.python-version: Python "2.7" is not supported; write one of 3.11, 3.12, 3.13',
        ),
        (
            {"m/pyproject.toml": '[project]\nrequires-python = ">=3.14"\n'},
            "m/pyproject.toml: requires-python allows none of 3.11, 3.12, 3.13; widen requires-python",
        ),
        ({"m/pyproject.toml": "[project\n"}, "m/pyproject.toml: it is no TOML: "),
        (
            {
                "m/windlass.yaml": SPEC + 'python: "3.11"\n',
                "m/pyproject.toml": TOO_NEW,
            },
            "m/windlass.yaml:3:9: python: Python 3.11 is not what requires-python in pyproject.toml allows",
        ),
    ],
)
def test_a_commit_that_no_python_fits_is_refused(more: dict[str, str], sentence: str) -> None:
    """What asks for a Python out of our range, in whichever file, is told with the commit and not first by a build."""
    found = reading({"windlass.yaml": "services: [m]\n", "m/windlass.yaml": SPEC, **more})
    (words,) = told(found)
    assert words.startswith(sentence) and not found.services


def key(ours: OurPython, more: dict[str, str]) -> str:
    tree = commit({"windlass.yaml": SPEC, "train.py": "1", **more})
    return only(wanted_from_tree(CommitTree(tree.entries, tree.files, ours=ours), fine)).build_key


@pytest.mark.parametrize(
    ("more", "by_python", "by_lock"),
    [
        ({}, True, True),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, True, True),
        ({"windlass.yaml": SPEC + 'python: "3.11"\n'}, True, True),
        ({"windlass.yaml": SPEC + 'python: "3.12"\n'}, True, False),
        ({"windlass.yaml": SPEC + 'python: "3.13"\n'}, False, False),
        ({"pyproject.toml": PROJECT}, True, False),
        *(({name: "numpy\n"}, True, False) for name in LOCK_FILES),
        ({".python-version": "3.13\n", "requirements.txt": "numpy\n"}, False, False),
    ],
)
def test_the_environment_is_part_of_the_build_key(more: dict[str, str], by_python: bool, by_lock: bool) -> None:
    """Another Python builds again what does not name its own, other packages of ours what runs in them, and another
    platform all."""
    base = OurPython("3.11", "linux-x86_64", "blake3:1")
    of = key(base, more)
    assert of == key(OurPython("3.11", "linux-x86_64", "blake3:1"), more)
    assert by_lock == (of != key(OurPython("3.11", "linux-x86_64", "blake3:2"), more))
    assert by_python == (of != key(OurPython("3.12", "linux-x86_64", "blake3:1"), more))
    assert of != key(OurPython("3.11", "linux-arm64", "blake3:1"), more)


def test_a_folder_of_the_root_is_not_a_services_own() -> None:
    """Only what lies beside the service's file speaks for it."""
    assert not declares_packages((), None)
    found = reading({"windlass.yaml": "services: [m]\n", "m/windlass.yaml": SPEC, ".python-version": "2.7\n"})
    assert "a" == only(found).name
