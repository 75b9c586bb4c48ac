"""Uploads: streamed to the run's folder with a limit, under names that cannot leave it."""

import hashlib
import re
from pathlib import Path
from typing import Final

from fastapi import UploadFile

from recon.errors import BadInput
from web.problems import WebError

CHUNK: Final = 1 << 20
MOST_FILES: Final = 50


class TooLarge(WebError):
    """The upload is over the limit."""

    status = 413


def safe_name(name: str | None, n: int) -> str:
    """A file's name for our folder: its own letters, never a path, never hidden, never empty.

    >>> safe_name("../../etc/passwd", 1), safe_name("C:\\\\files\\\\gl 2026.csv", 2), safe_name("", 3)
    ('1-passwd', '2-gl 2026.csv', '3-file')
    """
    last = re.split(r"[\\/]", name or "")[-1]
    kept = re.sub(r"[^\w .()+-]", "_", last).strip(" .")[-120:]
    return f"{n}-{kept or 'file'}"


async def keep(files: list[UploadFile], folder: Path, limit_mb: int) -> tuple[Path, ...]:
    """Writes the files and answers their paths. Raises TooLarge, or BadInput for an empty one."""
    if len(files) > MOST_FILES:
        msg = f"{len(files)} files; at most {MOST_FILES} at once"
        raise BadInput(msg)
    folder.mkdir(parents=True, exist_ok=True)
    left = limit_mb * 1_000_000
    kept = []
    for n, file in enumerate(files, 1):
        path = folder / safe_name(file.filename, n)
        size = 0
        digest = hashlib.sha256()
        with path.open("wb") as out:
            while chunk := await file.read(CHUNK):
                size += len(chunk)
                left -= len(chunk)
                if left < 0:
                    msg = f"more than {limit_mb} MB; raise TIEOUT_UPLOAD_MB, or run it with `tieout run` on the server"
                    raise TooLarge(msg)
                digest.update(chunk)
                out.write(chunk)
        if size == 0:
            msg = f"{file.filename or 'a file'}: it is empty; nothing was run"
            raise BadInput(msg)
        kept.append(path)
    return tuple(kept)
