"""What people and sites may ask of the engine, and what they are answered."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from windlass.adapters.simulated.compute import Outcome, SimulatedCompute
from windlass.adapters.simulated.git import SimulatedGit
from windlass.adapters.simulated.store import SimulatedArtifacts, SimulatedLeftovers, SimulatedMachine, SimulatedSigner
from windlass.adapters.simulated.world import SimulatedChance, SimulatedClock
from windlass.adapters.sites import MailboxSites
from windlass.adapters.store.sqlite import SqliteStore
from windlass.engine import commands
from windlass.engine.commands import ANSWER_SECONDS, KEY_SECONDS, VERBS, Act, Principal
from windlass.engine.loop import Engine
from windlass.engine.ports import EnginePorts
from windlass.engine.queries import status
from windlass.facts import types as kinds
from windlass.facts.counts import SiteReport
from windlass.facts.ledger import Fact
from windlass.kernel.digests import digest_of
from windlass.kernel.errors import Refused, Unavailable, UserMistake, WindlassError
from windlass.ports.compute import JobRequest, JobSeen
from windlass.ports.store import FactQuery
from windlass.testing.stories import BEGINNING, SERVICE, first_release, release

ANN, BOB = Principal("ann"), Principal("bob")
REPOSITORY = "/repo"
SPEC = b"service: doctor-visits\ntrain: python train.py\n"


class Patient(SimulatedClock):
    """Whoever sleeps lets the control plane make a pass, unless it is `stopped`."""

    engine: Engine | None = None
    stopped = False

    async def sleep(self, seconds: float) -> None:
        """A pass of the loop, in no time."""
        await super().sleep(seconds)
        if self.engine is not None and not self.stopped:
            await self.engine.turn()


def endless(request: JobRequest) -> Outcome:
    """A job that never ends."""
    return Outcome(1e9, JobSeen(request.job, request.kind, request.service, "running", BEGINNING))


class Scene:
    """A service whose first release serves, and people who ask."""

    def __init__(self) -> None:
        self.clock = Patient()
        self.git = SimulatedGit()
        self.machine = SimulatedMachine()
        self.spec = SPEC
        self.store = SqliteStore(":memory:", executor="inline")
        ports = EnginePorts(
            clock=self.clock,
            chance=SimulatedChance(1),
            store=self.store,
            git=self.git,
            compute=SimulatedCompute(self.clock, endless),
            artifacts=SimulatedArtifacts(self.clock),
            sites=MailboxSites(),
            signer=SimulatedSigner(),
            machine=self.machine,
            leftovers=SimulatedLeftovers(),
        )
        self.clock.engine = self.engine = Engine(ports)
        self.tell(*first_release())

    def tell(self, *bodies: Any) -> None:
        """Store facts about the service."""
        self.run(self.engine.record(lambda _: [Fact(SERVICE, self.clock.now(), body) for body in bodies]))

    def run(self, work: Any) -> Any:
        """Wait for a command."""
        return asyncio.run(work)

    def ask(self, verb: str, *, who: Principal = ANN, service: str = SERVICE, key: str = "", **more: Any) -> str:
        """The answer to an act, or the error in words."""
        try:
            return f"done: {self.run(commands.ask(self.engine, who, Act(verb, service, 'because', more, key)))}"
        except WindlassError as error:
            return f"{type(error).__name__}: {error}"

    def push(self, subject: str, branch: str = "main") -> None:
        """A commit on a branch of the repository."""
        self.git.commit(REPOSITORY, subject, {"windlass.yaml": self.spec, "train.py": subject.encode()}, branch=branch)

    def facts(self, *kinds: str) -> list[Any]:
        """Stored facts of some kinds."""
        return [fact.body for fact in self.run(self.store.facts(FactQuery(kinds=kinds)))]


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.run(made.store.close())


ACTS = [
    ("freeze", {}, "done: no traffic moves until `windlass resume`"),
    ("pause", {}, "Refused: services/doctor-visits: no rollout is under way"),
    ("resume", {}, "Refused: services/doctor-visits: nothing is paused or frozen"),
    (
        "promote",
        {"release": "12345678"},
        "Refused: services/doctor-visits: no release is called 12345678; name at least 8",
    ),
    ("rollback", {}, "Refused: services/doctor-visits: there is no earlier release to go back to"),
    ("retry", {"fresh_env": True}, "done: commit "),
    ("retire", {}, "done: the service is taken down"),
]


@pytest.mark.parametrize(("verb", "arguments", "answer"), ACTS, ids=[act[0] for act in ACTS])
def test_an_act_is_answered_by_a_pass(scene: Scene, verb: str, arguments: dict[str, Any], answer: str) -> None:
    """Every act is a fact with who and why, and its answer is what the next pass made of it."""
    assert scene.ask(verb, **arguments).startswith(answer)
    (asked,) = scene.facts("ActAsked")
    assert (verb, "ann", "because", arguments) == (asked.verb, asked.who, asked.reason, dict(asked.arguments))
    (ended,) = scene.facts("ActEnded")
    assert (asked.act, "done" if answer.startswith("done") else "refused") == (ended.act, ended.outcome)


def test_what_is_no_act_leaves_no_trace(scene: Scene) -> None:
    """An unknown verb or service is refused with what is possible, before anything is stored."""
    assert scene.ask("dance") == f"UserMistake: there is no act called dance; use {', '.join(VERBS)}"
    assert "UserMistake: there is no service nope; known: doctor-visits" == scene.ask("freeze", service="nope")
    assert [] == scene.facts("ActAsked", "ActEnded")


def test_an_act_outlives_a_loop_that_stands_still(scene: Scene) -> None:
    """Where no pass comes in time the person is told that the act is stored, and a later pass carries it out."""
    scene.clock.stopped = True
    began = scene.clock.now()
    with pytest.raises(Unavailable, match="the act is stored and will be answered; `windlass why doctor-visits`"):
        scene.run(commands.ask(scene.engine, ANN, Act("freeze", SERVICE, "x", {})))
    assert ANSWER_SECONDS == pytest.approx((scene.clock.now() - began) / 1000, abs=0.1)
    assert ([], 1) == (scene.facts("ActEnded"), len(scene.facts("ActAsked")))
    scene.clock.stopped = False
    scene.run(scene.engine.turn())
    assert "done" == scene.facts("ActEnded")[0].outcome


def test_a_refusal_names_the_service(scene: Scene) -> None:
    """What is refused is a `Refused`, so that every door answers with its own code for it."""
    with pytest.raises(Refused) as refused:
        scene.run(commands.ask(scene.engine, ANN, Act("pause", SERVICE, "", {})))
    assert ("act-refused", "services/doctor-visits") == (refused.value.code, refused.value.where)


def with_data_outside(scene: Scene) -> kinds.ServiceWanted:
    """What is wanted once a commit was seen that learns from rows which Git does not hold."""
    scene.spec = SPEC + b"data: {train: rows.csv}\n"
    scene.machine.data["/repo/rows.csv"] = digest_of(b"rows")
    scene.push("v1")
    scene.run(commands.watch_repository(scene.engine, ANN, REPOSITORY, "main"))
    scene.run(scene.clock.sleep(10.0))
    wanted = scene.facts("ServiceWanted")[-1]
    assert isinstance(wanted, kinds.ServiceWanted)
    return wanted


def test_retry_builds_with_the_data_of_now(scene: Scene) -> None:
    """Data that changed beside a commit start nothing by themselves; `retry` builds with them, and only where they
    changed."""
    wanted = with_data_outside(scene)
    assert wanted.build_key == scene.facts("BuildStarted")[-1].build_key
    scene.tell(made_of(wanted), kinds.AlreadyLive(wanted.commit, release("v1")))
    assert "Refused: services/doctor-visits: nothing failed and nothing is quarantined" == scene.ask("retry")
    scene.machine.data["/repo/rows.csv"] = digest_of(b"other rows")
    commands.sync(scene.engine)
    scene.run(scene.clock.sleep(10.0))
    assert wanted == scene.facts("ServiceWanted")[-1]
    assert f"done: commit {wanted.commit[:12]} is built with the data of now" == scene.ask("retry")
    again = scene.facts("ServiceWanted")[-1]
    assert (wanted.commit, True) == (again.commit, wanted.build_key != again.build_key)
    started = scene.facts("BuildStarted")[-1]
    assert (again.build_key, {"data.train": digest_of(b"other rows")}) == (started.build_key, started.request["data"])


def test_a_build_that_met_other_data_is_tried_again_with_those_of_now(scene: Scene) -> None:
    """Changed data start nothing by themselves, also where they broke the build; `retry` takes those of now."""
    wanted = with_data_outside(scene)
    scene.machine.data["/repo/rows.csv"] = digest_of(b"other rows")
    scene.tell(kinds.BuildFailed(wanted.commit, wanted.build_key, "user", "data.train: changed"))
    scene.run(scene.clock.sleep(100.0))
    assert wanted.build_key == scene.facts("BuildStarted")[-1].build_key
    assert scene.ask("retry").startswith("done: commit ")
    assert {"data.train": digest_of(b"other rows")} == scene.facts("BuildStarted")[-1].request["data"]


def test_the_values_behind_references_are_in_no_fact_and_no_status(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The control plane knows the names of variables and files, and never what is in them."""
    monkeypatch.setenv("SCORING_TOKEN", "from-a-variable")
    (tmp_path / "secret").write_text("from-a-file")
    scene.spec = SPEC + f"env: {{TOKEN: 'env:SCORING_TOKEN', KEY: 'file:{tmp_path}/secret', PLAIN: shown}}\n".encode()
    scene.push("v1")
    scene.run(commands.watch_repository(scene.engine, ANN, REPOSITORY, "main"))
    scene.run(scene.clock.sleep(10.0))
    told = str([scene.facts("ServiceWanted"), scene.facts("BuildStarted"), scene.run(status(scene.engine, SERVICE))])
    assert all(words in told for words in ("env:SCORING_TOKEN", f"file:{tmp_path}/secret", "shown"))
    assert "from-a-variable" not in told and "from-a-file" not in told


