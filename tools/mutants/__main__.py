"""`make mutants`: every permanent mutant must be found by the simulator.

    python -m tools.mutants [--only NAME] [--seeds 6] [--processes 2] [--write build/mutants.json]

Random days look for it, and where none shows the harm the stories on the virtual clock (`tests/sessions`, `tests/sim`);
a mutant that names its tests meets these first. The same days and tests must be good without any mutant, else nothing
that they find would mean anything. It exits 0 only if all are found, and says how many by days, by stories, and by
other tests.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.mutants.catalogue import MUTANTS
from tools.mutants.copies import Ended, commit, copied, failed_test, pytest_command, run
from tools.mutants.mutant import STORIES, Mutant, mutated, path_of

DAYS_SECONDS_MAX = 1800.0
STORIES_SECONDS_MAX = 1800.0


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one mutant: `by` is days, stories, tests or empty; `words` the seed and sentence, or the test."""

    name: str
    by: str
    words: str
    seconds: float


def judge(mutant: Mutant | None, tests: Sequence[str], seeds: int) -> Found:
    """Let the simulator look for one mutant, or for none at all: `tests` first, then the days, then all stories."""
    name = mutant.name if mutant is not None else "no-mutant"
    path, text = (path_of(mutant), mutated(mutant)) if mutant is not None else ("", None)
    began = time.monotonic()
    with copied(name, path, text) as folder:
        by, words = _in_tests(folder, tests) if tests else ("", "")
        if not by and (mutant is None or mutant.seen_by_days):
            by, words = _in_days(folder, seeds, [] if mutant is None else [str(mutant.seed)])
        if not by:
            by, words = _in_tests(folder, STORIES)
    return Found(name, by, words, round(time.monotonic() - began, 1))


def _in_tests(folder: Path, tests: Sequence[str]) -> tuple[str, str]:
    ended = run(folder, pytest_command(tests), STORIES_SECONDS_MAX)
    return told(failed_test(ended.words)) if ended.code else _nothing(ended)


def _in_days(folder: Path, seeds: int, first: Sequence[str]) -> tuple[str, str]:
    ended = run(folder, [sys.executable, "-m", "tools.mutants.days", str(seeds), *first], DAYS_SECONDS_MAX)
    return ("days", _told(ended.words)) if ended.code else _nothing(ended)


def _nothing(ended: Ended) -> tuple[str, str]:
    """What was not given the time has shown nothing."""
    return "", ended.words if ended.code is None else ""


def told(test: str) -> tuple[str, str]:
    """Whether a test that noticed a mutant is a story on the virtual clock, and its name."""
    return "stories" if test.startswith(STORIES) else "tests", test


def _told(words: str) -> str:
    """The seed and what was wrong, from the last line that a day printed."""
    last = (words.splitlines() or ["no words"])[-1]
    try:
        said = json.loads(last)
    except ValueError:
        return last[:200]
    return f"seed {said['seed']}: {said['words']}"


def _chosen(only: str) -> tuple[Mutant, ...]:
    found = tuple(mutant for mutant in MUTANTS if not only or mutant.name == only)
    if not found:
        raise SystemExit(f"no mutant is called {only}; there are {', '.join(mutant.name for mutant in MUTANTS)}")
    return found


def main() -> int:
    """0 where all mutants were found, and nothing was found without one."""
    parser = argparse.ArgumentParser(description="Let the simulator find wrong changes.")
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", default="build/mutants.json")
    options = parser.parse_args()
    mutants = _chosen(options.only)
    for mutant in mutants:
        mutated(mutant)
    began, results = time.monotonic(), []
    named = sorted({test for mutant in mutants for test in mutant.tests})
    with ThreadPoolExecutor(options.processes) as pool:
        baseline = pool.submit(judge, None, named, options.seeds)
        waiting = [pool.submit(judge, one, one.tests, options.seeds) for one in mutants]
        for future in as_completed(waiting):
            found = future.result()
            results.append(found)
            sys.stdout.write(f"{found.name:36} {found.seconds:6.0f} s  {found.by or 'SURVIVED':8} {found.words}\n")
            sys.stdout.flush()
        alarm = baseline.result()
    survivors = [found.name for found in results if not found.by]
    report = {
        "commit": commit(),
        "mutants": len(results),
        "by_days": sum(found.by == "days" for found in results),
        "by_stories": sum(found.by == "stories" for found in results),
        "by_other_tests": sum(found.by == "tests" for found in results),
        "survived": survivors,
        "without_a_mutant": alarm.words,
        "seconds": round(time.monotonic() - began),
        "results": [asdict(found) for found in sorted(results, key=lambda one: one.name)],
    }
    path = Path(options.write)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")
    if alarm.by:
        sys.stdout.write(f"FALSE ALARM: without any mutant this is found: {alarm.words}\n")
    by = f"{report['by_days']} by days, {report['by_stories']} by stories, {report['by_other_tests']} by other tests"
    sys.stdout.write(f"{len(results) - len(survivors)} of {len(results)} found in {report['seconds']} s: {by}\n")
    return 1 if survivors or alarm.by else 0


if __name__ == "__main__":
    sys.exit(main())
