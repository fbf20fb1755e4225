"""An oracle of the default scenario, from docs/method.md alone: everything that `reorient run` publishes, computed again.

usage: oracle.py TRADE.csv RESULTS [LIST.csv]

Reads the rows as CEPII ships them, computes every product in numpy and compares with the files of RESULTS. With LIST, the
goods list in the revision of the data, the run must have been of that list; without it, of `--list all`. Prints what was
compared and the largest deviation of each column, and ends with 1 where one is beyond its tolerance.
"""
import csv
import json
import pathlib
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from scenario import EU27, RISK, TOP

# Amounts are whole twentieths of a dollar: with a cap of 1/20 every bound is a whole number, so all decisions are exact.
UNIT = 20
KUSD = 1000 * UNIT
MUSD = 1000 * KUSD
RELATIVE = 1e-9
# Results are rounded to billionths of a dollar; in thousand dollars, half of one.
ROUNDED_KUSD = 5e-13


def read_trade(path):
    """Exporter, importer, product and whole dollars of every row that is not of a country with itself."""
    types = {"i": pa.int64(), "j": pa.int64(), "k": pa.int64(), "v": pa.decimal128(18, 3)}
    options = pyarrow.csv.ConvertOptions(column_types=types, include_columns=list(types))
    table = pyarrow.csv.read_csv(path, convert_options=options)
    dollars = pyarrow.compute.multiply(table["v"], pa.scalar(1000, pa.decimal128(4, 0))).cast(pa.int64())
    i, j, k, v = (column.to_numpy() for column in (table["i"], table["j"], table["k"], dollars))
    foreign = i != j
    return i[foreign], j[foreign], k[foreign], v[foreign]


def read_list(path):
    """Sectors, subsectors and stages of each listed code."""
    places = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            levels = places.setdefault(int(row["hs6"]), {"sector": set(), "subsector": set(), "stage": set()})
            for level, names in levels.items():
                names.add(row[level])
    return places


class Markets:
    """Flows by product and exporter, in units, sorted; `starts` are the first flows of the products."""

    def __init__(self, trade, listed):
        i, j, k, v = trade
        if listed is not None:
            wanted = np.isin(k, list(listed))
            i, j, k, v = i[wanted], j[wanted], k[wanted], v[wanted]
        keys, places = np.unique(k * 1000 + i, return_inverse=True)
        bloc = np.isin(j, EU27)
        # Whole numbers below 2^53 add up exactly in doubles.
        world = np.bincount(places, weights=v, minlength=len(keys))
        imports = np.bincount(places[bloc], weights=v[bloc], minlength=len(keys))
        assert world.sum() < 2**53
        self.product, self.exporter = keys // 1000, keys % 1000
        self.world = world.astype(np.int64) * UNIT
        self.imports = imports.astype(np.int64) * UNIT
        self.starts = np.flatnonzero(np.diff(self.product, prepend=-1))
        self.codes = self.product[self.starts]
        self.lengths = np.diff(self.starts, append=len(keys))
        self.risk = np.isin(self.exporter, RISK)
        self.inside = np.isin(self.exporter, EU27)

    def per_product(self, amounts, where=True):
        return np.add.reduceat(np.where(where, amounts, 0), self.starts)

    def spread(self, amounts):
        """A figure of the product, for each of its flows."""
        return np.repeat(amounts, self.lengths)


def ratio(over, under):
    """Not a number where there is nothing to divide by."""
    over, under = np.asarray(over, dtype=float), np.asarray(under, dtype=float)
    return np.divide(over, under, out=np.full(under.shape, np.nan), where=under != 0)


def room_at(markets, over, under):
    """What each alternative may add at a cap of over/under, in units times `under`."""
    room = np.minimum(over * markets.world, under * (markets.world - markets.imports))
    return np.where(markets.risk, 0, room)


def interval(block_total, lower, upper, lower_all, upper_all):
    """The range of a set within its block: its own bounds, or what the rest of the block leaves to it."""
    least = np.maximum(lower, block_total - (upper_all - upper))
    most = np.minimum(upper, block_total - (lower_all - lower))
    return least, most


