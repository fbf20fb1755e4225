"""Polars to read and numpy to compute: the figures of all files of a run, as the oracle has them.

usage: polars_all_files.py TRADE.parquet|TRADE.csv LIST.csv OUT

Without certificates and the greatest concentration over all optima, which the oracle does not know.
"""
import pathlib
import sys

import numpy as np
import polars as pl

import oracle
from polars_markets import read_trade
from scenario import print_headline


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    trade, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[3])
    places = oracle.read_list(sys.argv[2])
    rows = read_trade(trade)
    wanted = [f"{code:06}" for code in places] if rows.collect_schema()["k"] == pl.String else list(places)
    rows = rows.filter(pl.col("k").is_in(wanted), pl.col("i") != pl.col("j")).collect()
    i, j, k = (rows[name].cast(pl.Int64).to_numpy() for name in "ijk")
    dollars = np.rint(rows["v"].to_numpy() * 1000).astype(np.int64)
    markets = oracle.Markets((i, j, k, dollars), places)
    products, flows = oracle.solve(markets)
    shares = oracle.shares(markets, products, flows, places)
    headline = oracle.headline(markets, products, flows)
    receivers = oracle.table_a1(markets, flows, products["imports_kusd"].sum(), places)

    out.mkdir(parents=True, exist_ok=True)
    codes = pl.Series("product", markets.codes).cast(pl.String).str.zfill(6)
    pl.DataFrame({"product": codes, **products}).write_csv(out / "products.csv")
    codes = pl.Series("product", markets.product).cast(pl.String).str.zfill(6)
    pl.DataFrame({"product": codes, "exporter": markets.exporter, **flows}).write_parquet(out / "flows.parquet", compression="uncompressed")
    keys = [dict(zip(("level", "name", "origin"), key)) for key in shares]
    pl.DataFrame([key | share for key, share in zip(keys, shares.values())]).write_csv(out / "shares.csv")
    pl.DataFrame(receivers).write_csv(out / "gains.csv")
    print_headline(*(headline[name] * 1e3 for name in ("imports_musd", "risk_before_musd", "risk_after_musd")))


main()
