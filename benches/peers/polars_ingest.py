"""Polars: a year as CEPII ships it, sorted by product, exporter and importer, to Parquet.

usage: polars_ingest.py TRADE.csv OUT.parquet
"""
import sys

import polars as pl

TYPES = {"t": pl.Int16, "i": pl.Int32, "j": pl.Int32, "k": pl.Int32, "v": pl.Float64, "q": pl.String}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    # A missing quantity is a padded NA.
    quantity = pl.col("q").str.strip_chars().replace("NA", None).cast(pl.Float64)
    # One key sorts faster than three.
    key = pl.col("k").cast(pl.Int64) * 1_000_000 + pl.col("i") * 1000 + pl.col("j")
    rows = pl.scan_csv(sys.argv[1], schema_overrides=TYPES)
    rows.with_columns(quantity).sort(key).sink_parquet(sys.argv[2], compression="zstd")


main()
