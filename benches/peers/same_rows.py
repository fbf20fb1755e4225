"""Do two Parquet files hold the same rows in the same order?

usage: same_rows.py ONE.parquet OTHER.parquet
"""
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

OURS = {"exporter": "i", "importer": "j", "product": "k", "value_kusd": "v", "quantity_tons": "q"}


def columns(path):
    """Keys as numbers, amounts as doubles, whoever wrote the file; a missing quantity is not a number."""
    table = pyarrow.parquet.read_table(path)
    table = table.rename_columns([OURS.get(name, name) for name in table.column_names])
    keys = [table[name].cast(pa.int64()).to_numpy() for name in "kij"]
    amounts = [pyarrow.compute.fill_null(table[name].cast(pa.float64()), float("nan")).to_numpy() for name in "vq"]
    return keys, amounts


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    (keys, amounts), (other_keys, other_amounts) = map(columns, sys.argv[1:])
    if not all(np.array_equal(one, other) for one, other in zip(keys, other_keys)):
        sys.exit("the keys differ")
    if not all(np.allclose(one, other, rtol=1e-12, atol=0.0, equal_nan=True) for one, other in zip(amounts, other_amounts)):
        sys.exit("the amounts differ")
    print(f"{len(keys[0])} rows, the same in both")


main()
