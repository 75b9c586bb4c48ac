"""Errors of the caller: each says what, where and what to do, and ends a command with status 2."""


class TieoutError(Exception):
    """The root of errors whose message may be shown to an operator as it is: one clear sentence."""


class BadInput(TieoutError):
    """A file, setting or word from outside was wrong; nothing was changed."""


class BadReconFile(BadInput):
    """The recon file says something that cannot be meant."""


class UnreadableFile(BadInput):
    """A file is not a table of rows at all (not text, no header, a refused header)."""


class AmbiguousDates(BadInput):
    """Day-first or month-first cannot be told from the rows; the recon file must say it."""


class NotFound(BadInput):
    """Nothing has this id here; the message says what was searched."""


class Damaged(TieoutError):
    """Something that is kept cannot be read any more; the message says what, and what brings it back."""


class NoRoom(TieoutError):
    """A disk is full; what was there before is whole."""
