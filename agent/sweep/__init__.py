"""What runs leave on a machine, removed."""
