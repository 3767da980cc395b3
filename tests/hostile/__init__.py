"""What a hostile stranger would send, by name: how each is refused, or what comes out all the same."""
