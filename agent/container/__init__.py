"""One run's container, with its fences, its lease and what it leaves."""
