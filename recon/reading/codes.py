"""Text columns as codes: one number per distinct normalised text."""

import numpy as np
import pyarrow as pa

from recon.rows import Codes
from recon.text import normalise_all


def code_column(column: pa.ChunkedArray) -> Codes:
    """A text column as codes into its normalised vocabulary, in order of first appearance."""
    if len(column) == 0:
        return Codes(np.zeros(0, dtype=np.int32), pa.array([], type=pa.string()))
    coded = column.combine_chunks() if column.num_chunks == 1 else column
    encoded = coded.dictionary_encode()
    whole = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    codes = whole.indices.to_numpy(zero_copy_only=False)
    vocabulary = normalise_all(whole.dictionary)
    merged = vocabulary.dictionary_encode()
    if len(merged.dictionary) != len(vocabulary):
        codes = merged.indices.to_numpy(zero_copy_only=False)[codes]
        vocabulary = merged.dictionary
    return Codes(codes.astype(np.int32, copy=False), vocabulary)
