"""pandas and PuLP with its own solver CBC, one linear program per product.

usage: pandas_pulp.py TRADE.parquet|TRADE.csv CODES OUT
"""
import numpy as np
import pandas as pd
import pulp

from scenario import CAP, EU27, RISK, TOP, arguments, print_headline


def read_trade(path):
    if path.suffix == ".csv":
        return pd.read_csv(path, usecols=["i", "j", "k", "v"], dtype={"k": str, "i": "int32", "j": "int32", "v": "float64"})
    return pd.read_parquet(path, columns=["i", "j", "k", "v"])


def markets(trade, codes):
    """World exports and the bloc's imports by product and exporter."""
    trade = trade[trade["k"].isin(codes) & (trade["i"] != trade["j"])]
    keys = [trade["k"], trade["i"]]
    table = pd.DataFrame({
        "world": trade["v"].groupby(keys).sum(),
        "imports": trade["v"].where(trade["j"].isin(EU27), 0.0).groupby(keys).sum(),
    }).reset_index()
    table["risk"] = table["i"].isin(RISK)
    table["room"] = np.where(table["risk"], 0.0, np.minimum(CAP * table["world"], table["world"] - table["imports"]))
    return table


def solve(market):
    """The optimal flows of one product, in shares of all imports."""
    total = market["imports"].sum()
    if total == 0.0:
        return market["imports"].to_numpy()
    problem = pulp.LpProblem("product", pulp.LpMinimize)
    lower = np.where(market["risk"], 0.0, market["imports"]) / total
    upper = (market["imports"] + market["room"]) / total
    flows = [pulp.LpVariable(f"x{code}", *bounds) for code, *bounds in zip(market["i"], lower, upper)]
    problem += pulp.lpSum(flow for flow, risk in zip(flows, market["risk"]) if risk)
    problem += pulp.lpSum(flows) == 1
    # By default CBC takes rooms below 1e-7 for none, and there are many small exporters.
    if problem.solve(pulp.PULP_CBC_CMD(msg=False, options=["primalT 1e-10"])) != pulp.LpStatusOptimal:
        raise SystemExit(f"no optimum: {pulp.LpStatus[problem.status]}")
    return total * np.array([flow.value() for flow in flows])


def main():
    trade, codes, out = arguments(__doc__)
    table = markets(read_trade(trade), codes)
    table["flow"] = np.concatenate([solve(market) for _, market in table.groupby("k", sort=True)])

    risk = table["risk"]
    columns = {
        "imports_kusd": table["imports"],
        "risk_before_kusd": table["imports"].where(risk, 0.0),
        "capacity_kusd": table["room"],
        "risk_after_kusd": table["flow"].where(risk, 0.0),
    }
    products = pd.DataFrame(columns).groupby(table["k"].rename("product")).sum()
    products.to_csv(out / "products.csv")

    total = products["imports_kusd"].sum()
    others = table[~table["i"].isin(EU27 + RISK)]
    gains = pd.DataFrame({
        "code": others["i"],
        "increase_musd": (others["flow"] - others["imports"]) / 1e3,
        "share_old_pct": 100 * others["imports"] / total,
        "share_new_pct": 100 * others["flow"] / total,
    }).groupby("code").sum().reset_index()
    gains = gains.sort_values(["increase_musd", "code"], ascending=[False, True]).head(TOP)
    gains.to_csv(out / "gains.csv", index=False)
    print_headline(total, products["risk_before_kusd"].sum(), products["risk_after_kusd"].sum())


main()
