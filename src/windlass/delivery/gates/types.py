"""Gates: the verdicts, one check's result, the outcome of them all, the view and the reasons."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from windlass.delivery.gates.figures import confidence, distance, figure, rounded
from windlass.facts.observed import JobSeen
from windlass.kernel.instants import NEVER, Instant
from windlass.kernel.records import from_json, to_json

ATTEMPTS_MAX = 3  # a broken gate is tried as often as a broken build
RETRY_SECONDS = (15.0, 60.0)  # before the second and the third attempt
QUERIES_WARN = 10  # from here on one query may spend less than 0.03 %: the holdout sees little more


class Verdict(StrEnum):
    """`NOT_APPLICABLE` is said of a single check only; it neither passes nor blocks."""

    PASS = "pass"
    FAIL = "fail"
    UNSURE = "unsure"
    NOT_APPLICABLE = "not applicable"


class Refusal(StrEnum):
    """What kept a gate from judging. More rows would not help: each has its own way out."""

    MISSING = "missing"  # the holdout's path leads to no file
    ROWS = "rows"  # the table, or what `data:` says of it, is at fault
    SHARED = "shared"  # held-out rows were trained on
    UNCOMPARED = "uncompared"  # nobody can say whether they were
    SPENT = "spent"  # the rows were asked too often

    def until(self) -> str:
        """What is waited for, in words."""
        match self:
            case Refusal.MISSING:
                return "`data.holdout` leads to a file: correct it in a commit, or put the file there, `windlass retry`"
            case Refusal.ROWS:
                return "the held-out rows and `data:` fit: a commit, or `windlass retry` where the rows lie beside it"
            case Refusal.SHARED:
                return "a commit that keeps held-out rows out of the training data"
            case Refusal.UNCOMPARED:
                return "`windlass retry`, with the training data where the file says"
            case Refusal.SPENT:
                return "a commit with fresh labelled rows"
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True)
class Apart:
    """Whether held-out rows were kept out of training: the overlap that was found, else why nothing was compared.

    `refuse` says that the rows must not be judged on.
    """

    overlap: Mapping[str, Any] | None = None
    words: str = ""
    refuse: bool = False


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One gate line judged against one thing: a threshold, the champion, or the best release ever.

    `value`, `low` and `high` are the measured quantity with its one-sided bounds, each at confidence 1 - `alpha`: the
    metric itself for a threshold, candidate minus reference for a comparison. `threshold` and `margin` are in the same
    unit. `wanted` is >=, >, <= or <. `higher` says whether more is better. `better` says whether the bounds show the
    candidate better than the reference (True), worse (False), or neither. `exact` is False where the method is
    asymptotic. `labels_short` is how many more rows would probably turn an unsure check into a pass; None where more
    rows do not help. `margin_visible` is the smallest margin that an equal candidate would pass here with probability
    0.8, in the metric's unit.
    """

    line: str
    verdict: Verdict
    metric: str
    n: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    threshold: float | None = None
    margin: float | None = None
    relative_to: str = ""  # champion or best; empty for a threshold
    better: bool | None = None
    method: str = ""
    exact: bool = True
    labels_short: int | None = None
    alpha: float = 0.05
    unit: str = "share"
    higher: bool = True
    wanted: str = ">="
    candidate: float | None = None
    reference: float | None = None
    margin_visible: float | None = None
    note: str = ""

    def sentence(self) -> str:
        """What the check found, with its numbers and without a full stop."""
        if self.value is None:
            return f"{self.metric}: {self.note}" if self.metric else self.note
        said = self._compared() if self.relative_to else self._measured()
        if self.verdict is Verdict.UNSURE:
            said += ": not enough evidence" + self._short()
        return f"{said} ({self.note})" if self.note else said

    def _measured(self) -> str:
        limit = f"(wanted {self.wanted} {figure(self.threshold, self.unit)})"
        head = f"{self.metric} {figure(self.value, self.unit)}"
        if self.low is not None and self.low == self.high:
            return f"{head} {limit}"
        if self.verdict is Verdict.UNSURE:
            return f"{head}, between {figure(self.low, self.unit)} and {figure(self.high, self.unit)} {limit}"
        lower = (self.verdict is Verdict.PASS) == self.higher
        bound = f"at least {figure(self.low, self.unit)}" if lower else f"at most {figure(self.high, self.unit)}"
        return f"{head}, {bound} with {confidence(self.alpha)} confidence {limit}"

    def _compared(self) -> str:
        margin = self.margin or 0.0
        wanted = f"wanted {distance(margin, self.unit)} better" if margin else "wanted better"
        allowed = f"(allowed {distance(margin, self.unit)})" if margin > 0 else f"({wanted})"
        whose = f"than the {self.relative_to}"
        if self.verdict is Verdict.UNSURE:
            low, high = self._side(self.low), self._side(self.high)
            return f"{self.metric} is {self._side(self.value)} {whose}, bounds {low} and {high} {allowed}"
        passed = self.verdict is Verdict.PASS
        bound = self._bound(self.low if passed == self.higher else self.high, passed)
        return f"with {confidence(self.alpha)} confidence {self.metric} is {bound} {whose} {allowed}"

    def _bound(self, bound: float | None, passed: bool) -> str:
        gain = self._gain(bound)
        most = (gain < 0) == passed
        return f"{'at most' if most else 'at least'} {self._side(bound)}"

    def _side(self, difference: float | None) -> str:
        if difference is None:
            return "unknown"
        gain = self._gain(difference)
        return f"{distance(gain, self.unit)} {'worse' if gain < 0 else 'better'}"

    def _gain(self, difference: float | None) -> float:
        return (difference or 0.0) * (1 if self.higher else -1)

    def _short(self) -> str:
        return f", about {rounded(self.labels_short)} labels short" if self.labels_short else ""


