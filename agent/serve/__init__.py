"""Visitors of services: through the tunnels to schedulers, or directly."""
