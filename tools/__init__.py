"""What agents may call, read-only, by subject."""
