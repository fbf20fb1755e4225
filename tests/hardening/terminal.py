"""Hostile text in every place from which a command takes text, with the output read from a pseudo terminal.

usage: terminal.py REORIENT WORK_FOLDER [--quick]

A terminal may get letters, ends of lines, and the sequences that the same program sends with harmless inputs. Cells of CSV
files may begin no formula.
"""

import csv
import fcntl
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

BINARY, WORK, QUICK = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), "--quick" in sys.argv[3:]
SAMPLE = Path(__file__).resolve().parents[2] / "data/baci/BACI_HS92_Y2023_raw-materials.parquet"
# Title, clear, blink on red, the eight-bit introducer, direction, end of line, delete, backspace, tabulator.
EVIL = "\x1b]0;owned\x07\x1b[2J\x1b[5;41mred\u009b2J\u202eturned\u2066\u061c\u2028\x7f\x08\tend"
NAME = EVIL.replace("\t", "")
FORMULAS = ["=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)"]
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LIMIT = 60.0
known = set()
misses, tries, refused = [], 0, 0


def miss(place, what):
    misses.append(place)
    print(f"MISS {place}: {what}")


def on_terminal(arguments, cwd):
    """Exit code and what a terminal of 100 columns gets."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    # Without it, the terminal itself turns ends of lines into two characters.
    own = termios.tcgetattr(theirs)
    own[1] &= ~termios.OPOST
    termios.tcsetattr(theirs, termios.TCSANOW, own)
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")} | {"TERM": "xterm-256color"}
    child = subprocess.Popen([BINARY, *arguments], cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    got, end = bytearray(), time.monotonic() + LIMIT
    while time.monotonic() < end:
        if not select.select([ours], [], [], 0.5)[0]:
            continue
        try:
            more = os.read(ours, 1 << 16)
        except OSError:
            break
        if not more:
            break
        got += more
    os.close(ours)
    try:
        code = child.wait(max(1.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        child.kill()
        code = child.wait()
    return code, bytes(got)


def dangerous(letter):
    number = ord(letter)
    return (
        number < 0x20 and letter not in "\n\r" or 0x7F <= number < 0xA0 or number in (0x61C, 0x200E, 0x200F, 0x2028, 0x2029)
        or 0x202A <= number <= 0x202E or 0x2066 <= number <= 0x206F
    )


def attempt(place, arguments, codes, cwd, words=()):
    """Runs once on a terminal and once without, and looks at what came out and at the tables that were written."""
    global tries, refused
    tries += 1
    code, got = on_terminal([str(own) for own in arguments], cwd)
    refused += code != 0
    try:
        text = got.decode()
    except UnicodeDecodeError as error:
        return miss(place, f"no UTF-8: {error}")
    for sequence in set(SEQUENCE.findall(text)) - known:
        miss(place, f"the sequence {sequence!r}: {text[:400]!r}")
    letters = sorted({letter for letter in SEQUENCE.sub("", text) if dangerous(letter)})
    if letters:
        miss(place, f"{letters!r}: {text[:400]!r}")
    if code not in codes:
        miss(place, f"exit code {code}: {text[-400:]!r}")
    for word in words:
        if word not in text:
            miss(place, f"`{word}` is not said: {text[-400:]!r}")
    return text


def tables_hold(place, folder):
    for path in sorted(Path(folder).rglob("*.csv")):
        with open(path, newline="", encoding="utf-8") as lines:
            for row in csv.reader(lines):
                for cell in row:
                    if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not re.fullmatch(r"[-+]?[0-9.]+(e-?[0-9]+)?", cell):
                        miss(place, f"{path.name}: the cell {cell[:80]!r}")
                    if any(map(dangerous, cell)):
                        miss(place, f"{path.name}: the cell {cell[:80]!r}")
    for path in sorted(Path(folder).rglob("manifest.json")):
        json.loads(path.read_text(encoding="utf-8"))


def rows():
    """Some products of the sample, world x world."""
    table = pq.read_table(SAMPLE)
    names = table.column_names
    columns = [table.column(names.index(name)).to_pylist() for name in ("product", "exporter", "importer", "value_kusd")]
    wanted = sorted(set(columns[0]))[:6]
    return [row for row in zip(*columns) if row[0] in wanted]


ROWS = rows()
PRODUCTS = sorted({row[0] for row in ROWS})


def trade(year, product=None):
    text = "".join(f"{year},{i},{j},{k},{v},1\n" for k, i, j, v in ROWS)
    return "t,i,j,k,v,q\n" + (text if product is None else text.replace(f",{PRODUCTS[0]},", f",{product},"))


def countries(name=None, iso=None):
    codes = sorted({code for row in ROWS for code in row[1:3]})
    own = dict.fromkeys(codes)
    text = "country_code,country_name,country_iso2,country_iso3\n"
    for at, code in enumerate(own):
        first = at == 0
        title = name if first and name is not None else f"Country {code}"
        three = iso if first and iso is not None else ISO.get(code, f"X{code:03d}")
        text += f'{code},"{title}",,{three}\n'
    return text


ISO = {156: "CHN", 842: "USA", 643: "RUS", 528: "NLD", 276: "DEU"}


def descriptions(text=None):
    lines = "".join(f'{code},"{text if at == 0 and text is not None else "Goods " + code}"\n' for at, code in enumerate(PRODUCTS))
    return "code,description\n" + lines


def goods(subsector="own", source="own", sector="all", header=None):
    lines = "".join(f'HS92,{code},{sector},"{subsector}",all,"{source}"\n' for code in PRODUCTS)
    return (header or "hs_revision,hs6,sector,subsector,stage,source") + "\n" + lines


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    return path


def folder(name, **files):
    """Two years of trade with the tables that are given."""
    own = WORK / name
    for year in (2022, 2023):
        write(own / f"BACI_HS92_Y{year}_V202401b.csv", trade(year))
    for table, text in files.items():
        write(own / f"{table}_V202401b.csv", text)
    return own


# Each with its trade and the rest; a year is chosen where there are two.
def commands(source, out):
    year = ["--year", "2023"]
    yield "run", ["run", source, *year, "--list", "all", "--csv", "--figures", "--out", out / "run"]
    yield "run --json", ["run", source, *year, "--list", "all", "--json"]
    yield "run --log-format json", ["run", source, *year, "--list", "all", "--log-format", "json"]
    yield "panel", ["run", source, "--year", "2022..2023", "--list", "all", "--out", out / "panel"]
    yield "inspect", ["inspect", source, *year, "--product", PRODUCTS[0]]
    yield "indicators", ["indicators", source, *year, "--importer", "EU27", "--list", "all", "--by", "product", "--out", out / "ind"]
    yield "indicators by subsector", ["indicators", source, *year, "--importer", "EU27", "--list", "all", "--by", "subsector"]
    yield "explain", ["explain", source, *year, "--list", "all", "--out", out / "explain"]
    yield "frontier", ["frontier", source, *year, "--list", "all", "--out", out / "frontier"]
    yield "sensitivity", ["sensitivity", source, *year, "--list", "all", "--out", out / "sensitivity"]
    yield "concentration", ["concentration", source, *year, "--list", "all", "--out", out / "concentration"]
    yield "uncertainty", ["uncertainty", source, *year, "--list", "all", "--draws", "20", "--out", out / "uncertainty"]
    yield "calibrate", ["calibrate", source, *year, "--list", "all", "--out", out / "calibrate"]
    yield "ingest", ["ingest", source, "--out", out / "ingest"]
    yield "verify run", ["verify", out / "run"]
    yield "verify ingest", ["verify", out / "ingest"]
    yield "sweep", ["sweep", out / "good.toml", source, "--year", "2023", "--out", out / "sweep"]
    yield "sweep --dry-run", ["sweep", out / "good.toml", source, "--year", "2023", "--out", out / "other", "--dry-run"]
    yield "verify sweep", ["verify", out / "sweep"]


def sweep_file(path, text):
    return write(path, '[base]\nlist = "all"\n' + text if "list" not in text else text)


def every_command(place, source, codes, hold=True):
    out = WORK / "out" / re.sub(r"\W", "_", place)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    sweep_file(out / "good.toml", '[grid]\ncap = [0.03, 0.05]\n')
    for name, arguments in commands(source, out):
        # What a refused command would have written is not there to be verified.
        attempt(f"{place}, {name}", arguments, codes | ({66} if name.startswith("verify") and 0 not in codes else set()), WORK)
    if hold:
        tables_hold(place, out)
    return out


def clean():
    """Which sequences harmless inputs send."""
    global tries, refused
    source = folder("clean", country_codes=countries(), product_codes=descriptions())
    out = WORK / "out/clean"
    out.mkdir(parents=True)
    sweep_file(out / "good.toml", '[grid]\ncap = [0.03, 0.05]\n')
    for name, arguments in commands(source, out):
        code, got = on_terminal([str(own) for own in arguments], WORK)
        known.update(SEQUENCE.findall(got.decode()))
        if code not in (0, 3):
            miss(f"clean, {name}", f"exit code {code}: {got[-400:]!r}")
    for arguments in (["run", "nothing.csv"], ["--help"], ["run", "--help"], ["runn"], ["run", "--set", "cap=x"]):
        known.update(SEQUENCE.findall(on_terminal(arguments, WORK)[1].decode()))
    print(f"harmless inputs: {sorted(known)}")
    tables_hold("clean", out)
    return source, out


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    source, good = clean()
    bad = {65}
    for name in (EVIL, *(FORMULAS[:1] if QUICK else FORMULAS)):
        kind = "formula" if name in FORMULAS else "escape"
        at = f"{kind} {FORMULAS.index(name)}" if name in FORMULAS else kind
        one = folder(f"name {at}", country_codes=countries(name=name))
        two = folder(f"iso {at}", country_codes=countries(iso=NAME if kind == "escape" else name))
        three = folder(f"goods {at}", product_codes=descriptions(name))
        places = [("country name", one), ("ISO code", two), ("product name", three)]
        for place, own in places:
            if QUICK or kind == "formula":
                attempt(f"{place} {at}, run", ["run", own, "--year", "2023", "--list", "all"], bad, WORK, ["line 2"])
                attempt(f"{place} {at}, ingest", ["ingest", own, "--out", WORK / "never"], bad, WORK, ["line 2"])
            else:
                every_command(f"{place} {at}", own, bad)
    # Names of files and folders are taken, and shown as letters.
    odd = WORK / NAME
    shutil.copytree(source, odd)
    if QUICK:
        for name, arguments in list(commands(odd, WORK / "out/odd"))[:3]:
            attempt(f"name of a folder, {name}", arguments, {0, 3}, WORK)
    else:
        every_command("name of a folder", odd, {0, 3})
    for number, name in enumerate([f"BACI_HS92_Y2023_{NAME}.csv", f"BACI_HS92_Y2023_{NAME}.csv.gz", f"={NAME}HS92_Y2023.csv"]):
        path = write(WORK / "odd names" / name, trade(2023))
        attempt(f"name of a file {number}, run", ["run", path, "--list", "all", "--hs", "92"], {0, 3, 65}, WORK)
        attempt(f"name of a file {number}, ingest", ["ingest", path, "--hs", "92", "--out", WORK / f"odd {number}"], {0, 65}, WORK)
        attempt(f"name of a file {number}, absent", ["run", str(path) + NAME], {66, 65}, WORK)
        tables_hold(f"name of a file {number}", WORK / f"odd {number}")
    # Values, headers, members, columns.
    name = "BACI_HS92_Y2023_V202401b"
    for number, text in enumerate(
        [
            f't,i,j,k,v,q\n2023,12,251,250490,"{EVIL}",1\n', f't,i,j,k,v,q\n2023,12,251,"{EVIL}",1,1\n',
            f't,i,j,k,v,q\n2023,"{EVIL}",251,250490,1,1\n', f't,i,j,k,v,q\n"{EVIL}",12,251,250490,1,1\n',
            f't,i,j,k,v,q\n2023,12,251,250490,1,"{EVIL}"\n', f't,i,j,k,v,q\n2023,{EVIL}\n', f't,i,j,k,{EVIL},q\n2023,12,251,250490,1,1\n',
            f'{EVIL}\n', f'<{EVIL}\n', f't,i,j,k,value,q{EVIL}\n2023,12,251,250490,1,1\n', f't,i,j,k,v,q\n2023,12,251,250490,"{"9" * 300_000}",1\n',
        ]
    ):
        path = write(WORK / f"values {number}" / f"{name}.csv", text)
        attempt(f"value {number}, run", ["run", path], bad, WORK)
        attempt(f"value {number}, ingest", ["ingest", path, "--out", WORK / "never", "--max-errors", "9"], bad, WORK)
    skipped = write(WORK / "skipped" / f"={name}.csv", trade(2023) + f'2023,12,251,250490,"{EVIL}",1\n2023,12,251,250490,=1+1,1\n')
    attempt("ledger", ["ingest", skipped, "--skip", "bad-value", "--out", WORK / "ledger"], {0}, WORK)
    tables_hold("ledger", WORK / "ledger")
    for number, columns in enumerate([["t", "i", "j", "k", EVIL], ["t", "i", "j", EVIL, "v"], [EVIL, "i", "j", "k", "v"]]):
        path = WORK / f"columns {number}" / f"{name}.parquet"
        path.parent.mkdir()
        pq.write_table(pa.table({own: pa.array([1], pa.int64()) for own in columns}), path)
        attempt(f"column {number} of Parquet", ["run", path], bad, WORK)
    cells = WORK / "cells" / f"{name}.parquet"
    cells.parent.mkdir()
    columns = {"t": [2023], "i": [12], "j": [251], "k": [EVIL], "v": [1.0], "q": [1.0]}
    pq.write_table(pa.table(columns), cells)
    attempt("cell of Parquet", ["run", cells], bad, WORK)
    packed = WORK / "packed" / "BACI_HS92_V202401b.zip"
    packed.parent.mkdir()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"BACI_HS92_Y2023_{NAME}.csv", f't,i,j,k,v,q\n2023,12,251,250490,"{EVIL}",1\n')
        archive.writestr(f"{NAME}.txt", "x")
    attempt("member of an archive", ["run", packed], bad, WORK)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"BACI_HS92_Y2023_{NAME}.csv", trade(2023))
        archive.writestr(f"Readme{NAME}.txt", "x")
    attempt("member of an archive, ingest", ["ingest", packed, "--out", WORK / "of archive"], {0}, WORK)
    # Lists.
    for number, text in enumerate(
        [
            goods(subsector=EVIL), goods(source=EVIL), goods(sector=NAME), goods(header=EVIL), goods(subsector="=1+1"),
            goods(header=f"hs_revision,hs6,sector,subsector,stage,{EVIL}"), goods().replace("HS92", NAME, 1),
            goods().replace(PRODUCTS[0], NAME, 1), goods(subsector="x" * 300_000),
            goods() + "".join(f"HS92,{PRODUCTS[0]},all,group {at},all,own\n" for at in range(10_001)),
        ]
    ):
        path = write(WORK / "lists" / f"{number}.csv", text)
        attempt(f"list {number}", ["run", source, "--year", "2023", "--list", path], bad, WORK)
        attempt(f"list {number}, sweep", ["sweep", write(WORK / "lists" / "s.toml", f'[base]\nlist = "{number}.csv"\n'), source, "--year", "2023", "--out", WORK / "never"], {2, 65}, WORK)
    for number, listed in enumerate([f"{NAME}.csv", "=1+1.csv", "-1+1.csv"]):
        path = write(WORK / "lists" / listed, goods())
        out = WORK / f"listed {number}"
        attempt(f"name of a list {number}", ["run", source, "--year", "2023", "--list", path, "--out", out], {0, 2, 3}, WORK)
        if number:
            file = write(WORK / "lists" / "t.toml", f'title = "lists"\n[base]\nlist = "{listed}"\n[grid]\ncap = [0.03, 0.05]\n')
            attempt(f"name of a list {number}, sweep", ["sweep", file, source, "--year", "2023", "--out", WORK / f"swept {number}"], {0}, WORK)
            tables_hold(f"name of a list {number}", WORK / f"swept {number}")
    # What is typed, and files of scenarios.
    # TOML takes no bare delete character.
    quoted = json.dumps(NAME).replace("\x7f", "\\u007f")
    for number, arguments in enumerate(
        [
            ["run", "--set", f"cap={NAME}"], ["run", "--set", f"{NAME}=1"], ["run", "--set", NAME], ["run", "--set", f"risk={NAME}"],
            ["run", "--set", f"weights.{NAME}=1"], ["run", "--set", f"exclude={NAME},{NAME}"], [NAME], ["run", f"--{NAME}"],
            ["run", "--threads", NAME], ["run", "--year", NAME], ["run", "--hs", NAME], ["run", "--list", NAME], ["run", "--scenario", NAME],
            ["inspect", "--product", NAME], ["indicators", "--importer", NAME], ["indicators", "--importer", "EU27", "--by", NAME],
            ["calibrate", "--against", NAME], ["synth", "--rows", NAME, "--seed", "1", "--out", "never"], ["verify", NAME],
            ["sweep", NAME, "--out", "never"], ["fetch", "--hs", "92", "--version", NAME], ["run", "--solver", NAME], ["ingest", f"{NAME} absent", "--out", "never"],
            ["run", "--set", f"cap={'9' * 300_000}"[:100_000]], ["run", "--log-format", "json", "--set", f"cap={NAME}"],
        ]
    ):
        attempt(f"argument {number}", arguments, {2, 66}, WORK)
    for number, text in enumerate([f"cap = {quoted}", f"{quoted} = 1", f"risk = {quoted}", f"cap = {EVIL}", f"[weights]\n{quoted} = 2", f"list = {quoted}"]):
        file = write(WORK / "scenarios" / f"{number}.toml", text + "\n")
        attempt(f"scenario {number}", ["run", "--scenario", file], {2, 66}, WORK)
    for number, text in enumerate(
        [
            f"title = {quoted}", f"[overrides.{quoted}]\ncap = 0.1", f"[grid]\n{quoted} = [1, 2]", f"[grid]\ncap = [{quoted}]", f"{quoted} = 1",
            f"[grid]\noverride = [{quoted}]", f"table = {quoted}", 'table = "evil.csv"', 'table = "names.csv"', 'table = "formula.csv"',
            'title = "=1+1"', '[overrides."=1+1"]\ncap = 0.1', '[overrides."-5 points"]\ncap = 0.1', f"[[exclude]]\ncap = {quoted}",
        ]
    ):
        write(WORK / "sweeps" / "evil.csv", f"name,{EVIL}\na,1\n")
        write(WORK / "sweeps" / "names.csv", f'name,cap\n"{EVIL}x",0.1\n')
        write(WORK / "sweeps" / "formula.csv", "name,cap\n=1+1,0.1\n")
        file = write(WORK / "sweeps" / f"{number}.toml", text + "\n")
        attempt(f"sweep {number}", ["sweep", file, "--out", WORK / "never"], {2, 66}, WORK)
    attempt("name of a sweep", ["sweep", write(WORK / "sweeps" / f"{NAME}.toml", "[grid]\ncap = [0.1]\n"), "--out", WORK / "never"], {2}, WORK)
    # Folders of results that somebody else made.
    for kind in ("run", "ingest", "sweep", "frontier"):
        for number, change in enumerate(["kind", "generator", "source", "file", "unlisted", "year"]):
            forged = WORK / f"forged {kind} {number}"
            shutil.copytree(good / kind, forged)
            manifest = json.loads((forged / "manifest.json").read_text())
            if change == "file":
                manifest["files"][0]["name"] = NAME
            elif change == "unlisted":
                (forged / NAME).write_text("x")
            elif change == "year":
                manifest.setdefault("scenario", {})["year"] = NAME
            else:
                manifest[change] = NAME
            if change != "unlisted":
                (forged / "manifest.json").write_text(json.dumps(manifest))
            attempt(f"forged {kind}, {change}", ["verify", forged], {0, 65, 66, 70}, WORK)
            attempt(f"forged {kind}, {change}, --json", ["verify", "--json", forged], {0, 65, 66, 70}, WORK)
            if kind == "ingest":
                attempt(f"forged {kind}, {change}, run", ["run", forged, "--year", "2023", "--list", "all"], {0, 3, 65}, WORK)
    if (WORK / "never").exists():
        miss("refused commands", "a folder was written")
    print(f"terminal: {tries} runs on a terminal, {refused} refused, {len(misses)} misses")
    sys.exit(1 if misses else 0)


main()
