"""The ledger of manifests: each is written whole under the next number, and only one writer can take a number."""

import contextlib
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from fsspec.implementations.local import LocalFileSystem

from recon.lake.manifest import Manifest, from_json, to_json
from recon.whole import create_whole

KEPT: Final = 8
"""Manifests before the newest that stay, for readers that hold them and for going back by hand."""


class Ledger:
    """The manifests of one reconciliation in one folder of a file system.

    Publishing is a compare-and-swap: number n + 1 can be created once, so a writer that stood on n and lost the
    race is told and begins again; no update is lost. On a local disk the file is linked into place whole; elsewhere
    fsspec's conditional write (`mode="create"`) decides, which object stores do atomically.
    """

    def __init__(self, fs: Any, folder: str) -> None:
        self._fs = fs
        self._folder = folder
        self._known: Manifest | None = None

    def newest(self, recon: str) -> Manifest:
        """The manifest that was published last; an empty one when there is none."""
        for attempt in range(5):
            numbers = self._numbers()
            if not numbers:
                return self._first(recon)
            if self._known is not None and self._known.number == numbers[-1]:
                return self._known
            path = self._path(numbers[-1])
            try:
                self._known = from_json(self._fs.cat_file(path), path)
            except FileNotFoundError:
                # a writer came by and tidied between the two looks
                if attempt == 4:
                    raise
                continue
            return self._known
        raise AssertionError

    def publish(self, manifest: Manifest) -> bool:
        """Publishes under `manifest.number`; False when another writer took the number first."""
        manifest = replace(manifest, line=(*manifest.line, uuid.uuid4().hex[:12]))
        self._fs.makedirs(f"{self._folder}/manifests", exist_ok=True)
        try:
            _create(self._fs, self._path(manifest.number), to_json(manifest))
        except FileExistsError:
            return False
        if self._numbers()[-1] > manifest.number and manifest.line[-1] not in self.newest(manifest.recon).line:
            # so slow that the number was given, superseded and tidied away before it was taken again; where others
            # were quick to follow this one, it stands in their line instead
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(self._path(manifest.number))
            return False
        self._known = manifest
        self._tidy(manifest.number)
        return True

    def kept(self) -> list[Manifest]:
        """The newest manifest and those before it that still stand."""
        found = []
        for number in self._numbers():
            with contextlib.suppress(FileNotFoundError):
                found.append(from_json(self._fs.cat_file(self._path(number)), self._path(number)))
        return found

    def _first(self, recon: str) -> Manifest:
        """What a lake of the first version left, or nothing."""
        path = f"{self._folder}/manifest.json"
        if not self._fs.exists(path):
            return Manifest(recon)
        return from_json(self._fs.cat_file(path), path)

    def _numbers(self) -> list[int]:
        try:
            names = self._fs.ls(f"{self._folder}/manifests", detail=False, refresh=True)
        except FileNotFoundError:
            return []
        stems = [name.rsplit("/", 1)[-1].partition(".") for name in names]
        return sorted(int(stem) for stem, _, ending in stems if ending == "json" and stem.isdigit())

    def _path(self, number: int) -> str:
        return f"{self._folder}/manifests/{number:010d}.json"

    def _tidy(self, newest: int) -> None:
        for number in self._numbers():
            if number < newest - KEPT:
                with contextlib.suppress(OSError):
                    self._fs.rm_file(self._path(number))
        with contextlib.suppress(OSError):
            self._fs.rm_file(f"{self._folder}/manifest.json")


def _create(fs: Any, path: str, content: bytes) -> None:
    """The file at `path`, whole or not at all. Raises FileExistsError when it is there already."""
    if not isinstance(fs, LocalFileSystem):
        fs.pipe_file(path, content, mode="create")
        return
    create_whole(Path(path), content)
