"""Jobs as the services of a Docker Swarm: the whole fleet behind one agent."""
