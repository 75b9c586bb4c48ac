"""Masked columns never leave in clear: stable pseudonyms on the way out, put back on the way in."""

import contextlib
import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from pydantic import SecretStr

from agents.brief import Known
from memory.database import Database
from memory.schema import case_breaks, cases, resolutions
from recon.errors import Damaged
from recon.settings import Settings
from recon.whole import create_whole

_TOKEN: Final = re.compile(r"[^\W_][\w./-]*[^\W_]|[^\W_]")
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_LOOKED_AT: Final = 100_000
_KEY_BYTES: Final = 32
_SHORT: Final = 3
"""Values shorter than this are replaced only where they stand alone."""


def mask_key(home: Path) -> bytes:
    """The workspace's own key, made once: pseudonyms are stable here and mean nothing elsewhere. Raises Damaged."""
    path = home / "mask.key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            create_whole(path, os.urandom(_KEY_BYTES), 0o600)
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:  # an empty one would make pseudonyms that anybody can undo
        msg = f"{path}: not a key ({len(key)} bytes, {_KEY_BYTES} are needed): remove it, and pseudonyms begin anew"
        raise Damaged(msg)
    return key


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Every secret of the settings, for a last look at what leaves."""
    found = [v.get_secret_value() for v in settings.__dict__.values() if isinstance(v, SecretStr)]
    return tuple(s for s in found if len(s) >= 6)


class Mask:
    """The pseudonyms of one case."""

    def __init__(self, values: Mapping[str, Iterable[str]], key: bytes, secrets: Sequence[str] = ()) -> None:
        """`values`: column -> the values that must not leave."""
        self._to: dict[str, str] = {}
        for column, many in values.items():
            for value in many:
                if value.strip():
                    self._to.setdefault(value, _pseudonym(column, value, key))
        self._back = {alias.casefold(): value for value, alias in self._to.items()}
        self._secrets = tuple(secrets)
        long = sorted((v for v in self._to if len(v) >= _SHORT), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_standing_alone, long)), re.IGNORECASE) if long else None
        self._folded = {v.casefold(): alias for v, alias in self._to.items()}
        self._alias = (
            re.compile("|".join(re.escape(a) for a in sorted(self._back, key=len, reverse=True)), re.IGNORECASE)
            if self._back
            else None
        )

    def hide(self, value: Any) -> Any:
        """The same document with pseudonyms; amounts and structure stay."""
        match value:
            case str():
                return self.hide_text(value)
            case Mapping():
                return {self.hide_text(str(k)): self.hide(v) for k, v in value.items()}
            case list() | tuple():
                return [self.hide(v) for v in value]
            case int() if not isinstance(value, bool) and str(value) in self._to:
                return self._to[str(value)]
            case _:
                return value

    def hide_text(self, text: str) -> str:
        """A text with pseudonyms, and without any secret of the settings."""
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        if text in self._to:
            return self._to[text]
        if self._pattern is not None:
            text = self._pattern.sub(lambda m: self._folded[m[0].casefold()], text)
        return text

    def show(self, value: Any) -> Any:
        """The same document with the true values put back."""
        match value:
            case str():
                if self._alias is None:
                    return value
                return self._alias.sub(lambda m: self._back[m[0].casefold()], value)
            case Mapping():
                return {k: self.show(v) for k, v in value.items()}
            case list() | tuple():
                return [self.show(v) for v in value]
            case _:
                return value


OPEN: Final = Mask({}, b"")
"""Hides nothing: for what has no masked column."""


def _pseudonym(column: str, value: str, key: bytes) -> str:
    """Letters only: a pseudonym holds no digit that a model could take for a figure."""
    digest = hmac.new(key, f"{column}\x1f{value}".encode(), hashlib.sha256).digest()
    stem = re.sub(r"[^A-Z]", "", column.upper())[:12] or "KEY"
    return f"{stem}-{''.join(_LETTERS[b % len(_LETTERS)] for b in digest[:7])}"


def _standing_alone(value: str) -> str:
    """The value where it is not a part of a longer word or number; «_» and a change from letters to digits end one.

    >>> [bool(re.search(_standing_alone("4711"), text)) for text in ("acc_4711x", "(4711)", "47110", "94711")]
    [True, True, False, False]
    """
    before = r"(?<!\d)" if value[0].isdigit() else r"(?<![^\W\d_])" if value[0].isalpha() else ""
    after = r"(?!\d)" if value[-1].isdigit() else r"(?![^\W\d_])" if value[-1].isalpha() else ""
    return f"{before}{re.escape(value)}{after}"


def values_to_mask(known: Known) -> dict[str, set[str]]:
    """Every value of the masked columns that the case, its evidence or its precedents may mention."""
    wanted = {column.casefold(): column for column in known.said.mask}
    found: dict[str, set[str]] = {column: set() for column in wanted.values()}
    if not wanted:
        return found

    def take(values: Mapping[str, Any]) -> None:
        for column, value in values.items():
            if column.casefold() in wanted and isinstance(value, str | int):
                found[wanted[column.casefold()]].add(str(value))

    take(known.case.key)
    take({part.column: part.value for part in known.case.scope})
    for b in known.breaks:
        take(b.key)
        take(b.columns)
    for m in known.similar:
        take(m.resolution.features.columns)
    for e in known.evidence:
        _take_deep(e.values, take)
    return found


def vocabulary(db: Database, recon: str, columns: Sequence[str]) -> dict[str, set[str]]:
    """Every value of the masked columns that the workspace knows of a reconciliation, since a comment on one account
    may well name another."""
    wanted = {column.casefold(): column for column in columns}
    found: dict[str, set[str]] = {column: set() for column in columns}
    if not wanted:
        return found
    many = sa.select(resolutions.c.body).where(resolutions.c.recon == recon).limit(_LOOKED_AT)
    breaks = (
        sa.select(case_breaks.c.body)
        .join(cases, cases.c.id == case_breaks.c.case_id)
        .where(cases.c.recon == recon)
        .limit(_LOOKED_AT)
    )
    with db.read() as connection:
        bodies = [row.body.get("features", {}).get("columns", {}) for row in connection.execute(many)]
        bodies += [{**row.body["key"], **row.body["columns"]} for row in connection.execute(breaks)]
    for values in bodies:
        for column, value in values.items():
            if column.casefold() in wanted and value:
                found[wanted[column.casefold()]].add(str(value))
    return found


def mentioned(text: str, words: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Those values of a vocabulary that a text holds."""
    tokens = {token.casefold() for token in _TOKEN.findall(text)}
    folded = text.casefold()
    return {
        column: {v for v in values if v.casefold() in (tokens if _TOKEN.fullmatch(v) else folded)}
        for column, values in words.items()
    }


def _take_deep(value: Any, take: Any) -> None:
    if isinstance(value, Mapping):
        take(value)
        if set(value) == {"column", "value"}:
            take({str(value["column"]): value["value"]})
        for inner in value.values():
            _take_deep(inner, take)
    elif isinstance(value, list | tuple):
        for inner in value:
            _take_deep(inner, take)
