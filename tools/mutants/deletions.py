"""`make deletions`: single statements, drawn by the commit, are deleted one at a time; something must notice each.

    python -m tools.mutants.deletions [--count 200] [--seed COMMIT] [--minutes M] [--processes 2] [--list]

Nobody chose these: they show the tests that are missing. First the unchanged code must pass all tests and days; what
they reach is kept (`reach.py`). What is known stands in `build/deletions.json`, and a second call with the same seed,
code and tests goes on from there. A survivor needs a reason in `survivors.txt`. It exits 0 only if all that were drawn
were tried, 95 % of them are caught and every survivor has its reason.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.mutants.cascade import caught
from tools.mutants.copies import ROOT, commit, copied
from tools.mutants.reach import Reach, digest_of_code, found_out
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


def delete(statement: Statement, reach: Reach) -> Tried:
    """Delete one statement in a copy and let the tests look for it."""
    began = time.monotonic()
    text = without((ROOT / statement.path).read_text(), statement)
    name = f"without-{statement.path.removeprefix('src/windlass/').replace('/', '-')}-{statement.first}"
    with copied(name, statement.path, text) as folder:
        by = caught(folder, statement, reach)
    return Tried(statement.path, statement.first, statement.text, by, round(time.monotonic() - began, 1))


class Register:
    """What was tried so far, on disk after each statement. It counts for one draw from one state of code and tests."""

    def __init__(self, path: Path, seed: str, code: str) -> None:
        self._path = path
        self._of = {"seed": seed, "code": code}
        stored = json.loads(path.read_text()) if path.exists() else {}
        is_same = {key: stored.get(key) for key in self._of} == self._of
        self.tried = [Tried(**one) for one in stored.get("tried", [])] if is_same else []

    def of(self, wanted: Sequence[Statement]) -> list[Tried]:
        """What became of those of some statements that were tried."""
        keys = {(one.path, one.first, one.text) for one in wanted}
        return [one for one in self.tried if (one.path, one.line, one.text) in keys]

    def add(self, tried: Tried) -> None:
        """Note one more, and say it."""
        self.tried.append(tried)
        sys.stdout.write(
            f"{tried.seconds:5.0f} s  {tried.by or 'SURVIVED':60.60}  {tried.path}:{tried.line}  {tried.text}\n"
        )
        sys.stdout.flush()
        sums = {"statements": len(self.tried), "caught": sum(bool(one.by) for one in self.tried)}
        report = {**self._of, "commit": commit(), **sums, "tried": [asdict(one) for one in self.tried]}
        begun = self._path.with_suffix(".new")
        begun.write_text(json.dumps(report, indent=2) + "\n")
        begun.replace(self._path)


def main() -> int:
    """0 where all were tried, enough was caught and each survivor has a reason."""
    parser = argparse.ArgumentParser(description="Delete statements and see what notices.")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", default=commit())
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin none after so long; 1 if some are left")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", default="build/deletions.json")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    wanted = drawn(ROOT, options.count, options.seed)
    if options.list:
        sys.stdout.write("".join(f"{one.where}  {one.text}\n" for one in wanted))
        return 0
    path = Path(options.write)
    path.parent.mkdir(parents=True, exist_ok=True)
    register = Register(path, options.seed, digest_of_code())
    reach, until = found_out(options.processes), time.monotonic() + 60 * options.minutes

    def try_one(statement: Statement) -> Tried | None:
        return delete(statement, reach) if time.monotonic() < until else None

    pool = ThreadPoolExecutor(options.processes)
    try:
        for future in as_completed([pool.submit(try_one, one) for one in wanted if not register.of([one])]):
            tried = future.result()
            if tried is not None:
                register.add(tried)
    finally:
        pool.shutdown(cancel_futures=True)
    return judged(register.of(wanted), len(wanted), reasons(REASONS.read_text()))


def judged(tried: list[Tried], wanted: int, known: dict[tuple[str, str], str]) -> int:
    """Say what it came to: 0 where it is good."""
    survivors = [one for one in tried if not one.by]
    for one in survivors:
        why = known.get((one.path, one.text), "NO REASON")
        sys.stdout.write(f"survived: {one.path}:{one.line}  {one.text}\n  {why}\n")
    caught_count = len(tried) - len(survivors)
    sys.stdout.write(f"{caught_count} of {len(tried)} deleted statements were caught\n")
    if len(tried) != wanted:
        sys.stdout.write(f"{wanted - len(tried)} of {wanted} were not tried; the same command goes on from here\n")
        return 1
    is_enough = caught_count >= SHARE_MIN * wanted
    return 0 if is_enough and all((one.path, one.text) in known for one in survivors) else 1


if __name__ == "__main__":
    sys.exit(main())
