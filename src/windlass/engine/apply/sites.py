"""The plan for the sites: signed, laid out, fetched by them."""

from dataclasses import replace

from windlass.delivery.services.types import ServiceSlice, SitePlan
from windlass.engine.ports import EnginePorts
from windlass.kernel.canonical import canonical_bytes
from windlass.kernel.records import to_json
from windlass.ports.sites import SignedPlan
from windlass.ports.store import Stored

LOCAL = "local"  # the laptop's own site


def apply_plans(ports: EnginePorts, sites: tuple[str, ...], stored: Stored) -> None:
    """Lay out the target plan for each site, unless it is laid out already."""
    for site in sites:
        laid_out = ports.sites.plan(site)
        if laid_out is not None and laid_out.generation >= stored.plan_generation:
            continue
        pieces = tuple(_for_site(piece, site) for _, piece in sorted(stored.slices.items()))
        payload = canonical_bytes(to_json(SitePlan(site, stored.plan_generation, pieces)))
        signed = SignedPlan(site, stored.plan_generation, payload.decode(), ports.signer.sign(payload))
        ports.sites.publish(signed)


def _for_site(piece: ServiceSlice, site: str) -> ServiceSlice:
    """A site is told which entries of its own journal were adopted, and nothing of other sites' journals."""
    return replace(piece, seen_entry=dict(piece.seen_entries).get(site, 0), seen_entries=())
