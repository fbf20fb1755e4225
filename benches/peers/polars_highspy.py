"""Polars and highspy, one linear program per product.

usage: polars_highspy.py TRADE.parquet|TRADE.csv CODES OUT
"""
import highspy
import numpy as np

from polars_markets import Markets
from scenario import arguments


def solve(highs, imports, risk, room):
    """The optimal flows. In shares of all imports, so that the solver's tolerances mean the same for every product."""
    total = imports.sum()
    if total == 0.0:
        return imports
    program, columns = highspy.HighsLp(), len(imports)
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
    markets = Markets(trade, codes)
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    # Most of the time of so small a program would go into its presolve.
    highs.setOptionValue("presolve", "off")
    slices = [slice(start, start + length) for start, length in zip(markets.starts, markets.lengths)]
    imports, risk, room = markets.imports, markets.risk, markets.room
    flows = np.concatenate([solve(highs, imports[rows], risk[rows], room[rows]) for rows in slices])
    markets.write(out, gain=flows - imports, after=markets.per_product(flows, risk))


main()
