"""What tools/setup does, tried with an interpreter that only writes down what it was asked."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_PYTHON = f"""#!/bin/sh
[ "$1" = -c ] && exec {sys.executable} "$@"
echo "$*" >> calls
[ -e broken ] && exit 3
[ "$2" = venv ] && mkdir -p .venv/bin && cp "$0" .venv/bin/python
exit 0
"""


class Checkout:
    """A folder with a lock and a project, and the calls that setup made in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tools").mkdir()
        shutil.copy(ROOT / "tools/setup", folder / "tools/setup")
        (folder / "requirements.lock").write_text("a==1 \\\n", encoding="utf-8")
        (folder / "pyproject.toml").write_text("", encoding="utf-8")
        self.python = folder / "python"
        self.python.write_text(_PYTHON, encoding="utf-8")
        self.python.chmod(0o755)
        (folder / "bin").mkdir()
        for tool in ("cat", "cmp", "cp", "dirname", "grep", "mkdir", "mv", "rm", "sh"):
            (folder / "bin" / tool).symlink_to(shutil.which(tool) or tool)

    def setup(self, python: str = "") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.folder / "bin"), "PYTHON": python or str(self.python)}
        command = [str(self.folder / "tools/setup")]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    def calls(self) -> list[str]:
        """The first words of each call since the last look."""
        path = self.folder / "calls"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [" ".join(word for word in line.split()[:3] if word != "--quiet") for line in lines]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


INSTALLS = ["-m pip install", "-m pip install"]


def test_the_second_run_does_nothing(checkout: Checkout) -> None:
    """The first run makes the environment and installs; the second calls nothing."""
    assert (0, ["-m venv --clear", *INSTALLS]) == (checkout.setup().returncode, checkout.calls())
    assert (0, []) == (checkout.setup().returncode, checkout.calls())


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_change_installs_again(checkout: Checkout, name: str) -> None:
    """A new lock or project installs into the environment that is there."""
    checkout.setup()
    checkout.calls()
    (checkout.folder / name).write_text("# another ==\n", encoding="utf-8")
    assert (0, INSTALLS) == (checkout.setup().returncode, checkout.calls())
    assert (0, []) == (checkout.setup().returncode, checkout.calls())


def test_what_was_cut_off_starts_afresh(checkout: Checkout) -> None:
    """After a run that failed half-way nothing is trusted, and the environment is made anew."""
    checkout.setup()
    checkout.calls()
    (checkout.folder / "requirements.lock").write_text("b==2 \\\n", encoding="utf-8")
    (checkout.folder / "broken").touch()
    shutil.copy(checkout.python, checkout.folder / ".venv/bin/python")
    assert (3, INSTALLS[:1]) == (checkout.setup().returncode, checkout.calls())
    (checkout.folder / "broken").unlink()
    assert (0, ["-m venv --clear", *INSTALLS]) == (checkout.setup().returncode, checkout.calls())


def test_no_fitting_python_says_what_to_do(checkout: Checkout) -> None:
    """Without a Python that fits nothing is made, and the message names the remedy."""
    ended = checkout.setup(python="/bin/false")
    assert (1, False) == (ended.returncode, (checkout.folder / ".venv").exists())
    assert "no Python 3.11, 3.12 or 3.13" in ended.stderr
    assert "PYTHON=" in ended.stderr
