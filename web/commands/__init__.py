"""The terminal's commands by subject; `cli.py` brings them together and says how a desk is opened."""
