"""A panel written down a second time, from docs/method.md: sums in SQL, the optimum in numpy.

usage: panel.py PANEL.parquet (EU27|EU) OUT_YEARS.csv OUT_PRODUCTS.csv OUT_TABLES.csv OUT_SHARES.csv

All products, the default scenario. Amounts are whole units of a twentieth of a dollar, so that the cap of 5 points stays whole.
"""
import csv
import sys

import duckdb
import numpy as np

RISK = [156, 643, 842]
UNITS = 20  # to the dollar
# First and last full year of membership; Belgium and Luxembourg are one, 58, until 1998.
MEMBERS = {56: (0, 9999), 58: (0, 9999), 251: (0, 9999), 276: (0, 9999), 380: (0, 9999), 442: (0, 9999), 528: (0, 9999),
           208: (0, 9999), 372: (0, 9999), 826: (0, 2019), 300: (0, 9999), 620: (0, 9999), 724: (0, 9999), 40: (0, 9999),
           246: (0, 9999), 752: (0, 9999), 196: (2004, 9999), 203: (2004, 9999), 233: (2004, 9999), 348: (2004, 9999),
           428: (2004, 9999), 440: (2004, 9999), 470: (2004, 9999), 616: (2004, 9999), 703: (2004, 9999), 705: (2004, 9999),
           100: (2007, 9999), 642: (2007, 9999), 191: (2013, 9999)}


def members(bloc, year):
    of = 2023 if bloc == "EU27" else year
    return [code for code, (first, last) in MEMBERS.items() if first <= of <= last]


def water(low, high, total):
    """The most even flows between the bounds with a total, by bisection of their level."""
    bottom, top = 0.0, float(max(high.max(initial=0), 1))
    for _ in range(200):
        middle = (bottom + top) / 2
        if np.clip(middle, low, high).sum() < total:
            bottom = middle
        else:
            top = middle
    return np.clip(top, low, high)


def a_vertex(low, high, total, order):
    """Flows at their lower bounds, filled one after the other: a corner of the optimal face."""
    flow, left = low.astype(float), float(total - low.sum())
    for at in order:
        step = min(left, float(high[at] - low[at]))
        flow[at] += step
        left -= step
    return flow


def critical_cap(need, share, room):
    """The smallest cap at which the alternatives gain what is needed."""
    if room.sum() < need:
        return None
    share, room = share[share > 0], room[share > 0]
    ends = room / share
    previous = 0.0
    for end in np.unique(ends):
        if np.minimum(end * share, room).sum() >= need * (1 - 1e-15):
            at = np.minimum(previous * share, room).sum()
            return previous + max(0.0, need - at) / share[ends > previous].sum()
        previous = end
    return previous


def quantile(caps, weights, part):
    order = sorted(range(len(caps)), key=lambda at: float("inf") if caps[at] is None else caps[at])
    total, sum_so_far = sum(weights), 0
    for at in order:
        sum_so_far += weights[at]
        if sum_so_far * 100 >= total * part:
            return caps[at]
    return None


