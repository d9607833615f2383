"""Envoy as the gateway, steered by files: it keeps the last good ones when everything else is gone."""

from windlass.adapters.traffic.envoy.settings import EnvoySettings
from windlass.adapters.traffic.envoy.traffic import EnvoyTraffic

__all__ = ["EnvoySettings", "EnvoyTraffic"]
