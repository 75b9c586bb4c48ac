"""What a file is, by its bytes: text of which encoding and delimiter, a workbook, Parquet, or no table at all."""

import codecs
import json
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from recon.errors import UnreadableFile
from recon.reading.scan import split_row

Kind = Literal["text", "excel", "parquet"]

HEAD: Final = 256 * 1024
DELIMITERS: Final = (",", ";", "\t", "|", "^", "~")

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC: Final = (
    (b"%PDF", "a PDF; export the table as CSV or Excel"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive; unpack it first"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3", "a database"),
)


def kind_of(path: Path) -> Kind:
    """Text, Excel or Parquet by the first bytes, whatever the name says. Raises UnreadableFile for the rest."""
    try:
        if path.is_dir():
            msg = f"{path.name}: this is a folder; name the file in it"
            raise UnreadableFile(msg)
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        msg = f"{path.name}: no such file"
        raise UnreadableFile(msg) from None
    except OSError as error:
        msg = f"{path.name}: cannot be opened: {error.strerror or error}"
        raise UnreadableFile(msg) from error
    if not head:
        msg = f"{path.name}: the file is empty; expected a header line and rows"
        raise UnreadableFile(msg)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "excel"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(path)
    for magic, what in _MAGIC:
        if head.startswith(magic):
            msg = f"{path.name}: not text: this is {what}"
            raise UnreadableFile(msg)
    _refuse_markup(path, head)
    return "text"


def _zipped(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        msg = f"{path.name}: this workbook or zip archive is cut off or damaged; save it anew as .xlsx or CSV"
        raise UnreadableFile(msg) from None
    if any(name.startswith("xl/") or name == "mimetype" for name in names):
        return "excel"
    msg = f"{path.name}: not text: this is a zip archive; unpack it first"
    raise UnreadableFile(msg)


def _refuse_markup(path: Path, head: bytes) -> None:
    text = head.lstrip(codecs.BOM_UTF8 + b" \t\r\n")
    if text[:1] in (b"{", b"[") and _is_json(path, text):
        msg = f"{path.name}: this is JSON, not a table; export it as CSV, Excel or Parquet"
        raise UnreadableFile(msg)
    if text[:5].lower() in (b"<!doc", b"<html", b"<?xml"):
        msg = f"{path.name}: this is a web page or XML, not a table; export it as CSV, Excel or Parquet"
        raise UnreadableFile(msg)


def _is_json(path: Path, text: bytes) -> bool:
    first = text.split(b"\n", 1)[0]
    if text.lstrip(b"[{ \t\r\n")[:1] in (b'"', b"{", b"]", b"}"):
        return True
    if path.stat().st_size > HEAD:
        return False
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return first.startswith((b"[{", b'{"'))
    return True


def encoding_of(head: bytes) -> str:
    """The encoding that a byte-order mark or NUL bytes in every other place give away; else utf-8."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    even, odd = head[0:400:2], head[1:400:2]
    if len(odd) >= 4 and odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if len(even) >= 4 and even.count(0) > 0.7 * len(even) and odd.count(0) < 0.1 * len(odd):
        return "utf-16-be"
    return "utf-8"


@dataclass(frozen=True)
class Dialect:
    """How a text file separates its fields."""

    delimiter: str
    sep_line: bool
    """The first line is Excel's `sep=;`."""


def dialect_of(head: str) -> Dialect:
    """The delimiter that splits most lines into equally many fields; in a draw, that cuts no quotation, then more."""
    lines = [line for line in head.splitlines()[:200] if line.strip()]
    if lines and lines[0].strip('"').lower().startswith("sep=") and len(lines[0].strip('"')) <= 5:
        return Dialect(lines[0].strip('"')[4:5] or ",", sep_line=True)
    best = max(DELIMITERS, key=lambda delimiter: _fit(lines, delimiter))
    return Dialect(best, sep_line=False)


def _fit(lines: list[str], delimiter: str) -> tuple[float, float, int]:
    rows = [_fields(line, delimiter) for line in lines]
    counts = Counter(width for width, _ in rows)
    wide = {width: times for width, times in counts.items() if width > 1}
    if not wide:
        return 0.0, 0.0, 0
    width = max(wide, key=lambda w: (wide[w], w))
    uncut = sum(whole for of, whole in rows if of == width) / wide[width]
    return round(wide[width] / len(lines), 1), round(uncut, 1), width


def _fields(line: str, delimiter: str) -> tuple[int, bool]:
    """How many fields, and whether no quoted text is cut by the delimiter: each half would hold one of its quotes.

    >>> _fields('1,"a;b"', ","), _fields('1,"a;b"', ";")
    ((2, True), (2, False))
    """
    if '"' not in line or len(line) >= 20_000:
        return line.count(delimiter) + 1, True
    fields = split_row(line, delimiter)
    return len(fields), not any(field.count('"') % 2 for field in fields)
