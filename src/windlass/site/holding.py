"""The plan that a site holds: verified before it is stored, and never replaced by a worse one."""

import json

from windlass.delivery.services.types import SitePlan
from windlass.kernel.errors import Refused
from windlass.kernel.records import from_json, to_json
from windlass.ports.keys import Verifier
from windlass.ports.sites import SignedPlan
from windlass.ports.world import Disk
from windlass.site.plans import merge, read_plan
from windlass.site.types import SiteSettings


class Holding:
    """`plan.json` and `plan.previous.json`. `trouble` says why a plan is not used; `faults` which slices are not."""

    def __init__(self, disk: Disk, verifier: Verifier, settings: SiteSettings) -> None:
        self._disk = disk
        self._verifier = verifier
        self._site = settings.site
        self._path = f"{settings.folder}/plan.json"
        self._previous_path = f"{settings.folder}/plan.previous.json"
        self._stored = b""
        self._unstored = b""
        self.plan: SitePlan | None = None
        self.trouble = ""
        self.faults: dict[str, str] = {}

    @property
    def generation(self) -> int:
        """The generation that is held; 0 without a plan."""
        return self.plan.generation if self.plan else 0

    async def open(self) -> None:
        """Take up the stored plans, verified like any other; a broken one leaves the one before it in force."""
        for path in (self._previous_path, self._path):
            data = await self._disk.read(path)
            if data is None:
                continue
            try:
                self._hold(read_plan(_signed(data), self._verifier, self._site))
                self._stored = data
            except Refused as error:
                self.trouble = f"{path}: {error}"

    async def accept(self, signed: SignedPlan) -> bool:
        """Use a plan that is newer than the one held; says whether it is used. A full disk keeps no plan from its work.

        Raises:
            Unavailable: the plan is in force, but could not be stored.
        """
        try:
            plan = read_plan(signed, self._verifier, self._site)
        except Refused as error:
            self.trouble = str(error)
            return False
        if plan.generation <= self.generation:
            return False
        self._hold(plan)
        self._unstored = json.dumps(to_json(signed)).encode()
        await self.save()
        return True

    async def save(self) -> None:
        """Store the plan that could not be stored when it came: after a restart alone an older one would be in force.

        Raises:
            Unavailable: the disk is still full or fails.
        """
        if not self._unstored:
            return
        if self._stored:
            await self._disk.write(self._previous_path, self._stored)
        await self._disk.write(self._path, self._unstored)
        self._stored, self._unstored = self._unstored, b""

    def _hold(self, plan: SitePlan) -> None:
        self.plan, self.faults = merge(plan, self.plan)
        self.trouble = ""


def _signed(data: bytes) -> SignedPlan:
    try:
        return from_json(SignedPlan, json.loads(data))
    except (ValueError, RecursionError) as error:
        raise Refused("the stored plan cannot be read", code="bad-plan") from error
