"""Polars and numpy, closed form.

usage: polars_closed_form.py TRADE.parquet|TRADE.csv CODES OUT
"""
import numpy as np

from polars_markets import Markets
from scenario import arguments


def main():
    trade, codes, out = arguments(__doc__)
    markets = Markets(trade, codes)
    before, capacity = markets.per_product(markets.imports, markets.risk), markets.per_product(markets.room)
    after = np.maximum(0.0, before - capacity)
    used = np.divide(before - after, capacity, out=np.zeros_like(capacity), where=capacity > 0.0)
    markets.write(out, gain=markets.room * np.repeat(used, markets.lengths), after=after)


main()
