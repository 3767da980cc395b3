"""The agent's own HTTP: for anybody, for this machine's owner, for who has a ticket."""
