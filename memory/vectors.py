"""Chroma, kept behind three verbs: add, forget, nearest. SQL is the truth; this can always be rebuilt.

Every verb raises VectorsDown, and nothing else, when Chroma or the embedding server does not answer.
"""

import hashlib
import logging
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from memory.embedding import EMBEDDING_NAME, Features, embed, sentence
from recon.errors import TieoutError

log = logging.getLogger(__name__)

Embedder = Callable[[Sequence[Features]], npt.NDArray[np.float32]]

_BATCH: Final = 2000
_HEADER: Final = struct.Struct("<iQQQQ")
"""How `header.bin` of an hnswlib index begins: version, offset, room, vectors held, bytes of each."""
_OPENING: Final = threading.RLock()
"""Chroma keeps what is open for the whole process: two threads that open at once meet it half made."""
_PAUSE: Final = 30.0
"""Seconds for which vectors that did not answer are not asked again: a run asks for every case."""
_PATIENCE: Final = 5.0
"""Seconds for which a server may take to say that it is there."""


class VectorsDown(TieoutError):
    """Chroma or the embedding server does not answer, or what is kept is damaged. Nothing is lost: SQL has it all."""


def openai_embedder(model: str, key: str | None, base_url: str | None) -> Embedder:
    """Embeddings of an OpenAI-compatible server, for `TIEOUT_EMBEDDING_MODEL`."""

    def call(many: Sequence[Features]) -> npt.NDArray[np.float32]:
        from openai import OpenAI

        client = OpenAI(api_key=key or "none", base_url=base_url, timeout=30, max_retries=2)
        out: list[list[float]] = []
        texts = [sentence(features) for features in many]
        for start in range(0, len(texts), 256):
            answer = client.embeddings.create(model=model, input=texts[start : start + 256])
            out += [list(item.embedding) for item in answer.data]
        vectors = np.asarray(out, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)

    return call


class Vectors:
    """One Chroma collection per reconciliation and embedding; opened when first used."""

    def __init__(
        self,
        folder: Path | None,
        url: str | None = None,
        *,
        embedder: Embedder = embed,
        name: str = EMBEDDING_NAME,
    ) -> None:
        # Chroma knows what it has open by this text, for the whole process: a relative one names two workspaces.
        self._folder = folder and folder.absolute()
        self._url = url
        self._embedder = embedder
        self._name = name
        self._client: Any = None
        self._collections: dict[str, Any] = {}
        self._down: tuple[float, str] | None = None

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """What a store of others raises is one error here; after it they are left alone for a while."""
        if self._down and time.monotonic() < self._down[0]:
            raise VectorsDown(self._down[1])
        try:
            yield
        except Exception as error:  # Chroma raises its own errors, ValueError, those of httpx and of the disk
            said = f"{self._place()} did not answer ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
            with _OPENING:
                self._forget_opened()
                self._down = (time.monotonic() + _PAUSE, said)
            raise VectorsDown(said) from error
        self._down = None

    def _forget_opened(self) -> None:
        """The next question opens anew: Chroma keeps what it could open only by half, and would hand it out again."""
        from chromadb.api.shared_system_client import SharedSystemClient

        self._client = None
        self._collections.clear()
        SharedSystemClient.clear_system_cache()

    def _place(self) -> str:
        if self._url:
            return f"Chroma at {self._url}"
        return f"Chroma in {self._folder}" if self._folder else "Chroma"

    def check(self) -> None:
        """Reads from the store itself. Raises VectorsDown."""
        with self._asked(), _OPENING:
            self._open().count_collections()

    def _collection(self, recon: str) -> Any:
        with _OPENING:
            if recon not in self._collections:
                self._collections[recon] = self._opened(recon)
            return self._collections[recon]

    def _opened(self, recon: str) -> Any:
        digest = hashlib.sha256(f"{recon}\x1f{self._name}".encode()).hexdigest()[:24]
        return self._open().get_or_create_collection(
            f"resolutions-{digest}",
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "ef_search": 200}},
        )

    def _open(self) -> Any:
        if self._client is None:
            import chromadb
            from chromadb.config import Settings

            quiet = Settings(anonymized_telemetry=False)
            if self._url:
                host, port, ssl = _host(self._url)
                _knock(f"{'https' if ssl else 'http'}://{host}:{port}")
                self._client = chromadb.HttpClient(host=host, port=port, ssl=ssl, settings=quiet)
            elif self._folder is not None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._client = chromadb.PersistentClient(str(self._folder), settings=quiet)
            else:
                self._client = chromadb.EphemeralClient(settings=quiet)
        return self._client

    def ids(self, recon: str) -> set[str]:
        """Every id the collection holds."""
        with self._asked():
            return set(self._collection(recon).get(include=[])["ids"])

    def add(self, recon: str, ids: Sequence[str], features: Sequence[Features]) -> None:
        """Adds or replaces; the same ids again change nothing."""
        with self._asked():
            for start in range(0, len(ids), _BATCH):
                part = slice(start, start + _BATCH)
                vectors = self._embedder(features[part])
                self._collection(recon).upsert(ids=list(ids[part]), embeddings=vectors)
            self._blank()

    def forget(self, recon: str, ids: Sequence[str]) -> None:
        """Takes out; unknown ids are no error."""
        with self._asked():
            if ids:
                self._collection(recon).delete(ids=list(ids))
            self._blank()

    def _blank(self) -> None:
        """Room that an index has kept for later vectors is written as zeros.

        Chroma writes that room as it came from `malloc`: whatever this process last held there, a customer's row
        or a password, would lie in `data_level0.bin` and `length.bin`, where no erasure looks.
        """
        if self._folder is None or self._url:
            return
        with _OPENING:
            for header in self._folder.glob("*/header.bin"):
                begins = header.read_bytes()[: _HEADER.size]
                if len(begins) < _HEADER.size:
                    continue  # a process died as it made this index
                _version, _offset, _room, held, size = _HEADER.unpack(begins)
                _zeros(header.with_name("data_level0.bin"), held * size)
                _zeros(header.with_name("length.bin"), held * 4)

    def nearest(self, recon: str, features: Features, k: int) -> list[tuple[str, float]]:
        """The `k` nearest as (id, cosine), nearest first."""
        with self._asked():
            collection = self._collection(recon)
            held = collection.count()
            if not held:
                return []
            found = collection.query(
                query_embeddings=self._embedder([features]), n_results=min(k, held), include=["distances"]
            )
        return [(i, 1.0 - d) for i, d in zip(found["ids"][0], found["distances"][0], strict=True)]

    def embed(self, many: Sequence[Features]) -> npt.NDArray[np.float32]:
        """The vectors themselves, for an exact search over few."""
        with self._asked():
            return self._embedder(many)


def _zeros(path: Path, start: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        if (rest := file.read()).strip(b"\0"):
            file.seek(start)
            file.write(bytes(len(rest)))


def _knock(url: str) -> None:
    """Chroma's own client waits without end for a server that takes the call and says nothing."""
    import httpx

    httpx.get(f"{url}/api/v2/heartbeat", timeout=_PATIENCE).raise_for_status()


def _host(url: str) -> tuple[str, int, bool]:
    from urllib.parse import urlsplit

    parts = urlsplit(url if "//" in url else f"http://{url}")
    ssl = parts.scheme == "https"
    return parts.hostname or "localhost", parts.port or (443 if ssl else 8000), ssl
