"""A file that is there whole or not at all, made by one process of many."""

import errno
import os
import uuid
from pathlib import Path


def create_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """The file at `path`, on the disk before this returns, with what the umask leaves of `mode`. Raises
    FileExistsError when it is there already, whoever made it."""
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as sink:
            sink.write(content)
            sink.flush()
            os.fsync(sink.fileno())
        _link(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _link(aside: Path, path: Path) -> None:
    try:
        os.link(aside, path)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}:
            raise
        # a disk without hard links: the name is still taken by one writer only
        with path.open("xb") as sink:
            sink.write(aside.read_bytes())
