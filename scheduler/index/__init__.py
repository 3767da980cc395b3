"""From the chain to rows."""
