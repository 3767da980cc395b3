"""Decisions: pure functions of what is known."""
