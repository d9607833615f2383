"""Databases that hold the facts and the target plan."""
