"""`make deletions`: single statements, drawn by the commit, are deleted one at a time; something must notice each.

    python -m tools.mutants.deletions [--count 200] [--seed COMMIT] [--minutes 60] [--processes 2] [--list]

Nobody chose these: they show the tests that are missing. What is known stands in `build/deletions.json`, and a second
call with the same seed goes on from there. A survivor needs a reason in `survivors.txt`; it exits 0 only if 95 % of
those that were tried are caught and every survivor has its reason.
"""

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.mutants.cascade import caught
from tools.mutants.copies import ROOT, commit, copied
from tools.mutants.statements import Statement, drawn, without

SHARE_MIN = 0.95
REASONS = Path(__file__).with_name("survivors.txt")


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one deleted statement; `by` is empty where nothing noticed."""

    path: str
    line: int
    text: str
    by: str
    seconds: float


def reasons(text: str) -> dict[tuple[str, str], str]:
    """Why a survivor may survive, by file and text: lines of `path | text | reason`."""
    rows = [line.split(" | ") for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {(row[0].strip(), row[1].strip()): row[-1].strip() for row in rows}


def delete(statement: Statement) -> Tried:
    """Delete one statement in a copy and let the tests look for it."""
    began = time.monotonic()
    text = without((ROOT / statement.path).read_text(), statement)
    name = f"without-{statement.path.removeprefix('src/windlass/').replace('/', '-')}-{statement.first}"
    with copied(name, statement.path, text) as folder:
        by = caught(ROOT, folder, statement.path)
    return Tried(statement.path, statement.first, statement.text, by, round(time.monotonic() - began, 1))


class Register:
    """What was tried so far, on disk after each statement."""

    def __init__(self, path: Path, seed: str) -> None:
        self._path = path
        self._seed = seed
        stored = json.loads(path.read_text()) if path.exists() else {}
        is_same = stored.get("seed") == seed
        self.tried = [Tried(**one) for one in stored.get("tried", [])] if is_same else []

    def knows(self, statement: Statement) -> bool:
        """Whether a statement was tried in an earlier call."""
        return (statement.path, statement.first, statement.text) in {
            (one.path, one.line, one.text) for one in self.tried
        }

    def add(self, tried: Tried) -> None:
        """Note one more, and say it."""
        self.tried.append(tried)
        sys.stdout.write(
            f"{tried.seconds:5.0f} s  {tried.by or 'SURVIVED':60.60}  {tried.path}:{tried.line}  {tried.text}\n"
        )
        sys.stdout.flush()
        report = {"seed": self._seed, "commit": commit(), **self.sums(), "tried": [asdict(one) for one in self.tried]}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(report, indent=2) + "\n")

    def sums(self) -> dict[str, int]:
        """How many were tried and caught."""
        return {"statements": len(self.tried), "caught": sum(bool(one.by) for one in self.tried)}


def main() -> int:
    """0 where enough was caught and each survivor has a reason."""
    parser = argparse.ArgumentParser(description="Delete statements and see what notices.")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", default=commit())
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", default="build/deletions.json")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    wanted = drawn(ROOT, options.count, options.seed)
    if options.list:
        sys.stdout.write("".join(f"{one.where}  {one.text}\n" for one in wanted))
        return 0
    register, until = Register(Path(options.write), options.seed), time.monotonic() + 60 * options.minutes

    def try_one(statement: Statement) -> Tried | None:
        return delete(statement) if time.monotonic() < until else None

    with ThreadPoolExecutor(options.processes) as pool:
        for tried in pool.map(try_one, [one for one in wanted if not register.knows(one)]):
            if tried is not None:
                register.add(tried)
    return _judged(register)


def _judged(register: Register) -> int:
    sums, known = register.sums(), reasons(REASONS.read_text())
    survivors = [one for one in register.tried if not one.by]
    for one in survivors:
        why = known.get((one.path, one.text), "NO REASON")
        sys.stdout.write(f"survived: {one.path}:{one.line}  {one.text}\n  {why}\n")
    sys.stdout.write(f"{sums['caught']} of {sums['statements']} deleted statements were caught\n")
    is_enough = sums["caught"] >= SHARE_MIN * sums["statements"]
    return 0 if is_enough and all((one.path, one.text) in known for one in survivors) else 1


if __name__ == "__main__":
    sys.exit(main())
