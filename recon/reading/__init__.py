"""The import doctor: files in, rows out, every row accounted for and every oddity said."""

from recon.reading.profiles import profile, to_recon_file
from recon.reading.reader import read, read_both

__all__ = ["profile", "read", "read_both", "to_recon_file"]
