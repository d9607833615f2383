"""Which facts a commit makes: something changed, something cannot be read, or something is gone; and nothing twice."""

from collections.abc import Mapping
from dataclasses import replace

from tests.delivery.sources.trees import reading
from windlass.delivery.sources.decide import decide
from windlass.delivery.sources.types import CommitRead, ServiceSpec, SourceView, TreeReading
from windlass.facts.fold import fold
from windlass.facts.ledger import Fact
from windlass.facts.repositories import RepositoryState, fold_repository
from windlass.facts.state import BuildState, ServiceState
from windlass.facts.types import CommitSeen, Retired, ServiceAbsent, ServiceRefused, ServiceWanted, SourceComplained
from windlass.kernel.instants import Instant
from windlass.kernel.records import from_json

NOW = Instant(1_000)
TWO = {
    "windlass.yaml": "services: [api, fraud]\n",
    "api/windlass.yaml": "service: api\ntrain: t\n",
    "fraud/windlass.yaml": "service: fraud\ntrain: t\n",
}
ONE = {**TWO, "windlass.yaml": "services: [api]\n"}


class Home:
    """What the facts so far make true, as the engine keeps it."""

    def __init__(self) -> None:
        self.repository = RepositoryState("/repo", "main")
        self.services: dict[str, ServiceState] = {}

    def sees(self, commit: str, files: Mapping[str, str] | TreeReading, *, forced: bool = False) -> list[Fact]:
        """The facts of a commit; they are folded into what is known."""
        found = files if isinstance(files, TreeReading) else reading(files)
        read = CommitRead(commit, f"subject of {commit}", "Ann <ann@example.org>", forced)
        facts = decide(SourceView(self.repository, read, found, self.services), NOW)
        for fact in facts:
            assert NOW == fact.at
            self.learn(fact)
        return list(facts)

    def learn(self, fact: Fact) -> None:
        if fact.service:
            state = self.services.get(fact.service, ServiceState(fact.service))
            self.services[fact.service] = fold(state, fact)
        self.repository = fold_repository(self.repository, fact) or self.repository


def kinds(facts: list[Fact]) -> list[tuple[str, str]]:
    return [(fact.service, fact.kind) for fact in facts]


def home_with(files: Mapping[str, str] = TWO) -> Home:
    home = Home()
    home.sees("c1", files)
    return home


def test_the_first_commit_makes_its_services_wanted() -> None:
    """Each service gets the commit, its folder, its whole spec and both digests."""
    home = Home()
    facts = home.sees("c1", TWO)
    assert [("", "CommitSeen"), ("api", "ServiceWanted"), ("fraud", "ServiceWanted")] == kinds(facts)
    assert CommitSeen("/repo", "main", "c1", "subject of c1", "Ann <ann@example.org>") == facts[0].body
    body = facts[1].body
    assert isinstance(body, ServiceWanted)
    found = reading(TWO).services[0]
    assert ("/repo", "c1", "subject of c1", "Ann <ann@example.org>", "api") == (
        body.repository,
        body.commit,
        body.subject,
        body.author,
        body.folder,
    )
    assert (found.policy, found.build_key) == (body.policy, body.build_key)
    assert ServiceSpec(service="api", train="t") == from_json(ServiceSpec, body.spec)


def test_seeing_the_same_commit_again_makes_nothing() -> None:
    """A settled repository has no news, with and without complaints."""
    for files in (TWO, {**TWO, "api/windlass.yaml": "service: api"}, {}, {"windlass.yaml": "["}):
        home = home_with(files)
        assert [] == home.sees("c1", files)


def test_a_commit_that_touches_one_service_leaves_the_other_alone() -> None:
    """Only the changed service gets a fact; an empty commit is seen and wants nothing new."""
    home = home_with()
    changed = {**TWO, "api/train.py": "1"}
    assert [("", "CommitSeen"), ("api", "ServiceWanted")] == kinds(home.sees("c2", changed))
    assert [("", "CommitSeen")] == kinds(home.sees("c3", changed))
    policy = {**changed, "fraud/windlass.yaml": TWO["fraud/windlass.yaml"] + "replicas: 2\n"}
    assert [("", "CommitSeen"), ("fraud", "ServiceWanted")] == kinds(home.sees("c4", policy))


def test_a_moved_service_is_wanted_from_its_new_folder() -> None:
    """Equal content elsewhere is news, since a build must look there."""
    home = home_with()
    moved = {"windlass.yaml": "services: [web, fraud]\n", "web/windlass.yaml": TWO["api/windlass.yaml"]}
    facts = home.sees("c2", {**moved, "fraud/windlass.yaml": TWO["fraud/windlass.yaml"]})
    assert [("", "CommitSeen"), ("api", "ServiceWanted")] == kinds(facts)
    assert isinstance(facts[1].body, ServiceWanted)
    assert "web" == facts[1].body.folder


