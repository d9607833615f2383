"""Acts on one service or on all, as they are typed."""

import re

from tests.doors.conftest import Type
from tests.doors.town import LIVE, Town
from windlass.facts.ledger import Fact
from windlass.facts.types import Thawed

ISO = re.compile(r"\d{4}-\d\d-\d\dT")
SERVICES = ("churn", "doctor-visits", "fraud")


async def add_services(town: Town) -> None:
    """Let there be two more services."""
    engine = town.world.engine
    assert engine is not None
    facts = [Fact(name, engine.ports.clock.now(), Thawed("ann", "")) for name in ("churn", "fraud")]
    await engine.record(lambda stored: facts)


def test_resume_of_all_undoes_freeze_of_all(typed: Type, made: Town) -> None:
    """Without a name `freeze` freezes every service, `resume` lets every frozen one move again, and each is named."""
    made.play(*LIVE)
    made.run(add_services(made))
    made.open()
    frozen = typed("freeze --reason holiday")
    assert (0, [*SERVICES]) == (frozen.code, [line.partition(":")[0] for line in frozen.out.splitlines()])
    assert 0 == typed("resume fraud").code
    resumed = typed("resume")
    assert (0, ["churn", "doctor-visits"]) == (
        resumed.code,
        [line.partition(":")[0] for line in resumed.out.splitlines()],
    )
    nothing = typed("resume")
    assert (2, True) == (nothing.code, "there are several services: churn, doctor-visits, fraud" in nothing.err)


def test_a_time_is_told_in_one_form(typed: Type, made: Town) -> None:
    """When a freeze ends is told in the local zone by its name, in the answer, in `status` and in `why`."""
    made.play(*LIVE)
    made.open()
    until = re.compile(r"until (2100-01-01 )?[0-9:]{8} \S+( \(in [0-9,]+ d\))?")
    frozen = typed("freeze --reason holiday --until 2100-01-01T00:00Z")
    assert until.search(frozen.out) and frozen.out.endswith("d) or `windlass resume`\n")
    for verb in ("status", "why"):
        told = typed(verb).out
        assert not ISO.search(told), told
        assert re.search(r"until +\d{4}-\d\d-\d\d \d\d:00:00 \S+", told), told
