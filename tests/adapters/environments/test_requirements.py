"""What a folder says about packages and Python is read as it stands, or refused with what to write."""

from pathlib import Path

import pytest

from windlass.adapters.environments.requirements import declared, python_version
from windlass.kernel.errors import UserMistake


def write(folder: Path, **files: str) -> str:
    for name, text in files.items():
        (folder / name.replace("__", ".").replace("_at_", "/")).write_text(text)
    return str(folder)


PROJECT = '[project]\nname = "x"\ndependencies = ["numpy>=2", "pandas"]\n'


@pytest.mark.parametrize(
    ("files", "name", "text"),
    [
        ({}, "", ""),
        ({"requirements__txt": "a\n"}, "requirements.txt", "a\n"),
        ({"requirements__txt": "a\n", "requirements__lock": "a==1\n"}, "requirements.lock", "a==1\n"),
        ({"pyproject__toml": PROJECT}, "pyproject.toml", "numpy>=2\npandas\n"),
        ({"pyproject__toml": PROJECT, "requirements__txt": "a\n"}, "requirements.txt", "a\n"),
        ({"pyproject__toml": "[tool.ruff]\nline-length = 100\n"}, "", ""),
        ({"pyproject__toml": PROJECT, "uv__lock": "version = 1\n"}, "uv.lock", ""),
    ],
)
def test_one_file_decides(tmp_path: Path, files: dict[str, str], name: str, text: str) -> None:
    """The most exact of the files decides, and the others are left alone."""
    found = declared(write(tmp_path, **files))
    assert (name, text) == (found.name, found.text)
    assert bool(name) == bool(found.files)


def test_a_standard_lock_is_read(tmp_path: Path) -> None:
    """A lock after PEP 751 becomes requirements with hashes and markers."""
    lock = (
        'lock-version = "1.0"\n[[packages]]\nname = "a"\nversion = "1.0"\nmarker = "sys_platform == \'linux\'"\n'
        '[[packages.wheels]]\nname = "a.whl"\nhashes = {sha256 = "11"}\n'
        '[packages.sdist]\nname = "a.tar.gz"\nhashes = {sha256 = "22"}\n'
    )
    found = declared(write(tmp_path, pylock__toml=lock))
    assert "a==1.0 ; sys_platform == 'linux' --hash=sha256:11 --hash=sha256:22\n" == found.text
    assert found.is_hashed


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"poetry__lock": ""}, "poetry export"),
        ({"Pipfile": ""}, "pipenv requirements"),
        ({"environment__yml": ""}, "requirements.txt"),
        ({"pyproject__toml": "[tool.poetry.dependencies]\na = '1'\n"}, "poetry export"),
        ({"pyproject__toml": '[project]\nname = "x"\ndynamic = ["dependencies"]\n'}, "are dynamic"),
        ({"pyproject__toml": "[project\n"}, "it is no TOML"),
        ({"uv__lock": "version = 1\n"}, "no pyproject.toml beside it"),
        ({"pylock__toml": '[[packages]]\nname = "a"\n'}, "locked to no version"),
        ({"requirements__txt": "-e .\n"}, "points to a folder"),
        ({"requirements__txt": "./lib\n"}, "points to a folder"),
        ({"requirements__txt": "a @ file:///x\n"}, "points to a folder"),
        ({"requirements__txt": "-r ../more.txt\n"}, "not in the service's folder"),
        ({"requirements__txt": "-c gone.txt\n"}, "not in the service's folder"),
        ({"pyproject__toml": '[project]\nname = "x"\ndependencies = ["a @ file:///x"]\n'}, "points to a folder"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, files: dict[str, str], words: str) -> None:
    """Requirements that are not understood are refused with what to write, never ignored."""
    with pytest.raises(UserMistake) as caught:
        declared(write(tmp_path, **files))
    assert words in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A requirements file that is not UTF-8 is refused by name."""
    (tmp_path / "requirements.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(UserMistake, match=r"requirements\.txt: it is not UTF-8"):
        declared(str(tmp_path))


def test_includes_may_include_each_other(tmp_path: Path) -> None:
    """Files that include each other are each read once, and a change in one of them is a change."""
    write(
        tmp_path, requirements__txt="--requirement=b.txt\n", b__txt="-r requirements.txt # again\n-cc.txt\n", c__txt=""
    )
    assert ["requirements.txt", "b.txt", "c.txt"] == [name for name, _ in declared(str(tmp_path)).files]


def test_the_python_that_a_folder_asks_for(tmp_path: Path) -> None:
    """The files of a folder are read where they are there; `delivery/sources/pythons.py` says what they mean."""
    assert "3.12" == python_version(str(tmp_path), "", "3.12")
    write(tmp_path, pyproject__toml='[project]\nrequires-python = "<3.13,>=3.11.4"\n')
    assert "3.12" == python_version(str(tmp_path), "", "3.13")
    (tmp_path / ".python-version").write_text("3.11\n")
    assert "3.11" == python_version(str(tmp_path), "", "3.13")
    (tmp_path / ".python-version").write_text("2.7\n")
    with pytest.raises(UserMistake, match=r'\.python-version: Python "2\.7" is not supported'):
        python_version(str(tmp_path), "", "3.13")