def test_a_bad_file_is_refused_and_the_last_good_one_stays() -> None:
    """The complaints are told once, at the service and at the repository; the wanted commit stays."""
    home = home_with()
    bad = {**TWO, "api/windlass.yaml": "service: api\ntrian: t\n"}
    facts = home.sees("c2", bad)
    assert [("", "CommitSeen"), ("", "SourceComplained"), ("api", "ServiceRefused")] == kinds(facts)
    body = facts[2].body
    assert isinstance(body, ServiceRefused)
    assert ("/repo", "c2") == (body.repository, body.commit)
    assert 'api/windlass.yaml:2:1: trian: is not a key; did you mean "train"?' in body.complaints
    assert SourceComplained("/repo", "c2", body.complaints) == facts[1].body
    assert [("", "CommitSeen")] == kinds(home.sees("c3", bad))
    wanted = home.services["api"].wanted
    assert wanted is not None
    assert "c1" == wanted.commit


def test_a_repaired_file_clears_its_complaints() -> None:
    """Going back to the very same content is news, because the service was refused in between."""
    home = home_with()
    home.sees("c2", {**TWO, "api/windlass.yaml": "service: api\n"})
    facts = home.sees("c3", TWO)
    assert [("", "CommitSeen"), ("", "SourceComplained"), ("api", "ServiceWanted")] == kinds(facts)
    assert SourceComplained("/repo", "c3", ()) == facts[1].body
    assert () == home.services["api"].refused


def test_a_file_without_a_readable_name_belongs_to_its_folder() -> None:
    """The service that came from there is refused; where none did, only the repository complains."""
    home = home_with()
    for commit, text in (("c2", "["), ("c3", "service: Api\ntrain: t\n")):
        broken = {**TWO, "api/windlass.yaml": text}
        expected = [("", "CommitSeen"), ("", "SourceComplained"), ("api", "ServiceRefused")]
        assert expected == kinds(home.sees(commit, broken))
    assert [("", "CommitSeen"), ("", "SourceComplained")] == kinds(Home().sees("c1", {"windlass.yaml": "["}))


def test_an_unknown_name_in_a_bad_file_makes_no_service() -> None:
    """A bad file that also calls its service otherwise is about the one that was wanted from there; once it is right
    again nothing is left of the other name. Where no service was wanted the name is a new one."""
    home = home_with()
    refused = home.sees("c2", {**TWO, "fraud/windlass.yaml": "service: fruad\ntrain: 1\n"})
    assert [("fraud", "ServiceRefused")] == kinds(refused)[2:]
    home.sees("c3", TWO)
    assert ({"api", "fraud"}, ()) == (set(home.services), home.services["fraud"].refused)
    home.learn(Fact("fraud", NOW, Retired("ann", "")))
    again = home.sees("c4", {**TWO, "fraud/windlass.yaml": "service: risk\ntrain: 1\n"})
    assert [("risk", "ServiceRefused")] == kinds(again)[2:]


def test_complaints_of_two_files_about_one_service_are_one_fact() -> None:
    """Two files with one name refuse the service once, with both complaints."""
    home = home_with()
    facts = home.sees("c2", {**TWO, "fraud/windlass.yaml": "service: api\ntrain: t\n"})
    assert [("", "CommitSeen"), ("", "SourceComplained"), ("api", "ServiceRefused")] == kinds(facts)
    assert isinstance(facts[2].body, ServiceRefused)
    assert 2 == len(facts[2].body.complaints)


def test_a_service_gone_from_the_branch_is_absent_and_nothing_more() -> None:
    """It is said once, with the commit; a service that comes back is wanted again although nothing changed."""
    home = home_with()
    facts = home.sees("c2", ONE)
    assert [("", "CommitSeen"), ("fraud", "ServiceAbsent")] == kinds(facts)
    assert ServiceAbsent("c2") == facts[1].body
    assert [("", "CommitSeen")] == kinds(home.sees("c3", ONE))
    assert [("", "CommitSeen"), ("fraud", "ServiceWanted")] == kinds(home.sees("c4", TWO))


def test_a_deleted_root_file_makes_every_service_absent() -> None:
    """The complaint says what is missing, and each service keeps its last wanted state."""
    home = home_with()
    facts = home.sees("c2", {"README.md": ""})
    expected = [("", "CommitSeen"), ("", "SourceComplained"), ("api", "ServiceAbsent"), ("fraud", "ServiceAbsent")]
    assert expected == kinds(facts)
    assert all(state.wanted for state in home.services.values())