def critical_cap(need, world, spare):
    """The smallest cap at which sum(min(cap * world, spare)) meets the need."""
    if need == 0:
        return 0.0
    if spare.sum() < need:
        return np.nan
    saturation = spare / world
    order = np.argsort(saturation, kind="stable")
    world, spare, saturation = world[order], spare[order], saturation[order]
    # At the n-th saturation, the first n have reached what they can spare and the others rise with the cap.
    done = np.concatenate(([0], np.cumsum(spare)))
    rising = world.sum() - np.concatenate(([0], np.cumsum(world)))
    reached = done[:-1] + saturation * rising[:-1]
    n = int(np.searchsorted(reached, need))
    if n == len(world):
        # Rounding alone: all saturated is just enough.
        return saturation[-1]
    return min((need - done[n]) / rising[n], saturation[n])


def water(total, lower, upper):
    """The least sum of squares: clamp(level, lower, upper) with the level that gives the total."""
    if len(lower) == 0:
        return 0.0
    levels = np.unique(np.concatenate((lower, upper)))
    heights = np.clip(levels[:, None], lower, upper).sum(axis=1)
    n = int(np.searchsorted(heights, total))
    if n == 0:
        level = levels[0]
    elif n == len(levels):
        level = levels[-1]
    else:
        share = (total - heights[n - 1]) / (heights[n] - heights[n - 1])
        level = levels[n - 1] + share * (levels[n] - levels[n - 1])
    return float((np.clip(level, lower, upper) ** 2).sum())


def solve(markets):
    """Flows and figures of every product, as columns."""
    m = markets
    alternative = ~m.risk
    room = room_at(m, 1, UNIT) // UNIT
    lower = np.where(m.risk, 0, m.imports)
    upper = m.imports + room

    total = m.per_product(m.imports)
    before = m.per_product(m.imports, m.risk)
    capacity = m.per_product(room)
    reach = m.per_product(upper, alternative)
    after = np.maximum(0, total - reach)
    carried = total - after

    # The declared point: both blocks in proportion.
    used = ratio(carried - (total - before), capacity)
    drained = ratio(after, before)
    point = np.where(
        m.risk,
        m.imports * np.nan_to_num(m.spread(drained)),
        m.imports + room * np.nan_to_num(m.spread(used)),
    )

    def block(amounts):
        """Sum over the block of each flow."""
        risk, rest = m.per_product(amounts, m.risk), m.per_product(amounts, alternative)
        return np.where(m.risk, m.spread(risk), m.spread(rest))

    block_total = np.where(m.risk, m.spread(after), m.spread(carried))
    least, most = interval(block_total, lower, upper, block(lower), block(upper))

    shortage = after > 0
    status = np.select([before == 0, shortage, reach == total], ["no-risk", "shortage", "tight"], "slack")
    # One dollar less must be carried by the cheapest block with an upper bound to spare.
    of_less = np.select([carried < reach, after < before], [0.0, 1.0], np.nan)

    below_saturation = alternative & (m.world < UNIT * (m.world - m.imports))
    slope = np.where(shortage, m.per_product(m.world, below_saturation), 0)
    next_capacity = m.per_product(room_at(m, 6, 100))
    next_point = after - np.maximum(0, 100 * before - next_capacity) / 100

    changes = {}
    for name, members in (("inside", alternative & m.inside), ("outside", alternative & ~m.inside)):
        held = m.per_product(m.imports, members)
        ends = interval(
            carried, held, m.per_product(upper, members), m.per_product(lower, alternative), m.per_product(upper, alternative)
        )
        gained = m.per_product(point - m.imports, members)
        changes |= {f"change_{name}": gained, f"change_{name}_min": ends[0] - held, f"change_{name}_max": ends[1] - held}

    slices = [slice(start, start + length) for start, length in zip(m.starts, m.lengths)]
    caps, squares = np.empty(len(slices)), np.empty(len(slices))
    for n, flows in enumerate(slices):
        others = flows.start + np.flatnonzero(alternative[flows])
        risky = flows.start + np.flatnonzero(m.risk[flows])
        caps[n] = critical_cap(before[n], m.world[others], (m.world - m.imports)[others])
        squares[n] = water(carried[n], lower[others].astype(float), upper[others].astype(float))
        squares[n] += water(after[n], lower[risky].astype(float), upper[risky].astype(float))

    square = total.astype(float) ** 2
    products = {
        "imports_kusd": total / KUSD,
        "risk_before_kusd": before / KUSD,
        "risk_after_kusd": after / KUSD,
        "capacity_kusd": capacity / KUSD,
        "status": status,
        "shadow_price": shortage.astype(float),
        "critical_cap": caps,
        "hhi_before": ratio(m.per_product(m.imports.astype(float) ** 2), square),
        "hhi_after": ratio(m.per_product(point**2), square),
        "hhi_after_min": ratio(squares, square),
        "shadow_price_max": of_less,
        "rearrangement_ratio": ratio(before, capacity),
        "risk_slope_kusd_per_pp": slope / KUSD / 100,
        "spare_kusd": np.maximum(0, reach - total) / KUSD,
        **{f"{name}_kusd": amounts / KUSD for name, amounts in changes.items()},
        "risk_next_point_kusd": next_point / KUSD,
    }
    flows = {
        "imports_kusd": m.imports / KUSD,
        "world_exports_kusd": m.world / KUSD,
        "capacity_kusd": room / KUSD,
        "optimised_kusd": point / KUSD,
        "min_kusd": least / KUSD,
        "max_kusd": most / KUSD,
    }
    return products, flows