def main(panel, bloc, *outs):
    db = duckdb.connect()
    db.sql(f"create table trade as select t, i, j, k, cast(round(v * 1000) as bigint) as d from '{panel}' where i <> j")
    years = [row[0] for row in db.sql("select distinct t from trade order by 1").fetchall()]
    yearly, products, tables, shares = [], [], [], []
    random = np.random.default_rng(1)
    for year in years:
        inside = members(bloc, year)
        # What the panel says of today is SQL alone.
        imports, risk = db.sql(f"""select sum(d), sum(d) filter (i in {tuple(RISK)}) from trade
            where t = {year} and j in {tuple(inside)}""").fetchall()[0]
        of_each = dict(db.sql(f"""select i, sum(d) from trade where t = {year} and j in {tuple(inside)} and i in {tuple(RISK)}
            group by i""").fetchall())
        rows = db.sql(f"""select k, i, coalesce(sum(d) filter (j in {tuple(inside)}), 0) as x, sum(d) as w from trade
            where t = {year} group by all order by k, i""").fetchnumpy()
        before = db.sql(f"""with flows as (select k, i, sum(d) as x from trade where t = {year} and j in {tuple(inside)} group by all),
            index as (select k, sum(x) as total, sum((x::double / s::double) ** 2) as h
                      from (select *, sum(x) over (partition by k) as s from flows) group by k)
            select sum(total * h) / sum(total) from index""").fetchall()[0][0]
        sums = dict.fromkeys(["after", "capacity", "short", "cleared", "n_risk", "h", "h_min", "inside", "outside"], 0)
        gains, caps, weights, left = {}, [], [], dict.fromkeys(RISK, 0.0)
        for code in np.unique(rows["k"]):
            is_code = rows["k"] == code
            who, x, w = rows["i"][is_code], rows["x"][is_code] * UNITS, rows["w"][is_code] * UNITS
            at_risk = np.isin(who, RISK)
            total, need = int(x.sum()), int(x[at_risk].sum())
            room = np.where(at_risk, 0, np.minimum(w // UNITS, w - x))
            high, low = np.where(at_risk, x, x + room), np.where(at_risk, 0, x)
            kept = max(0, need - int(room.sum()))
            moved = need - kept
            flow = x.astype(float)
            if need:
                flow[at_risk] *= kept / need
            if room.sum():
                flow += room * (moved / room.sum())
            cap = critical_cap(float(need), (w * ~at_risk).astype(float), ((w - x) * ~at_risk).astype(float))
            sums["after"] += kept
            sums["capacity"] += int(room.sum())
            sums["short"] += kept > 0
            if need:
                caps.append(cap)
                weights.append(total)
                sums["n_risk"] += 1
                sums["cleared"] += kept == 0
            for code_of in RISK:
                left[code_of] += flow[who == code_of].sum()
            h = h_min = None
            if total:
                h = ((flow / total) ** 2).sum()
                even, blocks = flow.copy(), [(at_risk, kept), (~at_risk, total - kept)]
                for block, of in blocks:
                    even[block] = water(low[block].astype(float), high[block].astype(float), of)
                h_min = ((even / total) ** 2).sum()
                sums["h"] += h * total
                sums["h_min"] += h_min * total
            corner = 0.0
            for _ in range(3):
                point = flow.copy()
                for block, of in [(at_risk, kept), (~at_risk, total - kept)]:
                    order = random.permutation(int(block.sum()))
                    point[block] = a_vertex(low[block], high[block], of, order)
                corner = max(corner, ((point / total) ** 2).sum() if total else 0.0)
            scale = UNITS * 1000
            products.append([year, code, f"{total / scale:.3f}", f"{need / scale:.3f}", kept / scale, cap, h, h_min, corner])
            spare = int(room.sum()) - moved
            for position in np.flatnonzero(~at_risk & (room > 0)):
                gain = gains.setdefault(int(who[position]), [0.0, 0, 0, ])
                gain[0] += flow[position] - x[position]
                # What the others leave at least, and what it can take at most.
                gain[1] += max(0, int(room[position]) - spare)
                gain[2] += min(int(room[position]), moved)
            gain_of_all = flow - x
            is_in = np.isin(who, inside)
            sums["inside"] += gain_of_all[is_in & ~at_risk].sum()
            sums["outside"] += gain_of_all[~is_in & ~at_risk].sum()
        million = UNITS * 1_000_000
        outside = {code: gain for code, gain in gains.items() if code not in inside and gain[2] > 0}
        ranked = sorted(outside, key=lambda code: (-round(outside[code][0]), code))[:25]
        for rank, code in enumerate(ranked, 1):
            tables.append([year, rank, code, *[part / million for part in outside[code]]])
        for code in RISK:
            share = 100 * of_each.get(code, 0) / imports
            shares.append([year, code, of_each.get(code, 0) / 1e6, share, left[code] / million])
        all_units = imports * UNITS
        yearly.append([year, imports / 1e6, risk / 1e6, sums["after"] / million, 100 * risk / imports,
                       100 * sums["after"] / all_units, sums["capacity"] / million, sums["inside"] / million,
                       sums["outside"] / million, before, sums["h"] / all_units, sums["h_min"] / all_units, sums["short"],
                       sums["n_risk"], sums["cleared"], quantile(caps, [1] * len(caps), 50),
                       *[quantile(caps, weights, part) for part in (10, 25, 50, 75, 90)]])
    headers = [
        ["year", "imports_musd", "risk_before_musd", "risk_after_musd", "risk_before_pct", "risk_after_pct", "capacity_musd",
         "shifted_inside_musd", "shifted_outside_musd", "hhi_before", "hhi_after", "hhi_after_min", "in_shortage", "n_with_risk",
         "n_cleared", "critical_cap_median", "critical_cap_p10", "critical_cap_p25", "critical_cap_p50", "critical_cap_p75",
         "critical_cap_p90"],
        ["year", "product", "imports_kusd", "risk_before_kusd", "risk_after_kusd", "critical_cap", "hhi_after", "hhi_after_min",
         "hhi_of_a_corner"],
        ["year", "rank", "code", "increase_musd", "increase_min_musd", "increase_max_musd"],
        ["year", "origin", "before_musd", "before_pct", "after_musd"],
    ]
    for path, header, lines in zip(outs, headers, [yearly, products, tables, shares], strict=True):
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(lines)


main(*sys.argv[1:])