def test_what_cannot_be_read_makes_nobody_absent() -> None:
    """A broken root file, a dangerous path, or a broken file in a service's folder hold all that they may hide."""
    for files in ({"windlass.yaml": "["}, {**ONE, "a\nb": ""}, {**TWO, "windlass.yaml": "services: [api, fraud, x]\n"}):
        home = home_with()
        assert [("", "CommitSeen"), ("", "SourceComplained")] == kinds(home.sees("c2", files))[:2]
        assert not any(state.absent_since for state in home.services.values())
    home = home_with()
    renamed = home.sees("c2", {**TWO, "fraud/windlass.yaml": "service: risk\n"})
    assert [("fraud", "ServiceRefused")] == kinds(renamed)[2:]


def test_a_renamed_service_is_a_new_one() -> None:
    """The new name is wanted and the old one is absent."""
    facts = home_with().sees("c2", {**TWO, "fraud/windlass.yaml": "service: risk\ntrain: t\n"})
    assert [("", "CommitSeen"), ("risk", "ServiceWanted"), ("fraud", "ServiceAbsent")] == kinds(facts)


def test_a_name_of_another_repository_is_not_taken_over() -> None:
    """The other repository's service stays untouched, good file or bad, until it is retired."""
    home = home_with()
    state = home.services["api"]
    assert state.wanted is not None
    home.services["api"] = replace(state, wanted=replace(state.wanted, repository="/other"))
    facts = home.sees("c2", TWO)
    assert [("", "CommitSeen"), ("", "SourceComplained")] == kinds(facts)
    what = '"api" is already the service of /other; give one of them another name, or retire that one'
    assert SourceComplained("/repo", "c2", (f"api/windlass.yaml: service: {what}",)) == facts[1].body
    bad = home.sees("c3", {**TWO, "api/windlass.yaml": "service: api\n"})
    assert [("", "CommitSeen"), ("", "SourceComplained")] == kinds(bad)
    assert ["fraud"] == [fact.service for fact in home.sees("c4", {}) if isinstance(fact.body, ServiceAbsent)]
    home.learn(Fact("api", NOW, Retired("ann", "moved")))
    assert ("api", "ServiceWanted") in kinds(home.sees("c5", TWO))


def test_a_retired_service_stays_down_until_it_changes() -> None:
    """A commit that leaves its file as it is does not bring it back; a change does."""
    home = home_with()
    home.learn(Fact("api", NOW, Retired("ann", "done")))
    assert [("", "CommitSeen")] == kinds(home.sees("c2", TWO))
    assert [("", "CommitSeen"), ("api", "ServiceWanted")] == kinds(home.sees("c3", {**TWO, "api/x.py": ""}))


def test_a_later_commit_builds_again_after_a_failed_build() -> None:
    """A failed build is no result, so an equal later commit asks for it again, once."""
    home = home_with()
    state = home.services["api"]
    assert state.wanted is not None
    failed = BuildState(state.wanted.build_key, "c1", "failed", "job", 1, NOW)
    home.services["api"] = replace(state, builds={failed.build_key: failed})
    assert [] == home.sees("c1", TWO)
    assert [("", "CommitSeen"), ("api", "ServiceWanted")] == kinds(home.sees("c2", TWO))
    assert [("", "CommitSeen")] == kinds(home.sees("c3", TWO))
    home.services["api"] = replace(home.services["api"], builds={"k": replace(failed, commit="c2", state="made")})
    assert [("", "CommitSeen")] == kinds(home.sees("c4", TWO))


def test_a_rewritten_history_is_a_complaint_until_the_next_commit() -> None:
    """What runs keeps running, and the complaint names the commit where it happened."""
    home = home_with()
    facts = home.sees("c2", TWO, forced=True)
    assert [("", "CommitSeen"), ("", "SourceComplained")] == kinds(facts)
    assert isinstance(facts[0].body, CommitSeen)
    assert facts[0].body.forced
    what = "its history was rewritten at c2; what runs keeps running, and approvals of old commits do not carry over"
    assert (f"main: {what}",) == home.repository.complaints
    assert [] == home.sees("c2", TWO)
    assert SourceComplained("/repo", "c3", ()) == home.sees("c3", TWO)[1].body


def test_complaints_of_the_commit_come_before_those_of_its_files() -> None:
    """Their order is that of the reading, so that equal complaints are equal."""
    files = {**TWO, "windlass.yaml": "services: [api, fraud, x]\n", "api/windlass.yaml": "service: api\n"}
    home = home_with(files)
    first, second = home.repository.complaints
    assert first.startswith("windlass.yaml:1:24: services[2]: ")
    assert second.startswith("api/windlass.yaml:1:1: ")
