"""How a folder says that it wants to run: a manifest of ours, or what other tools have there, put into one."""
