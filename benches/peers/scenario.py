"""The default scenario, as every peer takes it: the EU of 27 imports, China, the United States and Russia are the risk."""
import json
import pathlib
import sys

EU27 = [40, 56, 100, 191, 196, 203, 208, 233, 246, 251, 276, 300, 348, 372, 380, 428, 440, 442, 470, 528, 616, 620, 642,
        703, 705, 724, 752]
RISK = [156, 842, 643]
CAP = 0.05
TOP = 25


def arguments(usage):
    """Trade file, listed codes and output folder, which is made."""
    if len(sys.argv) != 4:
        sys.exit(usage)
    trade, codes, out = map(pathlib.Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    return trade, codes.read_text().split(), out


def print_headline(imports, before, after):
    """From thousands to millions."""
    figures = {"imports_musd": imports / 1e3, "risk_before_musd": before / 1e3, "risk_after_musd": after / 1e3}
    print(json.dumps(figures))
