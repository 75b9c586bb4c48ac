"""Text columns as codes: one number per distinct normalised text."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from recon.rows import Codes
from recon.text import normalise_all


def code_column(column: pa.ChunkedArray) -> Codes:
    """A text column, coded or not, as codes into its normalised vocabulary, in order of first appearance."""
    if len(column) == 0:
        return Codes(np.zeros(0, dtype=np.int32), pa.array([], type=pa.string()))
    whole = _encoded(column)
    codes = whole.indices.to_numpy(zero_copy_only=False)
    vocabulary = normalise_all(whole.dictionary)
    merged = vocabulary.dictionary_encode()
    if len(merged.dictionary) != len(vocabulary):
        codes = merged.indices.to_numpy(zero_copy_only=False)[codes]
        vocabulary = merged.dictionary
    return Codes(codes.astype(np.int32, copy=False), vocabulary)


def distinct_texts(column: pa.ChunkedArray) -> pa.Array:
    """The distinct texts of a column, as they are written."""
    return _encoded(column).dictionary if pa.types.is_dictionary(column.type) else column.unique()


def join_codes(columns: Sequence[Codes]) -> Codes:
    """Columns one below the other under one vocabulary, in order of first appearance."""
    if len(columns) == 1:
        return columns[0]
    if not columns:
        return Codes(np.zeros(0, dtype=np.int32), pa.array([], type=pa.string()))
    words = pa.concat_arrays([one.vocabulary.cast(pa.string()) for one in columns]).dictionary_encode()
    place = words.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    shifts = np.cumsum([0, *(len(one.vocabulary) for one in columns)])
    parts = [place[shifts[i] : shifts[i + 1]][one.codes] for i, one in enumerate(columns)]
    return Codes(np.concatenate(parts), words.dictionary)


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    coded = column.chunk(0) if column.num_chunks == 1 else column
    encoded = coded if pa.types.is_dictionary(coded.type) else coded.dictionary_encode()
    whole = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
