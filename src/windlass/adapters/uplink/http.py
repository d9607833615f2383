"""HTTP over the control plane's Unix socket. When nobody answers there, that is news and no error of ours."""

import json
from typing import TYPE_CHECKING, Any

from windlass.facts.counts import SiteReport
from windlass.kernel.errors import Unavailable, clip
from windlass.kernel.records import from_json, to_json
from windlass.ports.sites import SignedPlan

if TYPE_CHECKING:
    import httpx2

ANSWER_SECONDS_MAX = 10.0  # beyond the time that the control plane may wait for a newer plan


class HttpUplink:
    """The control plane behind a socket.

    Args:
        socket: path of the control plane's Unix socket.
        site: the name of this site.
        wait_seconds: how long the control plane may hold a question until there is a newer plan.
    """

    def __init__(self, socket: str, site: str, wait_seconds: float = 5.0) -> None:
        self._socket = socket
        self._site = site
        self._wait_seconds = wait_seconds
        self._client: httpx2.AsyncClient | None = None

    async def fetch(self, known: int) -> SignedPlan | None:
        """The newer plan; see `Uplink.fetch`."""
        path = f"/v1/sites/{self._site}/plan?wait={self._wait_seconds:g}"
        answer = await self._ask("GET", path, headers={"if-none-match": f'"{known}"'})
        if answer.status_code in (204, 304, 404):
            return None
        try:
            return from_json(SignedPlan, json.loads(answer.content))
        except ValueError as error:
            raise Unavailable(
                f"the control plane's answer is no plan: {clip(str(error))}", code="bad-answer", where=path
            ) from error

    async def report(self, report: SiteReport) -> None:
        """Hand over a report; see `Uplink.report`."""
        body = json.dumps(to_json(report)).encode()
        headers = {"content-type": "application/json"}
        await self._ask("POST", f"/v1/sites/{self._site}/report", content=body, headers=headers)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client:
            await self._client.aclose()
            self._client = None

    async def _ask(self, method: str, path: str, **rest: Any) -> "httpx2.Response":
        import httpx2

        if self._client is None:
            transport = httpx2.AsyncHTTPTransport(uds=self._socket)
            timeout = self._wait_seconds + ANSWER_SECONDS_MAX
            self._client = httpx2.AsyncClient(transport=transport, base_url="http://control", timeout=timeout)
        try:
            answer = await self._client.request(method, path, **rest)
        except (httpx2.HTTPError, OSError) as error:
            raise Unavailable(
                "the control plane does not answer",
                code="control-plane-silent",
                where=self._socket,
                remedy="the site goes on with the plan it holds",
            ) from error
        if answer.status_code >= 400 and answer.status_code != 404:
            words = f"the control plane answered {answer.status_code}: {clip(answer.text)}"
            raise Unavailable(words, code="control-plane-refused", where=path)
        if answer.status_code == 404 and method == "POST":
            raise Unavailable("the control plane does not know this site", code="control-plane-refused", where=path)
        return answer
