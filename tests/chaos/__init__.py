"""A market under a seeded hand that kills, cuts, freezes and reorganises; see `scripts/chaos.sh`."""
