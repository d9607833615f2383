"""Environments are made from a service's own requirements, kept, found again, and never half there."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.adapters.environments.wheels import make_wheel
from windlass.adapters.environments import LocalEnvironments, interpreters, overlays
from windlass.adapters.environments.installers import Installers, installer_env
from windlass.adapters.environments.interpreters import OUR_PYTHON, PLATFORM, our_lock
from windlass.adapters.machine import LocalMachine
from windlass.adapters.processes.local import LocalProcesses
from windlass.delivery.builds.keys import environment_digest
from windlass.delivery.sources.types import OurPython
from windlass.kernel.digests import digest_of
from windlass.kernel.errors import Unavailable, UserMistake
from windlass.ports.environments import Environment

GREETING = {"greeting.py": "def main():\n    print('hello')\n"}


class Place:
    """A store, a service's folder and a folder of wheels."""

    def __init__(self, root: Path) -> None:
        self.store = root / "store"
        self.service = root / "service"
        self.wheels = root / "wheels"
        self.log = root / "log.txt"
        for folder in (self.service, self.wheels):
            folder.mkdir()
        make_wheel(self.wheels, "greeting", "1.0", GREETING, "greet = greeting:main")
        self.environments = LocalEnvironments(str(self.store), LocalProcesses())

    def require(self, *lines: str, name: str = "requirements.txt") -> None:
        text = "\n".join(["--no-index", f"--find-links {self.wheels}", *lines])
        (self.service / name).write_text(text + "\n")

    def prepare(self, python: str = "") -> Environment:
        return asyncio.run(self.environments.prepare(str(self.service), python, str(self.log)))

    def made(self) -> list[str]:
        folder = self.store / "environments"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "WINDLASS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # without uv: it has its own test of arguments
    return Place(tmp_path)


def output(argv: tuple[str, ...], folder: Path) -> str:
    return subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_without_requirements_it_is_ours(place: Place) -> None:
    """A service without requirements runs on our own interpreter, with the packages that are installed there."""
    environment = place.prepare()
    assert (sys.executable, "", OUR_PYTHON) == (environment.python, environment.overlay, environment.python_version)
    names = [line.partition("==")[0] for line in environment.lock.splitlines()]
    assert "numpy" in names and "windlass" not in names and environment.lock == our_lock()
    seen = OurPython(environment.python_version, PLATFORM, digest_of(environment.lock.encode()))
    assert seen == LocalMachine(str(place.store)).python()
    assert environment == asyncio.run(place.environments.locate(environment.digest))
    assert [] == place.made()
    assert (sys.executable, "-P", "-m", "json.tool", "x") == environment.argv("json.tool", "x")


