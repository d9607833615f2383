"""Windlass takes every commit of a model or an app to judged, watched production.

Importing this package costs nothing: the doors are `windlass.main` (processes) and `windlass.sdk` (for users' code).
"""

__version__ = "0.1.0"