def check_json(check: CheckResult) -> dict[str, Any]:
    """The check as facts and doors hold it: every field, and its sentence."""
    return {**to_json(check), "sentence": check.sentence()}


def check_of(value: Mapping[str, Any]) -> CheckResult:
    """The check that `check_json` wrote.

    Raises:
        ValueError: a key is unknown or missing, or a value has the wrong type.
    """
    return from_json(CheckResult, {name: item for name, item in value.items() if name != "sentence"})


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """Everything one look at the holdout came to.

    `refusals` say why nothing could be judged: then the verdict is unsure and no query was spent. `alpha` is what this
    query may spend; `query` counts from 1, 0 where none was spent.
    """

    verdict: Verdict
    checks: tuple[CheckResult, ...] = ()
    refusals: tuple[str, ...] = ()
    rows: int = 0
    query: int = 0
    queries_left: int = 0
    alpha: float = 0.05
    notes: tuple[str, ...] = ()

    @property
    def margin_visible(self) -> float | None:
        """The smallest margin that these rows can show, by the first comparison that was made."""
        return next((check.margin_visible for check in self.checks if check.margin_visible is not None), None)

    def sentence(self) -> str:
        """The verdict's reason in one sentence: the first check that decided it."""
        if self.refusals:
            return self.refusals[0]
        deciding = [check for check in self.checks if check.verdict is self.verdict]
        if self.verdict is Verdict.PASS and len(deciding) > 1:
            measured = [check for check in deciding if check.value is not None]
            told = next((check for check in measured if check.relative_to), (measured or deciding)[0])
            return f"all {len(deciding)} checks passed: {told.sentence()}"
        if deciding:
            return deciding[0].sentence()
        return "no check could be applied, and a gate without a check passes nothing"


class GateMove(StrEnum):
    NONE = "none"
    START = "start"
    WAIT = "wait"
    RECORD = "record"  # the running job has ended: make its result a fact


@dataclass(frozen=True, slots=True)
class VerdictSeen:
    """The newest verdict on a release, with what it was given against; `refusal` is empty where it was judged."""

    verdict: str
    sentence: str
    champion: str
    policy: str
    commit: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class GateView:
    """One release before its gate. `release` is empty where nothing waits for a verdict.

    `running` says that a gate job was started and has no result as a fact; `job` is that job as it is now. `attempt`
    counts attempts that broke since the last verdict; `broken_at` and `broken_words` tell of the last one. `cancelled`
    says that a person ended it; `broken_words` then say who.
    """

    release: str
    commit: str
    champion: str
    policy: str
    verdict: VerdictSeen | None = None
    running: bool = False
    job: JobSeen | None = None
    attempt: int = 0
    broken_at: Instant = NEVER
    broken_words: str = ""
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class NothingToJudge:
    def sentence(self) -> str:
        return "no release waits for a verdict"


@dataclass(frozen=True, slots=True)
class Judged:
    verdict: str
    words: str

    def sentence(self) -> str:
        return f"gate {self.verdict}: {self.words}"


@dataclass(frozen=True, slots=True)
class JudgeDue:
    """`why` says what made the judgement due: a new release, another champion, other gate lines, a newer commit."""

    release: str
    why: str
    attempt: int = 1

    def sentence(self) -> str:
        again = f", attempt {self.attempt}" if self.attempt > 1 else ""
        return f"release {self.release} is to be judged: {self.why}{again}"


@dataclass(frozen=True, slots=True)
class Judging:
    release: str
    progress: str

    def sentence(self) -> str:
        return f"judging release {self.release}" + (f": {self.progress}" if self.progress else "")


@dataclass(frozen=True, slots=True)
class JudgementEnded:
    release: str
    words: str

    def sentence(self) -> str:
        return f"the gate of release {self.release} ended: {self.words}"


@dataclass(frozen=True, slots=True)
class GateBroke:
    release: str
    words: str

    def sentence(self) -> str:
        return f"the gate of release {self.release} could not be run: {self.words}"


@dataclass(frozen=True, slots=True)
class GateStopped:
    """A person ended the judgement; `words` begin with "cancelled by"."""

    release: str
    words: str

    def sentence(self) -> str:
        return f"the gate of release {self.release} was {self.words}"