def made_of(wanted: kinds.ServiceWanted) -> kinds.ReleaseMade:
    """Its build ended in what is live."""
    return kinds.ReleaseMade(wanted.commit, wanted.build_key, release("v1"), 1.0, 10, "skops")


def test_the_same_key_is_carried_out_once(scene: Scene) -> None:
    """A repeated request gets the first answer, however many acts came between; another body, or another person's same
    key, is another matter."""
    first = scene.ask("freeze", key="k1")
    for _ in range(25):
        scene.ask("resume")
    assert first == scene.ask("freeze", key="k1")
    assert 1 == sum(fact.verb == "freeze" for fact in scene.facts("ActAsked"))
    assert scene.ask("freeze", key="k1", until=scene.clock.now() + 1000).startswith(
        "UserMistake: this Idempotency-Key was used for another request; use a new key"
    )
    assert first == scene.ask("freeze", key="k1", who=BOB)
    assert ["ann", "bob"] == [fact.who for fact in scene.facts("ActAsked") if fact.verb == "freeze"]


def test_a_key_counts_for_one_route_and_one_day(scene: Scene) -> None:
    """The same key on another verb is another request, and after a day it is one on the same verb too."""
    first = scene.ask("freeze", key="k1")
    assert scene.ask("resume", key="k1").startswith("done: traffic may move again")
    assert "UserMistake: there is no service nope; known: doctor-visits" == scene.ask(
        "freeze", key="k1", service="nope"
    )
    scene.clock.advance(KEY_SECONDS - 600)
    assert first == scene.ask("freeze", key="k1")
    assert 1 == sum(fact.verb == "freeze" for fact in scene.facts("ActAsked"))
    scene.clock.advance(600)
    until = scene.clock.now() + 10**9
    again = [scene.ask("freeze", key="k1", until=until) for _ in range(2)]
    assert again[0] == again[1] != first
    names = [fact.act for fact in scene.facts("ActAsked") if fact.verb == "freeze"]
    assert [names[0], f"{names[0]}.2"] == names


