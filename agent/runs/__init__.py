"""Runs, from an offer to what is settled on-chain: what to do next, and doing it."""
