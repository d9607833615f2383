"""What a pass says where something is not known: a file that can be read, or the report of a site."""

from tests.planner.test_plan import calls, counted, look, report, said
from windlass.facts import types as kinds
from windlass.facts.state import ServiceState
from windlass.testing.stories import SERVICE, moving, tell


def test_a_service_whose_only_file_was_refused_asks_for_nothing() -> None:
    """Before its first readable commit a service has the defaults: nothing is built, judged, placed or routed."""
    refused = kinds.ServiceRefused("/repo", "c1", ("windlass.yaml:1:1: modle: unknown field",))
    made_plan = look(tell(ServiceState(SERVICE), refused))
    assert ((), None) == (made_plan.facts, made_plan.slice)
    assert ("no commit wants this service", "no release is live yet") == (
        said(made_plan, "builds"),
        said(made_plan, "services"),
    )


def test_a_site_that_has_not_reported_yet_holds_the_rollout() -> None:
    """The counts of one site are no evidence while another may have counted harm that nobody has seen."""
    safe = report(counted("s3", "v2", calls(1_000)), counted("s3", "v1", calls(19_000)))
    held = look(moving(), safe, silent=("edge",))
    assert () == held.facts
    assert "its replicas are not ready yet: no report yet from edge" == said(held, "rollouts")
    assert () != look(moving(), safe).facts