def test_watching_twice_is_watching_once(scene: Scene) -> None:
    """A branch that is watched already makes no fact; another one does, and it is looked at in the next pass."""
    scene.push("v8")
    scene.push("v9", "next")
    for who, branch in ((ANN, "main"), (BOB, "main"), (BOB, "next")):
        scene.run(commands.watch_repository(scene.engine, who, REPOSITORY, branch))
    assert [("main", "ann"), ("next", "bob")] == [(one.branch, one.who) for one in scene.facts("RepositoryWatched")]
    scene.run(scene.engine.turn())
    assert ["v9"] == [one.subject for one in scene.facts("CommitSeen")]


def test_a_branch_that_is_not_there_is_not_watched(scene: Scene) -> None:
    """A wrong branch or repository is told at once, and nothing is stored."""
    scene.push("v8")
    with pytest.raises(UserMistake, match="there is no branch nope"):
        scene.run(commands.watch_repository(scene.engine, ANN, REPOSITORY, "nope"))
    scene.git.broken["/away"] = "no such disk"
    with pytest.raises(Unavailable, match="no such disk"):
        scene.run(commands.watch_repository(scene.engine, ANN, "/away", "main"))
    assert [] == scene.facts("RepositoryWatched")


def test_a_look_ends_when_the_commit_is_known(scene: Scene) -> None:
    """Whoever asks for a look at Git finds the newest commit afterwards; where no pass comes to its end it is said."""
    scene.push("v8")
    scene.run(commands.watch_repository(scene.engine, ANN, REPOSITORY, "main"))
    scene.run(scene.clock.sleep(10.0))
    scene.push("v9")
    scene.run(commands.look(scene.engine))
    assert "v9" == scene.facts("CommitSeen")[-1].subject
    scene.clock.stopped = True
    with pytest.raises(Unavailable, match="Git was not read within 15 s"):
        scene.run(commands.look(scene.engine))


def test_hints_wake_the_loop(scene: Scene) -> None:
    """`sync` looks at Git at once, and a report of a site is looked at in the next pass."""
    scene.push("v8")
    scene.run(commands.watch_repository(scene.engine, ANN, REPOSITORY, "main"))
    scene.run(scene.engine.turn())
    scene.push("v9")
    scene.engine.woken = False
    commands.sync(scene.engine)
    assert scene.engine.woken
    scene.run(scene.engine.turn())
    assert "v9" == scene.facts("CommitSeen")[-1].subject
    scene.engine.woken = False
    commands.accept_report(scene.engine, SiteReport("elsewhere", 0, seq=1, at=BEGINNING))
    assert scene.engine.woken
    assert "elsewhere" in [report.site for report, _ in scene.engine.ports.sites.reports()]
