"""A store of artifacts survives a kill at any step."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_a_kill_at_any_step_loses_nothing_promised(tmp_path: Path) -> None:
    """Killed before each call that changes the disk: what was promised is there and whole, and the work goes on."""
    command = [sys.executable, "-m", "tests.adapters.artifacts.kills", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=True)
    found = json.loads(ended.stdout)
    assert found["wrong"] == {}
    assert found["points"] > 15
