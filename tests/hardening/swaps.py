"""Replaces each kind of input while a command uses it, at many moments.

    python3 tests/hardening/swaps.py REORIENT WORK_FOLDER [--quick]

A command that ends with 0 must have answered from the old or from the new data, as the hashes in its manifest say, and never from a
mix; otherwise it must end with 65. With the old data back, the same command must end as if nothing had happened: nothing of the new data
may be filed under the hash of the old. Needs pyarrow.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "baci" / "BACI_HS92_Y2023_raw-materials.parquet"
COUNTRIES = ROOT / "data" / "codes" / "country_codes_V202401b.csv"
PRODUCTS = ROOT / "data" / "codes" / "product_codes_HS92_V202401b.csv"
NAME = "BACI_HS92_Y{year}_V202401b"
YEARS = (2022, 2023)
FEW = ["250310", "270900", "280461", "284690", "810411", "810600"]
SWEEP = """title = "swaps"
[base]
{base}
[grid]
year = [2022, 2023]
cap = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.11, 0.12]
"""
KINDS = ("ingested", "ingested in place", "csv", "csv in place", "gz", "zip", "zip in place", "parquet", "list", "countries",
         "products", "ingested countries")


def rows(factor):
    """Rows of a few products as BACI has them; `factor` tells old data from new."""
    table = pq.read_table(SAMPLE).replace_schema_metadata(None)
    table = table.filter(pc.is_in(table["product"], value_set=pa.array(FEW)))
    cells = [table[name].to_pylist() for name in ("exporter", "importer", "product", "value_kusd", "quantity_tons")]
    return [(i, j, k, v * (1 + (factor - 1) * (i % 3)), q) for i, j, k, v, q in zip(*cells)]


def text(year, cells):
    lines = (f"{year},{i},{j},{k},{v:.3f},{'NA' if q is None else f'{q:.3f}'}\n" for i, j, k, v, q in cells)
    return ("t,i,j,k,v,q\n" + "".join(lines)).encode()


def foreign(path, year, cells):
    i, j, k, v, q = zip(*cells)
    columns = {"t": [year] * len(i), "i": i, "j": j, "k": [int(code) for code in k], "v": [float(value) for value in v],
               "q": [None if tons is None else float(tons) for tons in q]}
    pq.write_table(pa.table(columns), path)


class Case:
    """Old and new data of one kind in folders of their own, and the place that a command reads."""

    def __init__(self, kind, reorient, root):
        self.kind, self.reorient, self.root = kind, reorient, root
        self.place = root / "place"
        self.base = ""
        for side, factor in (("old", 1), ("new", 3)):
            self.make(root / side, side, factor)
        if self.kind == "list":
            self.list = root / "place-list" / "own.csv"
            self.list.parent.mkdir()
            self.base = f'list = "{self.list}"'
        else:
            self.base = 'list = "all"'
        self.put("old")
        self.sweep = root / "swaps.toml"
        self.sweep.write_text(SWEEP.format(base=self.base))

    def make(self, folder, side, factor):
        folder.mkdir(parents=True)
        only = self.kind not in ("list", "countries", "products", "ingested countries")
        data = {year: rows(factor if only else 1) for year in YEARS}
        raw = folder
        if self.kind.startswith("ingested"):
            raw = folder.with_name(f"{side}-raw")
            raw.mkdir()
        for year, cells in data.items():
            name = NAME.format(year=year)
            if self.kind == "gz":
                (raw / f"{name}.csv.gz").write_bytes(gzip.compress(text(year, cells), 1, mtime=0))
            elif self.kind == "parquet":
                foreign(raw / f"{name}.parquet", year, cells)
            elif not self.kind.startswith("zip"):
                (raw / f"{name}.csv").write_bytes(text(year, cells))
        if self.kind.startswith("zip"):
            with zipfile.ZipFile(raw / "BACI_HS92_V202401b.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for year, cells in data.items():
                    archive.writestr(f"{NAME.format(year=year)}.csv", text(year, cells))
        countries, products = COUNTRIES.read_bytes(), PRODUCTS.read_bytes()
        if side == "new" and self.kind in ("countries", "ingested countries"):
            # China and India change places, numbers as they were.
            countries = countries.replace(b"CHN", b"@@@").replace(b"IND", b"CHN").replace(b"@@@", b"IND")
        if side == "new" and self.kind == "products":
            products = products.replace(b"Petroleum", b"Another oil")
        (raw / "country_codes_V202401b.csv").write_bytes(countries)
        (raw / "product_codes_HS92_V202401b.csv").write_bytes(products)
        if self.kind == "list":
            codes = FEW if side == "old" else FEW[:3]
            lines = [f"HS92,{code},all,x,all,s" for code in codes]
            head = "hs_revision,hs6,sector,subsector,stage,source\n"
            (self.root / f"{side}.csv").write_text(head + "\n".join(lines) + "\n")
        if self.kind.startswith("ingested"):
            done = subprocess.run([self.reorient, "ingest", "-q", raw, "--out", folder, "--force"], capture_output=True)
            if done.returncode:
                shutil.rmtree(folder)
                subprocess.run([self.reorient, "ingest", "-q", raw, "--out", folder], check=True)

    def put(self, side):
        """Puts one side in place: whole folders by their name, files by theirs or over the bytes that are there."""
        if self.kind == "list":
            beside = self.list.with_name(".new")
            shutil.copy(self.root / f"{side}.csv", beside)
            os.replace(beside, self.list)
            if self.place.exists():
                return
        source = self.root / side
        if not self.place.exists():
            shutil.copytree(source, self.place)
        elif self.kind == "ingested":
            aside, beside = self.root / "aside", self.root / "beside"
            shutil.copytree(source, beside)
            self.place.rename(aside)
            beside.rename(self.place)
            shutil.rmtree(aside)
        else:
            for file in sorted(source.iterdir()):
                if self.kind == "ingested countries" and file.name != "country_codes.csv":
                    continue
                if self.kind.endswith("in place"):
                    (self.place / file.name).write_bytes(file.read_bytes())
                else:
                    beside = self.root / "one"
                    shutil.copy(file, beside)
                    os.replace(beside, self.place / file.name)

    def command(self, what, out):
        if what == "sweep":
            return [self.reorient, "sweep", "-q", self.sweep, self.place, "--out", out]
        years = ["--year", "2022..2023"] if what == "panel" else ["--year", "2023"]
        named = ["--list", self.list] if self.kind == "list" else ["--list", "all"]
        risk = ["--set", "risk=CHN"] if self.kind.endswith("countries") else []
        return [self.reorient, "run", "-q", self.place, "--out", out, *years, *named, *risk]


def tables(out):
    """The bytes of all results, and the hashes that the manifest names."""
    files = {path.name: path.read_bytes() for path in sorted(out.iterdir()) if path.is_file() and path.name != "manifest.json"}
    manifest = json.loads((out / "manifest.json").read_text())
    inputs = {(own["role"], own["name"]): own.get("blake3") or own["footer_blake3"] for own in manifest["inputs"]}
    return files, inputs


def main():
    reorient, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve() / "swaps"
    quick = "--quick" in sys.argv
    moments = 6 if quick else 50
    shutil.rmtree(work, ignore_errors=True)
    misses = 0

    def miss(words):
        nonlocal misses
        misses += 1
        print("MISS", words)

    for kind in KINDS:
        case = Case(kind, reorient, work / kind.replace(" ", "-"))
        counts = {"old": 0, "new": 0, "refused": 0}
        known, length = {}, {}
        for what in ("sweep", "run", "panel"):
            for side in ("old", "new"):
                if side == "new" and kind == "ingested countries":
                    continue
                case.put(side)
                out = case.root / f"reference-{what}-{side}"
                started = time.monotonic()
                done = subprocess.run(case.command(what, out), capture_output=True, text=True)
                length[what] = time.monotonic() - started
                if done.returncode not in (0, 3):
                    miss(f"{kind}, {what} of {side} data: exit {done.returncode}: {done.stderr.strip()[:200]}")
                    continue
                known[what, side] = tables(out)
        case.put("old")
        for number in range(moments):
            what = ("sweep", "run", "panel")[number % 3] if number % 5 else "sweep"
            if (what, "old") not in known:
                continue
            out = case.root / "out"
            shutil.rmtree(out, ignore_errors=True)
            child = subprocess.Popen(case.command(what, out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            time.sleep(length[what] * (number + 0.5) / moments)
            case.put("new")
            error = child.communicate()[1]
            if child.returncode in (0, 3):
                files, inputs = tables(out)
                side = next((side for side in ("old", "new") if (what, side) in known and known[what, side][1] == inputs), None)
                if side is None:
                    miss(f"{kind}, {what}, moment {number}: exit 0 with inputs of neither side: {inputs}")
                elif files != known[what, side][0]:
                    different = [name for name in files if files[name] != known[what, side][0].get(name)]
                    miss(f"{kind}, {what}, moment {number}: the manifest names {side} data, {different} are of others")
                else:
                    counts[side] += 1
            elif child.returncode == 65:
                counts["refused"] += 1
            elif not (child.returncode == 66 and kind == "ingested"):
                # Between two names a folder is not there.
                miss(f"{kind}, {what}, moment {number}: exit {child.returncode}: {error.strip()[:200]}")
            case.put("old")
            done = subprocess.run([*case.command(what, out), "--force"], capture_output=True, text=True)
            if done.returncode not in (0, 3):
                miss(f"{kind}, {what}, moment {number}, old data back: exit {done.returncode}: {done.stderr.strip()[:200]}")
            elif tables(out) != known[what, "old"]:
                miss(f"{kind}, {what}, moment {number}: with the old data back, results are not those of the old data")
        print(f"swaps: {kind}: {moments} moments, {counts['old']} of old data, {counts['new']} of new, {counts['refused']} refused")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
