"""Signed plans: what a site accepts, and why it keeps the last good one instead."""

import json
import re

from windlass.delivery.services.types import ServiceSlice, SitePlan
from windlass.kernel.digests import parse_digest
from windlass.kernel.errors import Refused, clip
from windlass.kernel.limits import REPLICAS_MAX
from windlass.kernel.records import from_json
from windlass.ports.keys import Verifier
from windlass.ports.sites import SignedPlan

WEIGHTS = 10_000
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")
_STEP = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


def read_plan(signed: SignedPlan, verifier: Verifier, site: str) -> SitePlan:
    """The plan in a signed envelope.

    Raises:
        Refused: the signature is wrong, the plan is cut short or is meant for another site.
    """
    if not verifier.verify(signed.payload.encode(), signed.signature):
        raise _refused("its signature is not the control plane's")
    try:
        plan = from_json(SitePlan, json.loads(signed.payload))
    except (ValueError, RecursionError) as error:
        raise _refused(f"it cannot be read: {clip(str(error))}") from error
    if plan.site != site or signed.site != site:
        raise _refused(f"it is meant for site {clip(plan.site)!r}, not {site!r}")
    if plan.generation != signed.generation:
        raise _refused("its generation is not the one on the envelope")
    names = [piece.service for piece in plan.services]
    if len(set(names)) < len(names):
        raise _refused("it names a service twice")
    return plan


def fault_of(piece: ServiceSlice) -> str:
    """What is wrong with a slice, in words; empty where nothing is."""
    if not _NAME.fullmatch(piece.service):
        return f"{clip(piece.service)!r} is no name of a service"
    if not _STEP.fullmatch(piece.step_id):
        return f"{clip(piece.step_id)!r} is no step"
    if piece.unit_header and not _HEADER.fullmatch(piece.unit_header):
        return f"{clip(piece.unit_header)!r} is no name of a header"
    if not 0 < piece.timeout_seconds < 86_400:
        return f"a time-out of {piece.timeout_seconds} s cannot be kept"
    weights = [route.weight for route in piece.routes]
    if sum(weights) != WEIGHTS or min(weights) < 0:
        return f"the weights {weights} do not sum to {WEIGHTS}"
    releases = [route.release for route in piece.routes]
    if len(set(releases)) < len(releases):
        return "a release has two weights"
    placed = [one.release for one in piece.replicas]
    try:
        for release in (*releases, *placed):
            parse_digest(release)
    except ValueError:
        return "a release is no digest"
    if any(not 0 <= one.count <= REPLICAS_MAX or one.memory_bytes < 0 for one in piece.replicas):
        return f"the numbers of replicas {[one.count for one in piece.replicas]} are not 0 to {REPLICAS_MAX}"
    homeless = [route.release for route in piece.routes if route.weight > 0 and route.release not in placed]
    return f"release {homeless[0][7:19]} has a weight and no replica" if homeless else ""


def merge(new: SitePlan, old: SitePlan | None) -> tuple[SitePlan, dict[str, str]]:
    """The new plan, with the old slice of each service whose new one is faulty; and the faults by service."""
    before = {piece.service: piece for piece in old.services} if old else {}
    faults = {piece.service: fault_of(piece) for piece in new.services}
    kept = [before.get(piece.service) if faults[piece.service] else piece for piece in new.services]
    services = tuple(sorted((piece for piece in kept if piece is not None), key=lambda piece: piece.service))
    stuck = {service: f"its plan is not used: {fault}" for service, fault in sorted(faults.items()) if fault}
    return SitePlan(new.site, new.generation, services), stuck


def _refused(words: str) -> Refused:
    remedy = "the site keeps the last good plan and asks again"
    return Refused(f"a plan is not used: {words}", code="bad-plan", remedy=remedy)
