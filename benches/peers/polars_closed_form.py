"""Polars and numpy, closed form: usage: polars_closed_form.py TRADE.parquet|TRADE.csv CODES OUT"""
import numpy as np
import polars as pl

from scenario import CAP, EU27, RISK, TOP, arguments, print_headline


def read_trade(path):
    """Lazy rows of i, j, k, v, from CEPII's columns or from those of reorient."""
    if path.suffix == ".csv":
        # As a number: nothing parses faster, and the leading zero comes back on output.
        types = {"i": pl.Int32, "j": pl.Int32, "k": pl.Int32, "v": pl.Float64, "q": pl.String}
        return pl.scan_csv(path, schema_overrides=types).select("i", "j", "k", "v")
    rows = pl.scan_parquet(path)
    if "product" in rows.collect_schema().names():
        rows = rows.rename({"exporter": "i", "importer": "j", "product": "k", "value_kusd": "v"})
    return rows.select("i", "j", "k", pl.col("v").cast(pl.Float64))


def markets(rows, codes):
    """World exports and the bloc's imports by product and exporter, sorted."""
    numbers = rows.collect_schema()["k"] != pl.String
    wanted = [int(code) for code in codes] if numbers else codes
    rows = rows.filter(pl.col("k").is_in(wanted), pl.col("i") != pl.col("j"))
    rows = rows.with_columns(bloc=pl.when(pl.col("j").is_in(EU27)).then("v").otherwise(0.0))
    table = rows.group_by("k", "i").agg(world=pl.col("v").sum(), imports=pl.col("bloc").sum()).sort("k", "i").collect()
    return table.with_columns(pl.col("k").cast(pl.String).str.zfill(6))


def main():
    trade, codes, out = arguments(__doc__)
    table = markets(read_trade(trade), codes)
    product, exporter = table["k"], table["i"].to_numpy()
    world, imports = table["world"].to_numpy(), table["imports"].to_numpy()

    lengths = product.rle().struct.field("len").to_numpy().astype(np.int64)
    starts = np.cumsum(lengths) - lengths
    risk = np.isin(exporter, RISK)
    room = np.where(risk, 0.0, np.minimum(CAP * world, world - imports))

    total = np.add.reduceat(imports, starts)
    before = np.add.reduceat(np.where(risk, imports, 0.0), starts)
    capacity = np.add.reduceat(room, starts)
    after = np.maximum(0.0, before - capacity)
    used = np.divide(before - after, capacity, out=np.zeros_like(capacity), where=capacity > 0.0)
    gain = room * np.repeat(used, lengths)

    columns = {"imports_kusd": total, "risk_before_kusd": before, "capacity_kusd": capacity, "risk_after_kusd": after}
    pl.DataFrame({"product": product.gather(starts), **columns}).write_csv(out / "products.csv")

    gains = (
        pl.DataFrame({"code": exporter, "increase_musd": gain / 1e3, "imports": imports})
        .filter(~pl.col("code").is_in(EU27 + RISK))
        .group_by("code").agg(pl.all().sum())
        .sort(["increase_musd", "code"], descending=[True, False]).head(TOP)
        .with_columns(share_old_pct=100 * pl.col("imports") / total.sum())
        .with_columns(share_new_pct=pl.col("share_old_pct") + 1e5 * pl.col("increase_musd") / total.sum())
    )
    gains.drop("imports").write_csv(out / "gains.csv")
    print_headline(total.sum(), before.sum(), after.sum())


main()
