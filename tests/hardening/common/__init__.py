"""Inputs of hostile runs, from the raw materials that the project ships."""

from pathlib import Path

import pyarrow.parquet

SAMPLE = Path(__file__).resolve().parents[3] / "data/baci/BACI_HS92_Y2023_raw-materials.parquet"


def cepii_year(path, factor=1, products=None):
    """Writes the year as CEPII does, with amounts times `factor`, of the first so many products."""
    rows = pyarrow.parquet.read_table(SAMPLE).to_pylist()
    kept = sorted({row["product"] for row in rows})[:products]
    lines = ["t,i,j,k,v,q"]
    for row in rows:
        if row["product"] in kept:
            tons = "NA" if row["quantity_tons"] is None else row["quantity_tons"]
            cells = [2023, row["exporter"], row["importer"], row["product"], row["value_kusd"] * factor, tons]
            lines.append(",".join(str(cell) for cell in cells))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("\n".join(lines) + "\n")
    return Path(path)
