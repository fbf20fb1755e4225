"""The example runs as it stands, in a folder of its own, and shows what it says."""

import subprocess
import sys

import pandas as pd
import reorient
from conftest import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "table_a1.py"


def test_the_example_runs(tmp_path):
    assert len(EXAMPLE.read_text().splitlines()) < 40
    done = subprocess.run(
        [sys.executable, EXAMPLE, tmp_path],
        check=False,
        capture_output=True,
        text=True,
        env={"MPLBACKEND": "Agg", "MPLCONFIGDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    table = reorient.run(list="all").table_a1
    assert table["country"][0].as_py() in done.stdout and "min-hhi" in done.stdout
    assert (tmp_path / "table_a1.png").read_bytes().startswith(b"\x89PNG")
    rules = pd.read_csv(tmp_path / "tie_breaks.csv", index_col="iso3")
    assert len(rules) == 25
    own = rules[rules.increase_max_musd > rules.increase_min_musd + 1e-6]
    assert len(own) > 0
    for rule in ("proportional-capacity", "proportional-flow", "min-hhi"):
        inside = rules[rule].dropna()
        assert (inside <= rules.increase_max_musd[inside.index] + 1e-6).all()
        assert (inside >= rules.increase_min_musd[inside.index] - 1e-6).all()