def percent(part, whole):
    return 100 * part / whole if whole else np.nan


def shares(markets, products, flows, places):
    """Rows of shares.csv by level, name and origin."""
    m = markets
    rows = {}
    groups = {("overall", None): np.ones(len(m.codes), dtype=bool)}
    for level in ("sector", "subsector", "stage"):
        names = [places[code][level] if places else {"all"} for code in m.codes]
        for name in set().union(*names):
            groups[level, name] = np.array([name in of_product for of_product in names])
    for (level, name), members in groups.items():
        total = products["imports_kusd"][members].sum()
        here = m.spread(members)
        concentration = [
            (np.nan_to_num(products[column]) * products["imports_kusd"])[members].sum() / total if total else np.nan
            for column in ("hhi_before", "hhi_after")
        ]
        for origin in ("all", *RISK):
            those = here & (m.risk if origin == "all" else m.exporter == origin)
            before, after = flows["imports_kusd"][those].sum(), flows["optimised_kusd"][those].sum()
            # All risk origins together are a whole block, whose total is fixed.
            least, most = (
                (after, after) if origin == "all" else (flows["min_kusd"][those].sum(), flows["max_kusd"][those].sum())
            )
            rows[level, name, str(origin)] = {
                "imports_musd": total / 1e3,
                "before_musd": before / 1e3,
                "after_musd": after / 1e3,
                "before_pct": percent(before, total),
                "after_pct": percent(after, total),
                "after_min_pct": percent(least, total),
                "after_max_pct": percent(most, total),
                "hhi_before": concentration[0] if origin == "all" else np.nan,
                "hhi_after": concentration[1] if origin == "all" else np.nan,
            }
    return rows


def table_a1(markets, flows, total, places):
    """Rows of table_a1.csv, in order."""
    m = markets
    countries = np.unique(m.exporter[~m.risk & ~m.inside])
    rows = []
    for country in countries:
        here = m.exporter == country
        gain = {}
        for column in ("optimised_kusd", "min_kusd", "max_kusd"):
            gain[column] = np.maximum(0, flows[column][here] - flows["imports_kusd"][here])
        sectors = {}
        for code, increase in zip(m.product[here], gain["optimised_kusd"]):
            for sector in places[code]["sector"] if places else {"all"}:
                sectors[sector] = sectors.get(sector, 0.0) + increase
        rows.append({
            "code": int(country),
            "increase_musd": gain["optimised_kusd"].sum() / 1e3,
            "increase_min_musd": gain["min_kusd"].sum() / 1e3,
            "increase_max_musd": gain["max_kusd"].sum() / 1e3,
            "main_sector": max(sectors, key=sectors.get),
            "share_old_pct": percent(flows["imports_kusd"][here].sum(), total),
            "share_new_pct": percent(flows["optimised_kusd"][here].sum(), total),
            "share_new_min_pct": percent(flows["min_kusd"][here].sum(), total),
            "share_new_max_pct": percent(flows["max_kusd"][here].sum(), total),
        })
    rows.sort(key=lambda row: (-row["increase_musd"], row["code"]))
    return rows[:TOP]


