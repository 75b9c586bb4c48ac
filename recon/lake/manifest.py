"""The manifest: which files have arrived in a reconciliation's lake, and which Parquet parts hold their rows."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import Any, Final

from recon.errors import BadInput
from recon.rows import Layout, Pair

VERSION: Final = 2
TOP: Final = 1 << 64
"""One past the largest series id."""


@dataclass(frozen=True)
class Arrival:
    """The files that one run brought together; its rows carry `seq`."""

    seq: int
    """Later arrivals have the last word where key and time are the same."""
    hashes: tuple[str, ...]
    """SHA-256 of each file."""
    days: tuple[int, ...] | None
    """The business days that it holds, ascending, NO_DAY for undated rows; None where an old manifest did not say."""
    scales: dict[str, int]
    """Pair name -> the scale of its units as it was read."""


@dataclass(frozen=True)
class Part:
    """One Parquet file, sorted by series and then time: a run of hash buckets, each a run of row groups."""

    name: str
    run: int
    """Parts of one run were written together and share no series."""
    seq: int | None
    """The arrival of all its rows; None: the column `seq` says it row by row."""
    rows: int
    groups: tuple[int, ...]
    """The smallest series id of each row group, ascending."""
    high: int
    """The largest series id."""
    scales: dict[str, int]
    """Pair name -> the scale of its units in this part."""
    footer: int | None = None
    """CRC-32 of the file's footer, which Parquet itself does not check as it does its pages; None in older parts."""

    @property
    def low(self) -> int:
        return self.groups[0] if self.groups else 0

    def meets(self, low: int, high: int) -> bool:
        """Whether it can hold a series in the half-open range."""
        return self.rows > 0 and self.low < high and low <= self.high


@dataclass(frozen=True)
class Manifest:
    """What a reconciliation's lake holds at one moment; never changed, only followed by another."""

    recon: str
    number: int = 0
    """Each published manifest is numbered one higher; 0: nothing was published yet."""
    layout: Layout | None = None
    arrivals: tuple[Arrival, ...] = ()
    parts: tuple[Part, ...] = ()
    line: tuple[str, ...] = ()
    """A stamp for each publishing that led here, this one's last: by it a writer knows whether it is among them."""

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def hashes(self) -> set[str]:
        return {h for arrival in self.arrivals for h in arrival.hashes}

    @property
    def next_seq(self) -> int:
        return max((a.seq for a in self.arrivals), default=-1) + 1

    @property
    def next_run(self) -> int:
        return max((p.run for p in self.parts), default=-1) + 1

    def without(self, hashes: set[str]) -> set[int]:
        """The arrivals that brought one of these files."""
        return {a.seq for a in self.arrivals if hashes & set(a.hashes)}

    def scales(self, without: set[int]) -> dict[str, int]:
        """The finest scale of each pair among the arrivals that count."""
        out: dict[str, int] = {}
        for arrival in self.arrivals:
            if arrival.seq not in without:
                out |= {pair: max(scale, out.get(pair, 0)) for pair, scale in arrival.scales.items()}
        return out


def to_json(manifest: Manifest) -> bytes:
    """The manifest as it is stored."""
    return json.dumps({"version": VERSION, **asdict(manifest)}).encode()


def from_json(text: bytes, where: str) -> Manifest:
    """A stored manifest of this or an older version. Raises BadInput when it is none."""
    try:
        said = json.loads(text)
        upgraded = said if said.get("version") == VERSION else _from_version_1(said)
        return _manifest(upgraded)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{where}: not a whole manifest of a lake ({error}); remove it to go back to the one before it"
        raise BadInput(msg) from error


def _manifest(said: dict[str, Any]) -> Manifest:
    return Manifest(
        recon=said["recon"],
        number=said["number"],
        layout=layout_of(said["layout"]) if said["layout"] else None,
        arrivals=tuple(
            Arrival(
                seq=a["seq"],
                hashes=tuple(a["hashes"]),
                days=None if a["days"] is None else tuple(a["days"]),
                scales=a["scales"],
            )
            for a in said["arrivals"]
        ),
        parts=tuple(Part(**{**p, "groups": tuple(p["groups"])}) for p in said["parts"]),
        line=tuple(said.get("line", ())),
    )


def _from_version_1(said: dict[str, Any]) -> dict[str, Any]:
    """The first manifests had one part per append, and did not say which days it held nor its largest series."""
    parts, arrivals = [], []
    for part in said["parts"]:
        same = {name: part[name] for name in ("seq", "hashes", "scales")}
        arrivals.append({**same, "days": None})
        kept = {name: part[name] for name in ("name", "seq", "rows", "groups", "scales")}
        parts.append({**kept, "run": part["seq"], "high": TOP - 1})
    layout = said["layout"]
    return {"recon": said["recon"], "number": 0, "layout": layout, "arrivals": arrivals, "parts": parts}


def layout_of(said: dict[str, Any]) -> Layout:
    """A layout from its JSON."""
    tuples = {k: tuple(v) for k, v in said.items() if isinstance(v, list)}
    return Layout(**{**said, **tuples, "pairs": tuple(Pair(**p) for p in said["pairs"])})


def slug(recon: str) -> str:
    """A folder name for a reconciliation: readable, and different for different names.

    >>> slug("GL vs IHub")
    'GL-vs-IHub-10fd16fc'
    """
    words = re.sub(r"[^A-Za-z0-9_-]+", "-", recon).strip("-")[:60]
    return f"{words}-{hashlib.sha256(recon.encode()).hexdigest()[:8]}"
