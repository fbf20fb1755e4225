"""pyarrow: a year as CEPII ships it, sorted by product, exporter and importer, to Parquet: usage: arrow_ingest.py TRADE.csv OUT.parquet"""
import sys

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

# Whole thousandths, as reorient keeps them; the quantity may be a padded NA.
TYPES = {"t": pa.int16(), "i": pa.int16(), "j": pa.int16(), "k": pa.string(), "v": pa.decimal128(18, 3), "q": pa.string()}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    convert = pyarrow.csv.ConvertOptions(column_types=TYPES)
    table = pyarrow.csv.read_csv(sys.argv[1], convert_options=convert)
    quantity = pyarrow.compute.utf8_trim_whitespace(table["q"])
    quantity = pyarrow.compute.if_else(pyarrow.compute.is_in(quantity, pa.array(["", "NA"])), None, quantity)
    table = table.set_column(table.schema.get_field_index("q"), "q", quantity.cast(pa.decimal128(18, 3)))
    table = table.sort_by([("k", "ascending"), ("i", "ascending"), ("j", "ascending")])
    pyarrow.parquet.write_table(table, sys.argv[2], compression="zstd")


main()
