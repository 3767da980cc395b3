"""What programs print: read, stored, and told."""
