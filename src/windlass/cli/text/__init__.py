"""Answers of the API as text for a terminal: pure functions from JSON values to lines."""
