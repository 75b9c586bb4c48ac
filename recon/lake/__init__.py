"""The lake: every row ever read, as Parquet in hash buckets of the key, published by numbered manifests."""

from recon.lake.lake import Lake, lake_in

__all__ = ["Lake", "lake_in"]
