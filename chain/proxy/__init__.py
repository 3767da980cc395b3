"""Carrying a visitor's HTTP and WebSocket to a service in a container, whatever lies between."""
