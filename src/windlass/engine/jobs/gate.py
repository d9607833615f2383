"""Judging one release: gate zero, the held-out rows, a score of each release that is compared, the verdict.

The rows are read from the commit that is judged. They reach the processes of the releases without their labels. Answers
of the champion and of the best release to the same rows are taken from their own earlier verdicts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from windlass.delivery.gates.holdouts import Prepared, prepare
from windlass.delivery.gates.judge import ALPHA, GateInput, Spend, judge
from windlass.delivery.gates.ledger import HOLDOUT_SPENT, Ledger, look
from windlass.delivery.gates.limits import Process
from windlass.delivery.gates.lines import Line, ProcessLine, parse_line
from windlass.delivery.gates.rows import Answers
from windlass.delivery.gates.stored import Scored, read_scores, scores_of, stored_scores, write_scores
from windlass.delivery.gates.types import Apart, CheckResult, GateOutcome, Refusal, Verdict, check_json
from windlass.delivery.gates.zero import answers_check, apart_check, label_check, signature_check, start_check
from windlass.delivery.sources.types import ServiceSpec
from windlass.engine.jobs.apart import apart_by
from windlass.engine.jobs.checkouts import BuildJob, BuildRequest
from windlass.engine.jobs.joining import joined, parted
from windlass.engine.jobs.scoring import Unscored, ask, times_answers
from windlass.engine.jobs.signatures import fetch_holdout
from windlass.engine.jobs.types import JobPorts, JobWork
from windlass.kernel.digests import parse_digest
from windlass.kernel.errors import Unavailable, UserMistake
from windlass.kernel.instants import seconds_between
from windlass.kernel.records import from_json
from windlass.ports.tables import Table


@dataclass(frozen=True, slots=True)
class GateRequest:
    """What the planner asks. `champion` and `best` are empty where there is none, or where both are the same release.

    `ledger` is the blob of the service's newest verdict, `scores` those of each release's own: both hold stored scores.
    """

    release: str
    champion: str
    best: str
    repository: str
    commit: str
    folder: str
    spec: ServiceSpec
    policy: str
    ledger: str = ""
    scores: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    signature: Mapping[str, Any] = field(default_factory=dict)
    champion_signature: Mapping[str, Any] = field(default_factory=dict)


async def run_gate(work: JobWork, ports: JobPorts) -> dict[str, object]:
    """The fields of the fact `VerdictGiven` for one candidate.

    Raises:
        Unavailable: a release, an environment, the repository or a stored score is not there now; no verdict exists.
    """
    request = from_json(GateRequest, work.request.body)
    began = ports.clock.now()
    build = BuildRequest(request.repository, request.commit, request.folder, request.spec, build_key="")
    found = await _Gate(request, BuildJob(build, work, ports)).judged()
    outcome = found.outcome
    return {
        "release": request.release,
        "commit": request.commit,
        "champion": request.champion,
        "best": request.best or request.champion,
        "verdict": outcome.verdict.value,
        "sentence": outcome.sentence(),
        "checks": [check_json(check) for check in outcome.checks],
        "policy": request.policy,
        "holdout": found.holdout,
        "query": outcome.query,
        "scores": found.scores,
        "refusal": found.refusal,
        "seconds": seconds_between(began, ports.clock.now()),
    }


@dataclass(frozen=True, slots=True)
class _Judged:
    outcome: GateOutcome
    holdout: str = ""
    scores: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The held-out rows, why they may not be judged, and whether they were kept apart. `refusal` is the kind of the
    first reason."""

    prepared: Prepared
    apart: Apart
    refusals: tuple[str, ...] = ()
    refusal: str = ""


