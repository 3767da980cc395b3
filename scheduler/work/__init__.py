"""Due jobs, one step at a time."""
