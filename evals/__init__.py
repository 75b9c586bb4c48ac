"""The scoreboard: what Tieout claims, as numbers that a command prints."""
