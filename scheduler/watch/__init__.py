"""The watchtower: what is seen of a run against what is billed for it."""
