"""Gate zero: does the release still answer as it did when it was built, and do its callers still fit?

It asks no label and spends no query. Sample rows were answered at the end of the build; they are answered again by the
serving code in the serving environment. A signature that refuses what the champion took is a failure, unless the file
says `breaking: true`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from windlass.delivery.gates.rows import Answers, named
from windlass.delivery.gates.types import Apart, CheckResult, Verdict

# Kernels differ in the last digits of a 32-bit float between processors and thread counts; decisions do not rest there.
RELATIVE_TOLERANCE = 1e-4
ABSOLUTE_TOLERANCE = 1e-6

_WHOLE_BITS = {"INT8": 8, "INT16": 16, "INT32": 32, "INT64": 64}
_NATURAL_BITS = {"BOOL": 1, "UINT8": 8, "UINT16": 16, "UINT32": 32, "UINT64": 64}
_FLOAT_DIGITS = {"FP16": 11, "FP32": 24, "FP64": 64}  # FP64 takes any integer, as JSON does


def answers_check(recorded: Mapping[str, Any], served: Answers) -> CheckResult:
    """Predictions and probabilities of the sample rows: those of the build against those of the serving environment.

    `recorded` holds `predictions`, and `probabilities` or None, as stored at the end of the build.
    """
    before, now = recorded["predictions"], served.prediction
    blank = CheckResult("gate zero: answers as built", Verdict.FAIL, "answers", n=len(before), method="compared")
    if len(before) != len(now):
        return replace(blank, note=f"{len(now)} answers to {len(before)} sample rows")
    odd = _unlike(before, now)
    if recorded.get("probabilities") is not None and served.probability is not None:
        odd |= _unlike(recorded["probabilities"], served.probability)
    if not odd:
        note = f"{len(before)} sample rows are answered as when they were built (to {RELATIVE_TOLERANCE:g})"
        return replace(blank, verdict=Verdict.PASS, note=note)
    row = min(odd)
    note = f"sample {named(sorted(odd))} answered {now[row - 1]!r} instead of {before[row - 1]!r} as when it was built"
    return replace(blank, note=note)


def _unlike(before: Sequence[Any], now: Sequence[Any]) -> set[int]:
    return {row for row, (a, b) in enumerate(zip(before, now, strict=True), 1) if not _close(a, b)}


def _close(before: Any, now: Any) -> bool:
    if isinstance(before, (list, tuple)) and isinstance(now, (list, tuple)):
        return len(before) == len(now) and all(_close(a, b) for a, b in zip(before, now, strict=True))
    if isinstance(before, float) or isinstance(now, float):
        both = all(isinstance(value, (int, float)) for value in (before, now))
        return both and math.isclose(before, now, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
    return bool(before == now)


def start_check(words: str) -> CheckResult:
    """The release could not be loaded, or does not answer; `words` are its own last ones."""
    return CheckResult("gate zero: it starts", Verdict.FAIL, "start", note=words)


def label_check(signature: Mapping[str, Any], label: str) -> CheckResult:
    """A model that reads the label it shall predict has learned nothing that production will have."""
    blank = CheckResult("gate zero: it does not read the label", Verdict.PASS, "label", method="compared")
    if label and label in _by_name(signature.get("columns")):
        note = f'the model reads the column "{label}", which it shall predict; train it without'
        return replace(blank, verdict=Verdict.FAIL, note=note)
    return replace(blank, note="it is none of the model's columns")


def apart_check(apart: Apart) -> CheckResult:
    """What is known about rows that are both in training data and in the holdout. What was not compared never passes;
    it blocks where it could have been, and where rows are shared the gate refuses them."""
    line, verdict = "gate zero: held-out rows were held out", Verdict.UNSURE if apart.refuse else Verdict.NOT_APPLICABLE
    if apart.overlap is None:
        return CheckResult(line, verdict, "overlap", note=apart.words)
    verdict = Verdict.UNSURE if apart.refuse else Verdict.PASS
    return CheckResult(line, verdict, "overlap", method="compared", note=str(apart.overlap["sentence"]))


def signature_check(champion: Mapping[str, Any], candidate: Mapping[str, Any], *, breaking: bool) -> CheckResult:
    """Whether every request that the champion takes is taken by the candidate, and answered in the same shape."""
    line = "gate zero: signature fits callers"
    if not champion:
        note = "there is no champion, so no caller is bound to a signature"
        return CheckResult(line, Verdict.NOT_APPLICABLE, "signature", note=note)
    breaks = signature_breaks(champion, candidate)
    if not breaks:
        return CheckResult(line, Verdict.PASS, "signature", method="compared", note="callers need not change anything")
    told = "; ".join(breaks)
    if breaking:
        return CheckResult(line, Verdict.PASS, "signature", note=f"breaking as declared: {told}")
    note = f"{told}; write `breaking: true` if callers are ready for it"
    return CheckResult(line, Verdict.FAIL, "signature", method="compared", note=note)


def signature_breaks(champion: Mapping[str, Any], candidate: Mapping[str, Any]) -> tuple[str, ...]:
    """Everything by which a caller of the champion would stumble over the candidate, in words."""
    if bool(champion.get("columns")) != bool(candidate.get("columns")):
        return ("the model changed between rows of a table and tensors",)
    # Models of tables are called by column; their tensors follow from the columns.
    part, noun = ("columns", "column") if champion.get("columns") else ("inputs", "input")
    before, after = _by_name(champion.get(part)), _by_name(candidate.get(part))
    found = [f'{noun} "{name}" is gone' for name in before if name not in after]
    for name, entry in after.items():
        if name in before:
            found += _narrowed(noun, before[name], entry)
        elif entry.get("required", True):
            found.append(f'{noun} "{name}" is new and required')
    return (*found, *_output_breaks(champion, candidate))


def _narrowed(noun: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    name, found = before["name"], []
    if not _takes(after["datatype"], before["datatype"]):
        found.append(f'{noun} "{name}" takes {after["datatype"]} instead of {before["datatype"]}')
    if after.get("required", True) and not before.get("required", True):
        found.append(f'{noun} "{name}" is now required')
    if before.get("nullable", False) and not after.get("nullable", False):
        found.append(f'{noun} "{name}" may no longer be empty')
    if not _fits(before.get("shape"), after.get("shape")):
        found.append(f'{noun} "{name}" takes the shape {after.get("shape")} instead of {before.get("shape")}')
    return found


def _takes(wider: str, datatype: str) -> bool:
    """Whether every value of `datatype` is also a value of `wider`."""
    if wider == datatype:
        return True
    bits = _NATURAL_BITS.get(datatype)
    if bits is not None:
        return bits <= _NATURAL_BITS.get(wider, 0) or bits < _WHOLE_BITS.get(wider, 0) or _holds(wider, bits)
    if datatype in _WHOLE_BITS:
        return _WHOLE_BITS[datatype] <= _WHOLE_BITS.get(wider, 0) or _holds(wider, _WHOLE_BITS[datatype] - 1)
    return datatype in _FLOAT_DIGITS and _holds(wider, _FLOAT_DIGITS[datatype])


def _holds(wider: str, digits: int) -> bool:
    return digits <= _FLOAT_DIGITS.get(wider, 0)


def _fits(before: Sequence[int] | None, after: Sequence[int] | None) -> bool:
    if before is None or after is None:
        return before == after
    return len(before) == len(after) and all(b in (a, -1) for a, b in zip(before, after, strict=True))


def _output_breaks(champion: Mapping[str, Any], candidate: Mapping[str, Any]) -> list[str]:
    before, after = _by_name(champion.get("outputs")), _by_name(candidate.get("outputs"))
    found = [f'output "{name}" is gone' for name in before if name not in after]
    for name in (name for name in before if name in after):
        for key in ("datatype", "shape"):
            if before[name].get(key) != after[name].get(key):
                found.append(f'output "{name}" has the {key} {after[name].get(key)} instead of {before[name].get(key)}')
    classes, now = champion.get("classes") or [], candidate.get("classes") or []
    if classes and now and list(classes) != list(now):
        found.append(f"the classes are {list(now)} instead of {list(classes)}")
    return found


def _by_name(entries: Sequence[Mapping[str, Any]] | None) -> dict[str, Mapping[str, Any]]:
    return {str(entry["name"]): entry for entry in entries or ()}
