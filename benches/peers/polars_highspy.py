"""Polars and highspy, one linear program per product: usage: polars_highspy.py TRADE.parquet|TRADE.csv CODES OUT"""
import highspy
import numpy as np
import polars as pl

from scenario import CAP, EU27, RISK, TOP, arguments, print_headline


def read_trade(path):
    """Lazy rows of i, j, k, v, from CEPII's columns or from those of reorient."""
    if path.suffix == ".csv":
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


def solve(highs, imports, risk, room):
    """The optimal flows. In shares of all imports, so that the solver's tolerances mean the same for every product."""
    total = imports.sum()
    if total == 0.0:
        return imports
    program = highspy.HighsLp()
    columns = len(imports)
    program.num_col_, program.num_row_ = columns, 1
    program.col_cost_ = risk.astype(float)
    program.col_lower_ = np.where(risk, 0.0, imports) / total
    program.col_upper_ = (imports + room) / total
    program.row_lower_ = program.row_upper_ = np.ones(1)
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.num_col_, program.a_matrix_.num_row_ = columns, 1
    program.a_matrix_.start_ = np.array([0, columns], dtype=np.int32)
    program.a_matrix_.index_ = np.arange(columns, dtype=np.int32)
    program.a_matrix_.value_ = np.ones(columns)
    highs.passModel(program)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise SystemExit(f"no optimum: {highs.modelStatusToString(highs.getModelStatus())}")
    return total * np.array(highs.getSolution().col_value)


def main():
    trade, codes, out = arguments(__doc__)
    table = markets(read_trade(trade), codes)
    exporter = table["i"].to_numpy()
    world, imports = table["world"].to_numpy(), table["imports"].to_numpy()
    risk = np.isin(exporter, RISK)
    room = np.where(risk, 0.0, np.minimum(CAP * world, world - imports))

    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    # Most of the time of so small a program would go into its presolve.
    highs.setOptionValue("presolve", "off")

    product = table["k"]
    lengths = product.rle().struct.field("len").to_numpy().astype(np.int64)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    slices = [slice(start, end) for start, end in zip(starts, ends)]
    flows = np.concatenate([solve(highs, imports[rows], risk[rows], room[rows]) for rows in slices])

    total = np.add.reduceat(imports, starts)
    before = np.add.reduceat(np.where(risk, imports, 0.0), starts)
    after = np.add.reduceat(np.where(risk, flows, 0.0), starts)
    capacity = np.add.reduceat(room, starts)
    columns = {"imports_kusd": total, "risk_before_kusd": before, "capacity_kusd": capacity, "risk_after_kusd": after}
    pl.DataFrame({"product": product.gather(starts), **columns}).write_csv(out / "products.csv")

    gains = (
        pl.DataFrame({"code": exporter, "increase_musd": (flows - imports) / 1e3, "imports": imports})
        .filter(~pl.col("code").is_in(EU27 + RISK))
        .group_by("code").agg(pl.all().sum())
        .sort(["increase_musd", "code"], descending=[True, False]).head(TOP)
        .with_columns(share_old_pct=100 * pl.col("imports") / total.sum())
        .with_columns(share_new_pct=pl.col("share_old_pct") + 1e5 * pl.col("increase_musd") / total.sum())
    )
    gains.drop("imports").write_csv(out / "gains.csv")
    print_headline(total.sum(), before.sum(), after.sum())


main()
