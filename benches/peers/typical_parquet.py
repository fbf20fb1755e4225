"""The Parquet file that a user of Polars keeps: CEPII's rows, order and names, amounts as doubles.

usage: typical_parquet.py TRADE.csv OUT.parquet
"""
import sys

import polars as pl

TYPES = {"t": pl.Int32, "i": pl.Int32, "j": pl.Int32, "k": pl.String, "v": pl.Float64, "q": pl.String}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    rows = pl.read_csv(sys.argv[1], schema_overrides=TYPES)
    quantity = pl.col("q").str.strip_chars().replace("NA", None).cast(pl.Float64)
    rows.with_columns(quantity).write_parquet(sys.argv[2], compression="zstd")


main()
