"""What the two peers in Polars share: reading and adding up, and writing."""
import numpy as np
import polars as pl

from scenario import CAP, EU27, RISK, TOP, print_headline


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


class Markets:
    """World exports, the bloc's imports and room by product and exporter, sorted; `starts` are the first rows of the products."""

    def __init__(self, path, codes):
        rows = read_trade(path)
        wanted = codes if rows.collect_schema()["k"] == pl.String else [int(code) for code in codes]
        rows = rows.filter(pl.col("k").is_in(wanted), pl.col("i") != pl.col("j"))
        rows = rows.with_columns(bloc=pl.when(pl.col("j").is_in(EU27)).then("v").otherwise(0.0))
        sums = {"world": pl.col("v").sum(), "imports": pl.col("bloc").sum()}
        table = rows.group_by("k", "i").agg(**sums).sort("k", "i").collect()

        self.exporter = table["i"].to_numpy()
        self.imports, world = table["imports"].to_numpy(), table["world"].to_numpy()
        self.risk = np.isin(self.exporter, RISK)
        self.room = np.where(self.risk, 0.0, np.minimum(CAP * world, world - self.imports))
        self.lengths = table["k"].rle().struct.field("len").to_numpy().astype(np.int64)
        self.starts = np.cumsum(self.lengths) - self.lengths
        self.product = table["k"].gather(self.starts).cast(pl.String).str.zfill(6)

    def per_product(self, amounts, where=True):
        return np.add.reduceat(np.where(where, amounts, 0.0), self.starts)

    def write(self, out, gain, after):
        """Products, the countries that gain most outside the bloc, and the headline."""
        total, before = self.per_product(self.imports), self.per_product(self.imports, self.risk)
        columns = {
            "product": self.product,
            "imports_kusd": total,
            "risk_before_kusd": before,
            "capacity_kusd": self.per_product(self.room),
            "risk_after_kusd": after,
        }
        pl.DataFrame(columns).write_csv(out / "products.csv")
        gains = (
            pl.DataFrame({"code": self.exporter, "increase_musd": gain / 1e3, "imports": self.imports})
            .filter(~pl.col("code").is_in(EU27 + RISK))
            .group_by("code").agg(pl.all().sum())
            .sort(["increase_musd", "code"], descending=[True, False]).head(TOP)
            .with_columns(share_old_pct=100 * pl.col("imports") / total.sum())
            .with_columns(share_new_pct=pl.col("share_old_pct") + 1e5 * pl.col("increase_musd") / total.sum())
        )
        gains.drop("imports").write_csv(out / "gains.csv")
        print_headline(total.sum(), before.sum(), after.sum())
