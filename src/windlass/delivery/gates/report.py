"""An outcome in the forms that people and their tools read: a table, JSON, Markdown and JUnit.

All of them are made from one value, so that an exit code and a printed verdict never disagree.
"""

from typing import Any
from xml.etree import ElementTree

from windlass.delivery.gates.figures import confidence, distance, figure
from windlass.delivery.gates.types import CheckResult, GateOutcome, Verdict, check_json

EXIT_CODES = {Verdict.PASS: 0, Verdict.FAIL: 10, Verdict.UNSURE: 11, Verdict.NOT_APPLICABLE: 11}
HEADINGS = ("verdict", "check", "measured", "bounds", "limit", "rows", "method")


def exit_code(verdict: Verdict) -> int:
    """0 for a pass, 10 for a statistical no, 11 for not enough evidence."""
    return EXIT_CODES[verdict]


def json_object(outcome: GateOutcome, service: str) -> dict[str, Any]:
    """The outcome as one JSON object; shares are 0 to 1, unknown is null."""
    return {
        "api": "windlass/v1",
        "kind": "gate",
        "service": service,
        "verdict": outcome.verdict.value,
        "sentence": outcome.sentence(),
        "rows": outcome.rows,
        "query": outcome.query or None,
        "queries_left": outcome.queries_left if outcome.query else None,
        "alpha": outcome.alpha,
        "margin_visible": outcome.margin_visible,
        "refusals": list(outcome.refusals),
        "notes": list(outcome.notes),
        "items": [check_json(check) for check in outcome.checks],
    }


def text_table(outcome: GateOutcome) -> str:
    """The verdict, a table of all checks, and what else is worth knowing."""
    lines = [f"gate {outcome.verdict}: {outcome.sentence()}"]
    if outcome.checks:
        lines += ["", *_aligned([HEADINGS, *(_cells(check) for check in outcome.checks)])]
    footers = _footers(outcome)
    return "\n".join([*lines, *([""] if footers else []), *footers]) + "\n"


def markdown(outcome: GateOutcome, service: str) -> str:
    """The outcome as a section with a table, for a pull request or a job summary."""
    rows = [HEADINGS, tuple("---" for _ in HEADINGS), *(_cells(check) for check in outcome.checks)]
    table = [f"| {' | '.join(_escaped(cell) for cell in row)} |" for row in rows] if outcome.checks else []
    head = [f"### Gate of {service}: {outcome.verdict}", "", _escaped(outcome.sentence())]
    footers = [f"* {_escaped(line)}" for line in _footers(outcome)]
    return "\n".join([*head, *([""] if table else []), *table, *([""] if footers else []), *footers]) + "\n"


def junit(outcome: GateOutcome, service: str) -> str:
    """JUnit XML with a case for each check; unsure is a failure of type `unsure`, since it does not pass."""
    suite = ElementTree.Element("testsuite", name=f"windlass gate {service}")
    failures = skipped = 0
    for name, verdict, sentence in _cases(outcome):
        case = ElementTree.SubElement(suite, "testcase", classname=service, name=_printable(name))
        if verdict in (Verdict.FAIL, Verdict.UNSURE):
            failures += 1
            ElementTree.SubElement(case, "failure", type=verdict.value, message=_printable(sentence))
        elif verdict is Verdict.NOT_APPLICABLE:
            skipped += 1
            ElementTree.SubElement(case, "skipped", message=_printable(sentence))
        else:
            ElementTree.SubElement(case, "system-out").text = _printable(sentence)
    suite.attrib |= {"tests": str(len(suite)), "failures": str(failures), "skipped": str(skipped), "errors": "0"}
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _cases(outcome: GateOutcome) -> list[tuple[str, Verdict, str]]:
    cases = [(f"{check.line}{_against(check)}", check.verdict, check.sentence()) for check in outcome.checks]
    cases += [("the holdout can be judged", Verdict.UNSURE, words) for words in outcome.refusals]
    failing = any(verdict in (Verdict.FAIL, Verdict.UNSURE) for _, verdict, _ in cases)
    if outcome.verdict is not Verdict.PASS and not failing:
        cases.append(("the gate passes", outcome.verdict, outcome.sentence()))
    return cases


def _cells(check: CheckResult) -> tuple[str, ...]:
    measured, bounds, limit = "-", "-", "-"
    unit = check.unit
    if check.relative_to and check.value is not None:
        measured = f"{figure(check.candidate, unit)} vs {figure(check.reference, unit)}"
        bounds = f"{_signed(check.low, unit)} to {_signed(check.high, unit)}"
        limit = _signed(-(check.margin or 0.0) if check.higher else check.margin, unit)
    elif check.value is not None:
        measured, limit = figure(check.value, unit), f"{check.wanted} {figure(check.threshold, unit)}"
        if check.low != check.high:
            bounds = f"{figure(check.low, unit)} to {figure(check.high, unit)}"
    way = f"{check.method}{'' if check.exact else ', asymptotic'}" if check.method else "-"
    return (
        check.verdict.value,
        f"{check.line}{_against(check)}",
        measured,
        bounds,
        limit,
        f"{check.n:,}" if check.n else "-",
        way,
    )


def _against(check: CheckResult) -> str:
    return " (against the best)" if check.relative_to == "best" else ""


def _signed(difference: float | None, unit: str) -> str:
    if difference is None:
        return "unknown"
    return f"{'-' if difference < 0 else '+'}{distance(difference, unit)}"


def _footers(outcome: GateOutcome) -> list[str]:
    lines = list(outcome.refusals[1:])
    lines += [check.sentence() for check in outcome.checks if check.note and check.verdict is not Verdict.PASS]
    if any(check.low is not None and check.low != check.high for check in outcome.checks):
        lines.append(
            f"each bound of a metric holds with {confidence(outcome.alpha)} confidence, both together as an interval "
            f"with {confidence(2 * outcome.alpha)}"
        )
    visible = {
        check.metric: distance(check.margin_visible, check.unit)
        for check in outcome.checks
        if check.margin_visible is not None
    }
    lines += [f"these rows can show a margin of {margin} of {metric}" for metric, margin in visible.items()]
    if outcome.query:
        lines.append(f"query {outcome.query} of these rows, {outcome.queries_left} left")
    return [*lines, *outcome.notes]


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _escaped(text: str) -> str:
    return _printable(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
