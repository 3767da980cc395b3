"""From the kernel's counters to a ledger of what a run has used."""