def test_requirements_become_an_environment(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service's requirements, and nothing of ours, are in its environment; equal requirements find it again without
    installing; when it is gone or was cut short, a release's own lock makes the very same one."""
    place.require("greeting >= 0.5")
    environment = place.prepare()
    assert "greeting==1.0\n" == environment.lock
    assert environment_digest(OUR_PYTHON, PLATFORM, "greeting==1.0\n") == environment.digest
    assert "hello\n" == output((environment.python, "-c", "import greeting; greeting.main()"), place.service)
    assert "hello\n" == output((f"{Path(environment.python).parent}/greet",), place.service)
    assert 1 == subprocess.run([environment.python, "-c", "import numpy"], capture_output=True, check=False).returncode

    wheels = place.wheels.rename(place.wheels.with_name("elsewhere"))
    again = LocalEnvironments(str(place.store), LocalProcesses())
    assert environment == asyncio.run(again.prepare(str(place.service), "", str(place.log)))
    assert environment == asyncio.run(again.restore(environment.lock, OUR_PYTHON, str(place.log)))

    (Path(environment.python).parent.parent / "environment.json").unlink()
    assert asyncio.run(again.locate(environment.digest)) is None
    shutil.rmtree(place.store / "environments")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert environment == asyncio.run(again.restore(environment.lock, OUR_PYTHON, str(place.log)))


def test_other_requirements_are_another_environment(place: Place) -> None:
    """A changed requirement, or a fresh resolution of the same one, finds what there is now."""
    place.require("greeting")
    first = place.prepare()
    make_wheel(place.wheels, "greeting", "2.0", GREETING)
    assert "greeting==1.0\n" == place.prepare().lock
    fresh = asyncio.run(place.environments.prepare(str(place.service), "", str(place.log), fresh=True))
    assert "greeting==2.0\n" == fresh.lock == place.prepare().lock
    assert 2 == len(place.made())
    assert first == asyncio.run(place.environments.locate(first.digest))


def test_what_cannot_be_met_is_the_users(place: Place) -> None:
    """A package that does not exist is named, and nothing is left behind."""
    place.require("no-such-thing == 3")
    with pytest.raises(UserMistake, match="No matching distribution found for no-such-thing==3"):
        place.prepare()
    assert [] == place.made()
    assert "no-such-thing" in place.log.read_text()


def test_a_silent_index_is_the_networks(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that does not answer is trouble with the network, which is tried again."""
    (place.service / "requirements.txt").write_text("greeting\n")
    for name, value in {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1", "PIP_TIMEOUT": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Unavailable) as caught:
        place.prepare()
    assert "network" == caught.value.code


def test_offline_names_what_is_missing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """With WINDLASS_OFFLINE nothing is fetched, and what is missing is named."""
    monkeypatch.setenv("WINDLASS_OFFLINE", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(place.wheels))
    (place.service / "requirements.txt").write_text("greeting\nno-such-thing\n")
    with pytest.raises(UserMistake, match="WINDLASS_OFFLINE is set and no-such-thing is not on this machine"):
        place.prepare()


def test_hashes_are_checked(place: Place) -> None:
    """Requirements with hashes accept no other bytes."""
    place.require(f"greeting==1.0 --hash=sha256:{'0' * 64}", name="requirements.lock")
    with pytest.raises(UserMistake, match="cannot be installed"):
        place.prepare()


def test_our_server_lies_behind_the_users_packages(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The overlay gives an environment our package and what it imports; the user's version of a package wins. After an
    upgrade of ours that cannot make its overlay, what was made before still serves."""
    make_wheel(place.wheels, "click", "99.0", {"click.py": "owner = 'user'\n"})
    asks = "import click, msgspec, windlass.kernel.digests as d\nprint(click.owner, d.digest_of(b'')[:12])\n"
    make_wheel(place.wheels, "asker", "1.0", {"asker.py": asks})
    place.require("click", "asker")
    environment = place.prepare()
    (place.service / "msgspec.py").write_text("raise ImportError('the folder shadows a package')")
    assert "user blake3:af134\n" == output(environment.argv("asker"), place.service)
    assert environment.overlay.startswith(str(place.store / "overlays" / OUR_PYTHON))

    def fail(_target: Path) -> None:
        raise Unavailable("no disk", code="disk-full")

    monkeypatch.setattr(overlays, "overlay_name", lambda version: f"{version}-new")
    monkeypatch.setattr(overlays, "copy_ourselves", fail)
    assert environment == asyncio.run(place.environments.locate(environment.digest))
    shutil.rmtree(place.store / "overlays")
    with pytest.raises(Unavailable, match="no disk"):
        asyncio.run(place.environments.locate(environment.digest))


def test_a_server_package_that_does_not_fit_is_refused(place: Place) -> None:
    """A version with which the model server cannot work is refused, naming the user's line and ours."""
    make_wheel(place.wheels, "uvicorn", "0.1", {"uvicorn.py": ""})
    place.require("uvicorn")
    with pytest.raises(UserMistake, match=r"lead to uvicorn==0\.1, and the model server needs uvicorn[<>=.,0-9]+"):
        place.prepare()
    assert [] == place.made()


def test_a_cancelled_preparation_leaves_nothing(place: Place) -> None:
    """A build that is cancelled while it installs leaves no half-made environment; what a killed one left is removed a
    day later, and not before."""
    place.require("greeting")
    abandoned = [place.store / "environments" / name for name in ("pending-old", "pending-new")]
    for folder in abandoned:
        folder.mkdir(parents=True)
    os.utime(abandoned[0], (0, 0))

    async def scene() -> None:
        task = asyncio.ensure_future(place.environments.prepare(str(place.service), "", str(place.log)))
        async with asyncio.timeout(60):
            while len(place.made()) != 2 or abandoned[0].exists():
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())
    assert ["pending-new"] == place.made()


def test_another_python(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another version of Python is found where it is installed, never one that only bears its name; else it is asked
    for.
    """
    other = next(version for version in ("3.11", "3.12", "3.13") if version != OUR_PYTHON)
    for folder, says in (("liar", "3.9"), ("honest", other)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"python{other}").write_text(f"#!/bin/sh\necho {says}\n")
        (tmp_path / folder / f"python{other}").chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}/liar:{tmp_path}/honest")
    found = asyncio.run(interpreters.find(other, LocalProcesses()))
    assert f"{tmp_path}/honest/python{other}" == found
    monkeypatch.setenv("PATH", f"{tmp_path}/liar")
    with pytest.raises(UserMistake, match=f"Python {other} is not on this machine"):
        place.prepare(other)


FAKE_UV = """#!{python}
import subprocess, sys
with open("{log}", "a") as log:
    print(*sys.argv[1:], file=log)
if sys.argv[1] == "export":
    open(sys.argv[sys.argv.index("-o") + 1], "w").write("--no-index\\n--find-links {wheels}\\ngreeting==1.0\\n")
else:
    requirements = sys.argv[sys.argv.index("-r") + 1]
    pip = [sys.executable, "-m", "pip", "--python", sys.argv[sys.argv.index("--python") + 1]]
    sys.exit(subprocess.run([*pip, "install", "-q", "-r", requirements]).returncode)
"""


def test_uv_is_used_where_it_is(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A uv.lock is exported and installed by uv; where uv is missing the way out is named."""
    (place.service / "uv.lock").write_text("version = 1\n")
    (place.service / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["greeting"]\n')
    with pytest.raises(UserMistake, match=r"uv\.lock needs uv, which is not here; install uv, or run `uv export"):
        place.prepare()
    log = tmp_path / "uv.txt"
    (tmp_path / "uv").write_text(FAKE_UV.format(python=sys.executable, log=log, wheels=place.wheels))
    (tmp_path / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert "greeting==1.0\n" == place.prepare().lock
    exported, installed = log.read_text().splitlines()
    assert exported.startswith("export --frozen --no-dev --no-emit-project")
    assert installed.startswith("pip install --python ")


def test_a_python_that_makes_no_environment(place: Place) -> None:
    """A Python without the module venv is the machine's fault, with what to install."""
    installers = Installers(LocalProcesses(), str(place.store))
    with pytest.raises(Unavailable, match=r"/bin/false cannot make a virtual environment.*python3-venv"):
        asyncio.run(installers.make("/bin/false", str(place.service / "x"), ""))


def test_a_python_without_pip_makes_its_own(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither uv nor pip is at hand an installer of our own is made, once."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    place.require("greeting")
    assert "greeting==1.0\n" == place.prepare().lock
    assert (place.store / "cache/pip/complete").exists()


def test_installers_see_indexes_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installer sees what leads to package indexes, and nothing else of our environment."""
    for name in ("PIP_INDEX_URL", "UV_INDEX_URL", "https_proxy", "NETRC", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "value")
    seen = installer_env()
    assert {"PIP_INDEX_URL", "UV_INDEX_URL", "https_proxy", "NETRC", "HOME"} <= set(seen)
    assert "AWS_SECRET_ACCESS_KEY" not in seen
