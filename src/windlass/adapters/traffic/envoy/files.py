"""The configuration files that Envoy watches. The files are the memory: what they say is what was last asked for."""

import json
import os
from typing import Any

from windlass.adapters.traffic.envoy.bootstrap import TYPE
from windlass.adapters.world import files
from windlass.kernel.digests import digest_of, hex_of

ROUTES = "routes.json"
CLUSTERS = "clusters.json"
LISTENERS = "listeners.json"

_KINDS = {
    ROUTES: "envoy.config.route.v3.RouteConfiguration",
    CLUSTERS: "envoy.config.cluster.v3.Cluster",
    LISTENERS: "envoy.config.listener.v3.Listener",
}
_ENDPOINTS = "envoy.config.endpoint.v3.ClusterLoadAssignment"


class ConfigurationFiles:
    """Writes resources into files, each replaced as a whole because Envoy overlooks changes in place."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._known: dict[str, dict[str, Any]] = {}

    def put(self, name: str, version: str, resources: list[dict[str, Any]]) -> bool:
        """Write the file unless it holds these resources already; says whether it was written.

        Raises:
            Unavailable: the disk is full or fails.
        """
        typed = [{"@type": TYPE + _KINDS.get(name, _ENDPOINTS), **resource} for resource in resources]
        before = self._read(name)
        if before is not None and before.get("resources") == typed:
            return False
        # A number that was used twice, as on a full disk, must not confirm another content.
        mark = hex_of(digest_of(json.dumps(typed).encode()))[:8]
        content = {"version_info": f"{version}-{mark}", "resources": typed}
        files.write_file(os.path.join(self._folder, name), json.dumps(content, ensure_ascii=False).encode())
        self._known[name] = content
        return True

    def distrust(self, name: str) -> None:
        """Let the next `put` write the file whatever it holds."""
        if self._read(name) is not None:
            self._known[name] = {**self._known[name], "resources": None}

    def version(self, name: str) -> str:
        """The version in the file; empty where there is none."""
        content = self._read(name)
        return str(content.get("version_info", "")) if content else ""

    def resources(self, name: str) -> list[dict[str, Any]]:
        """The resources in the file."""
        content = self._read(name)
        found = (content.get("resources") or []) if content else []
        return [resource for resource in found if isinstance(resource, dict)]

    def remove(self, name: str) -> None:
        """Remove the file; a missing one is no error."""
        self._known.pop(name, None)
        files.remove_quietly(os.path.join(self._folder, name))

    def _read(self, name: str) -> dict[str, Any] | None:
        """The content; a file that cannot be understood counts as missing and is written anew."""
        if name in self._known:
            return self._known[name]
        data = files.read_file(os.path.join(self._folder, name))
        try:
            content = json.loads(data) if data else None
        except ValueError:
            content = None
        if not isinstance(content, dict):
            return None
        self._known[name] = content
        return content
