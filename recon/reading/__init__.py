"""The import doctor: files in, rows out, every row accounted for and every oddity said."""

from recon.reading.reader import read, read_both

__all__ = ["read", "read_both"]
