"""The way from the world to services that run on agents."""
