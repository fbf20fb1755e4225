"""Polars: a year as CEPII ships it, sorted by product, exporter and importer, to Parquet: usage: polars_ingest.py TRADE.csv OUT.parquet"""
import sys

import polars as pl

TYPES = {"t": pl.Int16, "i": pl.Int16, "j": pl.Int16, "k": pl.Int32, "v": pl.Float64, "q": pl.String}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    rows = pl.read_csv(sys.argv[1], schema_overrides=TYPES)
    quantity = pl.col("q").str.strip_chars().replace("NA", None).cast(pl.Float64)
    rows.with_columns(quantity).sort("k", "i", "j").write_parquet(sys.argv[2], compression="zstd")


main()
