"""Measurements of what the project promises in figures. Each prints what it finds; the last line is JSON."""
