"""What a gate keeps of the held-out rows: their keys, labels, answers and losses, and the ledger; never a feature.

A candidate that waited is judged again from these when the champion changed meanwhile, and a champion is not asked
twice about the same rows.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from windlass.delivery.gates.holdouts import Prepared
from windlass.delivery.gates.ledger import Ledger, row_digests
from windlass.delivery.gates.rows import Answers
from windlass.kernel.records import from_json, to_json

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Scored:
    """One release's answers in the order of the rows, and how its process behaved while it gave them."""

    answers: Answers
    latency_seconds: Sequence[float] = ()
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class StoredScores:
    """`rows` are digests of the row keys, in the order of all lists; `holdout` is the digest of the rows' content."""

    holdout: str = ""
    rows: Sequence[str] = ()
    labels: Sequence[Any] = ()
    releases: Mapping[str, Scored] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)


def stored_scores(prepared: Prepared, scored: Sequence[Scored], ledger: Ledger) -> StoredScores:
    """What is kept of one look at the holdout."""
    releases = {one.answers.release: one for one in scored if not one.answers.trouble}
    holdout = prepared.holdout
    return StoredScores(holdout.digest, _row_names(prepared), holdout.labels, releases, ledger)


def write_scores(stored: StoredScores) -> bytes:
    """The scores as JSON, with sorted keys: equal scores have equal bytes."""
    releases = {name: _release_json(one, stored.labels) for name, one in stored.releases.items()}
    value = {
        "format": FORMAT,
        "holdout": stored.holdout,
        "rows": list(stored.rows),
        "labels": [_plain(label) for label in stored.labels],
        "releases": releases,
        "ledger": to_json(stored.ledger),
    }
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_scores(data: bytes) -> StoredScores:
    """The scores that `write_scores` wrote.

    Raises:
        ValueError: these bytes are not stored scores.
    """
    value = json.loads(data)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ValueError(f"stored scores have format {FORMAT}")
    releases = {name: _release_of(name, one) for name, one in value["releases"].items()}
    ledger = from_json(Ledger, value["ledger"])
    return StoredScores(value["holdout"], tuple(value["rows"]), tuple(value["labels"]), releases, ledger)


def scores_of(stored: StoredScores, release: str, prepared: Prepared) -> Scored | None:
    """A release's stored scores in the order of this holdout's rows; None where they are of other rows."""
    found = stored.releases.get(release)
    if found is None or stored.holdout != prepared.holdout.digest:
        return None
    place = {name: index for index, name in enumerate(stored.rows)}
    order = [place[name] for name in _row_names(prepared)]
    answers = found.answers
    chances = None if answers.probability is None else [answers.probability[index] for index in order]
    score = None if answers.score is None else [answers.score[index] for index in order]
    ordered = replace(
        answers, prediction=[answers.prediction[index] for index in order], probability=chances, score=score
    )
    return replace(found, answers=ordered)


def _row_names(prepared: Prepared) -> tuple[str, ...]:
    """Digests of the keys: an id may be a person's, and what is kept for years must not name one."""
    return row_digests({"key": prepared.holdout.keys}, ("key",))


def _release_json(scored: Scored, labels: Sequence[Any]) -> dict[str, Any]:
    answers = scored.answers
    return {
        "prediction": [_plain(value) for value in answers.prediction],
        "probability": None if answers.probability is None else [list(row) for row in answers.probability],
        "classes": [_plain(name) for name in answers.classes],
        "score": None if answers.score is None else list(answers.score),
        "loss": [_loss(label, said) for label, said in zip(labels, answers.prediction, strict=True)],
        "latency_seconds": list(scored.latency_seconds),
        "memory_bytes": scored.memory_bytes,
    }


def _release_of(name: str, value: Mapping[str, Any]) -> Scored:
    answers = Answers(name, value["prediction"], value["probability"], value["classes"], value["score"])
    return Scored(answers, value["latency_seconds"], value["memory_bytes"])


def _loss(label: Any, said: Any) -> float | None:
    """0 or 1 for classes, the absolute error for amounts; None where there is no answer."""
    if said is None or label is None:
        return None
    if isinstance(label, float) and isinstance(said, (int, float)):
        return abs(label - said)
    return float(label != said)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
