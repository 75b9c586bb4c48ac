"""What the recon file says of columns, as the file at hand spells them."""

from collections.abc import Mapping, Sequence

from recon.errors import BadReconFile
from recon.reading.columns import Column
from recon.reading.pairs import PairsFound, infer_pairs, is_measure, sign_of, unit_of
from recon.recon_file import CriteriaColumns, ReconFile
from recon.rows import Pair
from recon.text import normalise, squash


class Named:
    """The columns that the recon file names. Raises BadReconFile for one that the file lacks."""

    def __init__(self, columns: Mapping[str, Column], said: ReconFile) -> None:
        self._columns = columns
        self._by_squash = {column.squashed: name for name, column in reversed(list(columns.items()))}
        self.said = said
        told = said.columns
        self.key = tuple(self._found(name, "columns.key") for name in told.key)
        self.historical = tuple(self._found(name, "columns.historical") for name in told.historical)
        self.comment = tuple(name for name in (self._optional(name) for name in told.comment) if name is not None)
        self.ignore = tuple(name for name in (self._optional(name) for name in told.ignore) if name is not None)
        self.date = self._found(told.date, "columns.date") if told.date else None
        self.timestamp = self._found(told.timestamp, "columns.timestamp") if told.timestamp else None
        self.status = self._optional(told.status)
        self.label = self._optional(told.label)
        self.currency = self._optional(said.currency)

    def _optional(self, name: str | None) -> str | None:
        """A column that a file may lack: comments and labels come later, or never."""
        return None if name is None else self._columns_name(name)

    def _columns_name(self, name: str) -> str | None:
        return name if name in self._columns else self._by_squash.get(squash(name))

    def _found(self, name: str, where: str) -> str:
        found = self._columns_name(name)
        if found is None:
            known = ", ".join(list(self._columns)[:20])
            msg = f"recon file: {where}: the file has no column {name!r}; it has {known}"
            raise BadReconFile(msg)
        return found

    def pairs(self, columns: Sequence[Column]) -> PairsFound | None:
        criteria = self.said.columns.criteria
        if not criteria:
            return None
        pairs = tuple(self._pair(one, index) for index, one in enumerate(criteria))
        used = {name for pair in pairs for name in pair.columns}
        inferred = infer_pairs([c for c in columns if c.name not in self.key], frozenset())
        return PairsFound(pairs, inferred.sides, "the recon file says so", frozenset(used) | inferred.used)

    def _pair(self, one: CriteriaColumns, index: int) -> Pair:
        where = f"columns.criteria.{index}"
        left = self._found(one.left, f"{where}.left")
        right = self._found(one.right, f"{where}.right") if one.right else None
        derived = self._found(one.derived, f"{where}.derived") if one.derived else None
        left_mark = self._found(one.left_mark, f"{where}.left_mark") if one.left_mark else None
        right_mark = self._found(one.right_mark, f"{where}.right_mark") if one.right_mark else None
        columns = [self._columns[name] for name in (left, right) if name]
        numeric = any(is_measure(c) or c.is_number for c in columns) and not any(
            c.kind in ("text", "date") and not is_measure(c) and c.number_share < 0.5 for c in columns
        )
        sign = sign_of(columns[0], columns[1], self._columns[derived])[0] if derived and right else 1
        name = one.name or self._inferred_name(columns)
        return Pair(
            name,
            left,
            right,
            derived,
            "number" if numeric else "text",
            sign=sign,
            tolerance=format(one.tolerance, "f") if one.tolerance is not None else None,
            unit=unit_of(columns[0].tokens, *columns) if numeric else "other",
            left_mark=left_mark,
            right_mark=right_mark,
            mirrored=one.mirrored,
        )

    def _inferred_name(self, columns: Sequence[Column]) -> str:
        found = infer_pairs(columns, frozenset()).pairs if len(columns) == 2 else ()
        if len(found) == 1 and found[0].right is not None:
            return found[0].name
        return " vs ".join(normalise(c.name) for c in columns)
