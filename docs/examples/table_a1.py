"""From the real sample to Table A.1, its figure, the frontier and what the tie-break decides; `python table_a1.py FOLDER`."""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import reorient

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
result = reorient.run(list="all")  # 71 raw materials, 2023; reorient.run("baci", year=2024) for a full year of your own
table = result.table_a1.to_pandas()
print(
    table[["rank", "country", "increase_musd", "increase_min_musd", "increase_max_musd", "main_sector"]].to_string(index=False)
)

# Who gains, with the range over all optima.
gains, axes = table.head(12).iloc[::-1], plt.subplots(1, 2, figsize=(11, 4.5))[1]
spread = [gains.increase_musd - gains.increase_min_musd, gains.increase_max_musd - gains.increase_musd]
axes[0].barh(gains.country, gains.increase_musd, xerr=spread, color="#4477aa", capsize=3)
axes[0].set_xlabel("increase of EU imports, million USD")

# Risk imports at every cap.
curve = reorient.frontier(list="all").frontier.to_pandas()
axes[1].plot(100 * curve.cap, curve.risk_pct, color="#cc6677")
axes[1].axvline(5, color="grey", linestyle=":")
axes[1].set(xlabel="cap, percentage points", ylabel="share from risk countries, %", xlim=(0, 25), ylim=(0, None))
plt.tight_layout()
plt.savefig(folder / "table_a1.png", dpi=150)

# The optimum is rarely unique: what other rules declare, against the range that holds for all of them.
rules = ["proportional-capacity", "proportional-flow", "min-hhi"]
points = {
    rule: reorient.run(list="all", tie_break_fill=rule).table_a1.to_pandas().set_index("iso3").increase_musd for rule in rules
}
bounds = table.set_index("iso3")[["increase_min_musd", "increase_max_musd"]]
comparison = pd.DataFrame(points).join(bounds, how="right").sort_values("increase_max_musd", ascending=False)
comparison.to_csv(folder / "tie_breaks.csv")
print(comparison.head(10).round(1).to_string())