class _Gate:
    def __init__(self, request: GateRequest, job: BuildJob) -> None:
        self._request = request
        self._job = job
        self._data = request.spec.data
        self._lines: tuple[Line, ...] = tuple(parse_line(line.text) for line in request.spec.gate)

    async def judged(self) -> _Judged:
        """Gate zero first; the rows only where a line needs them and gate zero has nothing against it."""
        seen = await self._seen()
        prepared, refusals = seen.prepared, seen.refusals
        known = await self._known(prepared)
        if known is None and not refusals and self._needs_rows() and not await self._is_spent(prepared):
            sample, zero, known = await self._together(seen)
        else:
            sample, zero = await self._zero(seen, known=known is not None)
        blank = GateInput(self._lines, prepared.holdout, Answers(self._request.release), zero=zero, refusals=refusals)
        failed = any(check.verdict is Verdict.FAIL for check in zero)
        if failed or refusals or not self._needs_rows():
            outcome = judge(replace(blank, process=self._process(sample)))
            return _Judged(outcome, refusal=seen.refusal if outcome.refusals else "")
        return await self._on_rows(blank, prepared, known)

    async def _on_rows(self, blank: GateInput, prepared: Prepared, known: Scored | None) -> _Judged:
        ledger, digest = await self._ledger(), prepared.holdout.digest
        seen = look(ledger, self._request.release, prepared.table, ALPHA)
        if seen.alpha is None:
            return _Judged(judge(replace(blank, refusals=(HOLDOUT_SPENT,))), digest, refusal=Refusal.SPENT)
        candidate = known or await self._ask("candidate", self._request.release, prepared)
        if candidate.answers.trouble:
            failed = start_check(candidate.answers.trouble)
            return _Judged(judge(replace(blank, zero=(*blank.zero, failed))), digest)
        champion = await self._reference("champion", self._request.champion, prepared)
        best = await self._reference("best", self._request.best, prepared)
        spend = Spend(seen.query, seen.left, seen.alpha)
        given = replace(blank, candidate=candidate.answers, spend=spend, process=self._process(candidate))
        outcome = judge(replace(given, champion=_answers(champion), best=_answers(best)))
        scored = [one for one in (candidate, champion, best) if one is not None]
        stored = stored_scores(prepared, scored, seen.after if outcome.query else ledger)
        scores = await self._job.ports.artifacts.put(write_scores(stored))
        return _Judged(outcome, digest, scores, Refusal.ROWS if outcome.refusals else "")

    async def _seen(self) -> _Seen:
        blank = _Seen(prepare({}, self._data), Apart(words="the held-out rows were not read, so nothing was compared"))
        if not self._needs_rows():
            return blank
        path = await fetch_holdout(self._job)
        if path is None:
            words = f"the holdout {self._data.holdout} is neither in the commit nor beside it"
            return replace(blank, refusals=(words,), refusal=Refusal.MISSING)
        try:
            table = self._job.ports.tables.read(str(path))
        except UserMistake as error:
            return replace(blank, refusals=(f"the holdout cannot be read: {error}",), refusal=Refusal.ROWS)
        prepared = prepare(table.columns, self._data)
        absent = [name for name in _columns_of(self._request.signature) if name not in table.columns]
        missing = tuple(f'the holdout has no column "{name}", which the candidate reads' for name in absent)
        apart = await apart_by(self._request.provenance, table, path.stat().st_size, self._job)
        return _refused(prepared, apart, (*prepared.refusals, *missing))

    def _needs_rows(self) -> bool:
        return any(not isinstance(line, ProcessLine) for line in self._lines)

    def _static_checks(self, apart: Apart) -> tuple[CheckResult, ...]:
        """What gate zero says without starting anything."""
        request = self._request
        checks = [
            label_check(request.signature, self._data.label),
            signature_check(request.champion_signature, request.signature, breaking=request.spec.breaking),
        ]
        if self._needs_rows():
            checks.append(apart_check(apart))
        return tuple(checks)

    async def _zero(self, seen: _Seen, *, known: bool) -> tuple[Scored | None, tuple[CheckResult, ...]]:
        request, checks = self._request, self._static_checks(seen.apart)
        blob = (request.provenance.get("sample") or {}).get("rows", "")
        if known or not blob:
            return None, checks
        self._job.work.progress("answering the sample rows of the build")
        path = Path(self._job.work.folder) / "sample.json"
        path.write_bytes(await self._job.ports.artifacts.read(parse_digest(blob)))
        found = await ask(request.release, path, self._job)
        if isinstance(found, Unscored):
            return None, (*checks, start_check(found.words))
        return found, (*checks, answers_check(json.loads(path.read_bytes()), found.answers))

    async def _together(self, seen: _Seen) -> tuple[Scored | None, tuple[CheckResult, ...], Scored | None]:
        """The sample rows and the holdout's in one process: loading a model's libraries costs more than its answers.

        Where the two cannot lie in one table only the sample is answered here.
        """
        blob = (self._request.provenance.get("sample") or {}).get("rows", "")
        recorded = json.loads(await self._job.ports.artifacts.read(parse_digest(blob))) if blob else {}
        table = joined(recorded.get("rows", ()), seen.prepared.table.columns, _columns_of(self._request.signature))
        if table is None:
            return *await self._zero(seen, known=False), None
        checks = self._static_checks(seen.apart)
        self._job.work.progress(f"asking the candidate about {table.rows:,} rows")
        found = await ask(self._request.release, table, self._job)
        if isinstance(found, Unscored):
            return None, (*checks, start_check(found.words)), None
        sample, rows = parted(found, len(recorded["rows"]))
        return sample, (*checks, answers_check(recorded, sample.answers)), rows

    async def _is_spent(self, prepared: Prepared) -> bool:
        return look(await self._ledger(), self._request.release, prepared.table, ALPHA).alpha is None

    async def _ledger(self) -> Ledger:
        """The ledger that travels in the newest verdict's scores.

        Where it cannot be read nothing is judged: a count that silently began anew would spend what is spent.
        """
        if not self._request.ledger:
            return Ledger()
        return read_scores(await self._job.ports.artifacts.read(parse_digest(self._request.ledger))).ledger

    async def _known(self, prepared: Prepared) -> Scored | None:
        """The candidate's own answers of an earlier verdict; None where they do not say what this gate asks."""
        found = await self._stored(self._request.release, prepared)
        is_timed = found is not None and bool(found.latency_seconds)
        return found if is_timed or not times_answers(self._request.spec) else None

    async def _stored(self, release: str, prepared: Prepared) -> Scored | None:
        digest = self._request.scores.get(release)
        if not digest:
            return None
        try:
            stored = read_scores(await self._job.ports.artifacts.read(parse_digest(digest)))
        except Unavailable:
            return None  # stored answers only save work: the release is asked again
        return scores_of(stored, release, prepared)

    async def _reference(self, name: str, release: str, prepared: Prepared) -> Scored | None:
        if not release:
            return None
        return await self._stored(release, prepared) or await self._ask(name, release, prepared)

    async def _ask(self, name: str, release: str, prepared: Prepared) -> Scored:
        self._job.work.progress(f"asking the {name} about {len(prepared.holdout.keys):,} rows")
        columns = {column: values for column, values in prepared.table.columns.items() if column != self._data.label}
        found = await ask(release, Table(columns), self._job)
        return Scored(Answers(release, trouble=found.words)) if isinstance(found, Unscored) else found

    def _process(self, scored: Scored | None) -> Process:
        known = {
            str(column["name"]): column["categories"]
            for column in self._request.signature.get("columns", ())
            if column.get("categories")
        }
        return Process(known=known) if scored is None else Process(scored.latency_seconds, scored.memory_bytes, known)


def _refused(prepared: Prepared, apart: Apart, unfit: tuple[str, ...]) -> _Seen:
    """The rows with everything that speaks against judging on them; what makes them unfit is told first."""
    if not apart.refuse:
        return _Seen(prepared, apart, unfit, Refusal.ROWS if unfit else "")
    shared = apart.overlap is not None
    words = f"{apart.overlap['sentence']}; keep them apart" if apart.overlap is not None else apart.words
    kind = Refusal.ROWS if unfit else Refusal.SHARED if shared else Refusal.UNCOMPARED
    return _Seen(prepared, apart, (*unfit, words), kind)


def _answers(scored: Scored | None) -> Answers | None:
    return None if scored is None else scored.answers


def _columns_of(signature: Mapping[str, Any]) -> list[str]:
    return [str(column["name"]) for column in signature.get("columns", ())]
