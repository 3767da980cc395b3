"""A dry run: whether this machine, its key and its market are fit for an agent, and what to do where they are not."""
