"""The outbound connection to schedulers, and what is said over it."""