def headline(markets, products, flows):
    """The totals of the manifest; numbers in the order of point, least and most where there are three."""
    m = markets
    total, before, after = (products[name].sum() for name in ("imports_kusd", "risk_before_kusd", "risk_after_kusd"))
    gains = np.where(m.risk, 0.0, np.maximum(0.0, flows["optimised_kusd"] - flows["imports_kusd"]))
    figures = {
        "products": len(m.codes),
        "in_shortage": (products["status"] == "shortage").sum(),
        "imports_musd": total / 1e3,
        "risk_before_musd": before / 1e3,
        "risk_after_musd": after / 1e3,
        "risk_before_pct": percent(before, total),
        "risk_after_pct": percent(after, total),
        "shifted_musd": gains.sum() / 1e3,
        "shifted_inside_musd": gains[m.inside].sum() / 1e3,
        "shifted_outside_musd": gains[~m.inside].sum() / 1e3,
        "risk_slope_musd_per_pp": products["risk_slope_kusd_per_pp"].sum() / 1e3,
        "risk_next_point_musd": products["risk_next_point_kusd"].sum() / 1e3,
    }
    for side in ("inside", "outside"):
        names = [f"change_{side}{end}_kusd" for end in ("", "_min", "_max")]
        figures[f"change_{side}_musd"] = [products[name].sum() / 1e3 for name in names]
    for index in ("hhi_before", "hhi_after"):
        figures[index] = (np.nan_to_num(products[index]) * products["imports_kusd"]).sum() / total
    return figures


class Comparison:
    """Counts and largest deviations, by file and column."""

    def __init__(self):
        self.columns = {}
        self.failures = []

    def numbers(self, name, keys, found, expected, printed):
        """`printed` is half of the last printed decimal, on top of the relative tolerance; empty must meet empty."""
        found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
        if found.shape != expected.shape:
            self.failures.append(f"{name}: {len(found)} rows, expected {len(expected)}")
            return
        empty = np.isnan(expected)
        deviation = np.where(empty & np.isnan(found), 0.0, np.abs(found - expected))
        allowed = RELATIVE * np.abs(np.where(empty, 0.0, expected)) + printed
        # A number against an empty field is not within anything.
        bad = ~(deviation <= allowed)
        beyond = np.maximum(0.0, np.nan_to_num(deviation, nan=np.inf) - printed)
        known = ~empty & (expected != 0.0)
        relative = np.divide(beyond, np.abs(expected), out=np.where(beyond > 0.0, np.inf, 0.0), where=known)
        self.note(name, len(found), float(relative.max(initial=0.0)))
        self.failures += [f"{name} of {keys[n]}: {found[n]:.17g}, expected {expected[n]:.17g}" for n in np.flatnonzero(bad)]

    def texts(self, name, keys, found, expected):
        self.note(name, len(found), 0.0)
        if len(found) != len(expected):
            self.failures.append(f"{name}: {len(found)} rows, expected {len(expected)}")
        pairs = zip(keys, found, expected)
        self.failures += [f"{name} of {key}: {ours}, expected {other}" for key, ours, other in pairs if ours != other]

    def note(self, name, count, deviation):
        was = self.columns.get(name, (0, 0.0))
        self.columns[name] = (was[0] + count, max(was[1], deviation))

    def report(self):
        print(f"{'column':42} {'compared':>9} {'deviation':>12}   relative, beyond half of the last printed decimal")
        for name, (count, deviation) in self.columns.items():
            print(f"{name:42} {count:9} {deviation:12.2e}")
        count = sum(count for count, _ in self.columns.values())
        deviation = max(deviation for _, deviation in self.columns.values())
        print(f"{count} figures compared, largest relative deviation {deviation:.2e}, {len(self.failures)} beyond tolerance")
        for failure in self.failures[:20]:
            print(f"differs: {failure}")
        return not self.failures


