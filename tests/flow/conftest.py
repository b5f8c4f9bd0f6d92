"""Fixtures of the journeys: servers on free ports, and a runtime folder of their own."""

from tests.bridge.conftest import runtime, serve

__all__ = ["runtime", "serve"]
