"""What agents say, and are told."""
