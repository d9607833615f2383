"""`windlass plan` as lines."""

from collections.abc import Iterator, Mapping
from typing import Any

from windlass.cli.talk import Paint, harmless
from windlass.cli.text.layout import percent, wrapped
from windlass.kernel.digests import short
from windlass.kernel.instants import span

LABEL = 12
RATES = (1.0, 10.0, 100.0)
QUERIES_WARN = 10  # from here on a query may spend so little that a pass becomes rare
Item = Mapping[str, Any]


def head(answer: Item) -> str:
    """The working copy, and how far it is from its commit."""
    at = f"commit {short(answer['commit'])}" if answer["commit"] else "no commit yet"
    changed = answer["uncommitted"]
    if not changed:
        return harmless(f"{answer['root']} at {at}")
    shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if len(changed) > 5 else "")
    return harmless(f"{answer['root']} at {at} with uncommitted changes, which are not delivered: {shown}")


def plan_lines(item: Item, paint: Paint, width: int) -> Iterator[str]:
    """What would happen to one service."""
    words = {None: "", True: "new" if item["new"] else "changed", False: "as it is"}[item["changed"]]
    yield f"{paint(item['service'], 'bold')}  {paint(words, 'cyan' if item['changed'] else 'dim')}".rstrip()
    needed = {True: "yes: ", False: "no: ", None: ""}[item["build"]["needed"]]
    yield from _field("build", needed + item["build"]["because"], width)
    yield from _field("", _limits(item["build"]["limits"]), width)
    for words in item["build"]["pointers"]:
        for line in _field("", words, width):
            yield paint(line, "yellow")
    for index, change in enumerate(item["changes"]):
        for line in _field("" if index else "changes", change, width):
            yield paint(line, "yellow") if "loosened" in change else line
    yield from _gate(item["gate"], paint, width)
    yield from _rollout(item["rollout"], item["expected"], width)
    yield from _replicas(item["replicas"], width)


def _limits(limits: Item) -> str:
    memory = limits["memory_bytes"]
    held = "80 % of the machine's memory" if memory is None else f"{memory / 2**20:,.0f} Mi of memory"
    return f"ended after {span(limits['seconds'])}, or above {held}"


def _replicas(replicas: Item, width: int) -> Iterator[str]:
    """How they start, where that is slower than people may expect."""
    if not replicas["forked"]:
        words = "each is started anew and loads its libraries: nothing can fork safely on this machine (no /proc)"
        yield from _field("replicas", words, width)


def _field(label: str, words: str, width: int) -> Iterator[str]:
    yield from wrapped(f"  {label:<{LABEL}}", harmless(words), width)


def _gate(gate: Item, paint: Paint, width: int) -> Iterator[str]:
    for index, line in enumerate(gate["lines"]):
        yield from _field("" if index else "gate", line, width)
    if not gate["lines"]:
        yield from _field("gate", "no line: a release is only tried, not measured", width)
    if gate["champion"]:
        yield from _field("", f"the champion is {short(gate['champion'])}", width)
    yield from _holdout(gate, paint, width)


def _holdout(gate: Item, paint: Paint, width: int) -> Iterator[str]:
    """The held-out rows: how many, what is wrong with them, how often they were asked."""
    seen, asked = gate["holdout"], gate["queries_used"]
    lines: list[tuple[str, bool]] = []
    if seen["rows"] is not None:
        lines.append(("one row" if seen["rows"] == 1 else f"{seen['rows']:,} rows", False))
    if seen["words"]:
        lines.append((seen["words"], True))
    if asked is not None:
        times = "once" if asked == 1 else f"{asked} times"
        left = "one query is" if gate["queries_left"] == 1 else f"{gate['queries_left']} queries are"
        lines.append((f"asked {times}; {left} left", asked >= QUERIES_WARN))
    if gate["margin_visible"] is not None:
        lines.append((f"a margin of {gate['margin_visible']:.3g} can be seen on them", False))
    for index, (words, warns) in enumerate(lines):
        for line in _field("" if index else "holdout", words, width):
            yield paint(line, "yellow") if warns else line


def _rollout(rollout: Item, expected: Mapping[str, float], width: int) -> Iterator[str]:
    if rollout["first_release"]:
        yield from _field("rollout", "straight to 100 %: there is nothing to compare the first release with", width)
        return
    steps = " > ".join(percent(share) for share in rollout["shares"])
    yield from _field("rollout", f"{steps}, each step at least {span(rollout['soak_seconds'])}", width)
    if rollout["because"]:
        yield from _field("", rollout["because"], width)
    needed = f"{rollout['candidate_requests']:,} requests without an error show {' and '.join(rollout['limits'])}"
    yield from _field("", needed, width)
    times = ", ".join(f"{span(seconds)} at {rate}" for rate, seconds in expected.items())
    yield from _field("", f"expected: {times} of traffic", width)


def default_lines(rows: list[dict[str, str]], width: int) -> Iterator[str]:
    """Keys that the file does not set, with what is in force and why."""
    yield "defaults in force:"
    longest = max((len(row["key"]) for row in rows), default=0)
    for row in rows:
        words = " - ".join(part for part in (row["default"], row["reason"]) if part)
        yield from wrapped(f"  {row['key']:<{longest}}  ", harmless(words), width)
