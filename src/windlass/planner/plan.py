"""The pass over one service: one line for each stage, in loop order.

This is the only place where one stage's answer becomes the next one's input. A stage's move becomes facts
(`consequences.py`), the facts change the state, and the next stage's view (`views.py`) is made from that state.
"""

from windlass.delivery.builds import decide as builds
from windlass.delivery.gates import decide as gates
from windlass.delivery.placements import decide as placements
from windlass.delivery.releases import decide as releases
from windlass.delivery.rollouts import decide as rollouts
from windlass.delivery.services import decide as services
from windlass.planner import consequences, people, views
from windlass.planner.types import Draft, ServicePlan, Snapshot


def plan(snapshot: Snapshot) -> ServicePlan:
    """What shall happen to one service now, and why. Planning twice from the same snapshot gives the same plan."""
    now = snapshot.now
    spec = snapshot.spec or views.spec_of(snapshot.state)
    draft = people.adopt_journals(Draft(snapshot, snapshot.state, spec))
    draft = people.answer_acts(draft)
    if draft.state.retired:
        return ServicePlan(draft.state.service, draft.facts, draft.state, None)

    build = builds.decide(views.build_view(draft), now)
    draft = consequences.of_build(draft, build)

    release = releases.decide(views.releases_view(draft), now)
    draft = consequences.of_release(draft, release)

    gate_view = views.gate_view(draft)
    if gate_view is not None:
        draft = consequences.of_gate(draft, gates.decide(gate_view, now))

    weighed = views.weighed(draft)
    rollout_view = views.rollout_view(draft, weighed.evidence)
    draft = consequences.of_rollout(draft, rollouts.decide(rollout_view, now))

    placement_view = views.placement_view(draft)
    draft = draft.with_report("placements", placements.decide(placement_view, now))
    placed = placements.placed(placement_view)

    service_view = views.service_view(draft)
    draft = draft.with_report("services", services.decide(service_view, now))
    wanted = services.slice_of(service_view, placed)
    return ServicePlan(draft.state.service, draft.facts, draft.state, wanted, draft.reports, weighed)
