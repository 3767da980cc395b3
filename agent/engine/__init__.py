"""The Docker Engine in a few verbs: what it is asked for, what it says, what it streams."""
