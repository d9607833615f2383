"""The plan for the sites: signed, laid out, fetched by them."""

from collections.abc import Mapping

from windlass.delivery.services.types import ServiceSlice, SitePlan
from windlass.engine.ports import EnginePorts
from windlass.kernel.canonical import canonical_bytes
from windlass.kernel.records import to_json
from windlass.ports.sites import SignedPlan

LOCAL = "local"  # the laptop's own site


def apply_plan(ports: EnginePorts, generation: int, slices: Mapping[str, ServiceSlice]) -> None:
    """Lay out the plan of this generation, unless it is laid out already."""
    laid_out = ports.sites.plan(LOCAL)
    if laid_out is not None and laid_out.generation >= generation:
        return
    plan = SitePlan(LOCAL, generation, tuple(one for _, one in sorted(slices.items())))
    payload = canonical_bytes(to_json(plan))
    signature = ports.signer.sign(payload)
    ports.sites.publish(SignedPlan(LOCAL, generation, payload.decode(), signature))
