"""pyarrow: a year as CEPII ships it, sorted by product, exporter and importer, to Parquet.

usage: arrow_ingest.py TRADE.csv OUT.parquet
"""
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

TYPES = {"t": pa.int16(), "i": pa.int64(), "j": pa.int64(), "k": pa.int64(), "v": pa.float64(), "q": pa.string()}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    table = pyarrow.csv.read_csv(sys.argv[1], convert_options=pyarrow.csv.ConvertOptions(column_types=TYPES))
    # A missing quantity is a padded NA.
    quantity = pc.utf8_trim_whitespace(table["q"])
    quantity = pc.if_else(pc.is_in(quantity, pa.array(["", "NA"])), None, quantity).cast(pa.float64())
    # One key sorts faster than three, and whole columns faster than chunks.
    key = pc.add(pc.add(pc.multiply(table["k"], 1_000_000), pc.multiply(table["i"], 1000)), table["j"]).combine_chunks()
    keys = {name: table[name].cast(pa.int32()) for name in "ijk"}
    table = pa.table({"t": table["t"], **keys, "v": table["v"], "q": quantity}).combine_chunks()
    pyarrow.parquet.write_table(table.take(pc.sort_indices(key)), sys.argv[2], compression="zstd")


main()