def printed_decimals(column):
    """Half of the last decimal that a results file prints of this column."""
    if column.endswith(("_musd", "_pct", "_kusd", "_per_pp")):
        return 0.5e-6
    # Doubles in full; an index that is a difference of larger numbers keeps their rounding.
    return 1e-15


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def number(text):
    return float(text) if text else np.nan


def compare(markets, products, flows, places, results):
    comparison = Comparison()
    codes = [f"{code:06}" for code in markets.codes]
    rows = read_csv(results / "products.csv")
    comparison.texts("products.csv product", codes, [row["product"] for row in rows], codes)
    for column, expected in products.items():
        found, name = [row[column] for row in rows], f"products.csv {column}"
        if column == "status":
            comparison.texts(name, codes, found, expected.tolist())
        else:
            comparison.numbers(name, codes, [number(text) for text in found], expected, printed_decimals(column))

    table = pyarrow.parquet.read_table(results / "flows.parquet")
    keys = [f"{code:06} {exporter}" for code, exporter in zip(markets.product, markets.exporter)]
    found = [f"{code} {exporter}" for code, exporter in zip(table["product"].to_pylist(), table["exporter"].to_pylist())]
    comparison.texts("flows.parquet product and exporter", keys, found, keys)
    for column, expected in flows.items():
        comparison.numbers(f"flows.parquet {column}", keys, table[column].to_numpy(), expected, ROUNDED_KUSD)

    expected = shares(markets, products, flows, places)
    found = {(row["level"], row["name"] if row["level"] != "overall" else None, row["origin"]): row
             for row in read_csv(results / "shares.csv")}
    astray = sorted(map(str, found.keys() ^ expected.keys()))
    comparison.note("shares.csv level, name and origin", len(expected), 0.0)
    comparison.failures += [f"shares.csv has a row on one side alone: {key}" for key in astray]
    for key in found.keys() & expected.keys():
        for column, value in expected[key].items():
            given = number(found[key][column])
            comparison.numbers(f"shares.csv {column}", [key], [given], [value], printed_decimals(column))

    total = products["imports_kusd"].sum()
    rows, expected = read_csv(results / "table_a1.csv"), table_a1(markets, flows, total, places)
    ranks = [str(rank + 1) for rank in range(len(expected))]
    comparison.texts("table_a1.csv rank", ranks, [row["rank"] for row in rows], ranks)
    for column in expected[0] if expected else ():
        found, wanted = [row[column] for row in rows], [row[column] for row in expected]
        name = f"table_a1.csv {column}"
        if column in ("code", "main_sector"):
            comparison.texts(name, ranks, found, [str(value) for value in wanted])
        else:
            comparison.numbers(name, ranks, [number(text) for text in found], wanted, printed_decimals(column))

    found = json.loads((results / "manifest.json").read_text(encoding="utf-8"))["headline"]
    for column, value in headline(markets, products, flows).items():
        # A list is the declared point with its ends, here in the same order.
        given = np.atleast_1d(np.asarray(found[column], dtype=float))
        keys = [f"figure {place}" for place in range(len(given))]
        comparison.numbers(f"headline {column}", keys, given, np.atleast_1d(value), printed_decimals(column))
    return comparison


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    results = pathlib.Path(sys.argv[2])
    places = read_list(sys.argv[3]) if len(sys.argv) == 4 else None
    markets = Markets(read_trade(sys.argv[1]), places)
    products, flows = solve(markets)
    sys.exit(0 if compare(markets, products, flows, places, results).report() else 1)


if __name__ == "__main__":
    main()
