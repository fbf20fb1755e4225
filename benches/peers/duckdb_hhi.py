"""DuckDB: concentration of every product's world exports and of the bloc's imports, by origin.

usage: duckdb_hhi.py TRADE.parquet OUT
"""
import pathlib
import sys

import duckdb

from scenario import EU27

QUERY = """
copy (
    with flows as (
        select {product} as k, {exporter} as i, {importer} as j, {value}::double as v from read_parquet('{trade}')
    ), exporters as (
        select k, i, sum(v) as world, coalesce(sum(v) filter (j in ({bloc})), 0) as imports
        from flows where i <> j group by k, i
    ), totals as (
        select k, sum(world) as w, sum(imports) as m, sum(world * world) as ww, sum(imports * imports) as mm
        from exporters group by k
    )
    select lpad(k::varchar, 6, '0') as product, m as imports_kusd, case when m > 0 then mm / (m * m) end as hhi,
        ww / (w * w) as hhi_world_exports
    from totals order by product
) to '{out}' (header)
"""


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    trade, out = map(pathlib.Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    names = {row[0] for row in connection.execute("describe select * from read_parquet(?)", [str(trade)]).fetchall()}
    ours = {"product": "product", "exporter": "exporter", "importer": "importer", "value": "value_kusd"}
    columns = ours if "product" in names else dict(zip(ours, "kijv"))
    bloc = ", ".join(map(str, EU27))
    connection.execute(QUERY.format(trade=trade, bloc=bloc, out=out / "hhi.csv", **columns))


main()
