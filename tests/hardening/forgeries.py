#!/usr/bin/env python3
"""Forged results: one number, row or key is changed and every hash in the folder renewed; `verify` must see it.

usage: forgeries.py REORIENT WORK_FOLDER [--quick]

The forger renews the hashes of files, the hash of what is given (`basis`) and the seal of the manifest, writes the manifest as the
program does, and changes amounts of `flows.parquet` where they stand, so that only what is derived can give the change away. What
may pass is in the lists below and nowhere else.
"""

import concurrent.futures
import copy
import csv
import io
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys

import blake3
import pyarrow as pa
import pyarrow.parquet as pq
from common import cepii_year

SEED = 20
# What a folder does not know, as docs/cli.md lists it; with the trade at hand, only clock and machine.
OPEN = ("inputs", "ledger", "unknown_codes", "source", "version", "platform", "timings_ms", "countries")
OPEN_COLUMNS = {("products.csv", "description"), ("coverage.csv", "imports_kusd"), ("coverage.csv", "world_exports_kusd")}
OPEN_WITH_TRADE = ("platform", "timings_ms")
# Timings are by step, and a reason for rows that nobody counted may be left out with its zero.
MAY_BE_DROPPED = ("timings_ms.", "ledger.unused.")
# Only the bytes give these away, as a column of codes cannot be changed where it stands.
BY_BYTES = "not in the bytes that reorient writes"
SEEN = (65, 70)
LEFT_OUT = ("timings_ms", "platform", "seal")
FLOWS = "flows.parquet"
GIVEN = ("imports_kusd", "world_exports_kusd", "optimised_kusd")

binary = ""
misses = []
numbers = 0


def run(*arguments):
    child = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, errors="replace", timeout=60)
    return child.returncode, child.stderr


def must(*arguments):
    code, said = run(*arguments)
    if code != 0:
        sys.exit(f"cannot prepare: {arguments}: {code} {said}")


# Hashes as the program writes them.


def dumped(manifest):
    return (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()


def seal(manifest):
    """Hash of a manifest in one spelling, without clock and machine."""
    digest = blake3.blake3(derive_key_context="reorient manifest")

    def absorb(value):
        if isinstance(value, dict):
            members(value.items())
        elif isinstance(value, list):
            digest.update(b"[")
            for item in value:
                absorb(item)
                digest.update(b",")
            digest.update(b"]")
        else:
            digest.update(json.dumps(value, ensure_ascii=False).encode())

    def members(items):
        digest.update(b"{")
        for key, value in sorted(items, key=lambda item: item[0].encode()):
            digest.update(json.dumps(key, ensure_ascii=False).encode() + b":")
            absorb(value)
            digest.update(b",")
        digest.update(b"}")

    members((key, value) for key, value in manifest.items() if key not in LEFT_OUT)
    return digest.hexdigest()


def basis(folder):
    """Number and hash of what is given of flows and products."""
    digest = blake3.blake3(derive_key_context="reorient basis of a result")
    flows = {}
    for row in pq.read_table(folder / FLOWS).to_pylist():
        flows.setdefault(row["product"], []).append(row)
    with open(folder / "products.csv", newline="", encoding="utf-8") as opened:
        products = list(csv.DictReader(opened))
    for product in products:
        digest.update(product["product"].encode())
        for name in ("description", "sectors", "stages", "subsectors"):
            text = product[name].encode()
            digest.update(struct.pack("<Q", len(text)) + text)
        own = flows.get(product["product"], [])
        digest.update(struct.pack("<BQ", product["reconstructed"] == "yes", len(own)))
        for row in own:
            digest.update(struct.pack("<H3d", row["exporter"], *(row[name] for name in GIVEN)))
    return {"rows": sum(map(len, flows.values())), "blake3": digest.hexdigest()}


def renew(folder, manifest=None, with_basis=False):
    """Makes all hashes agree with what is there; a key that was dropped stays away."""
    manifest = manifest or json.loads((folder / "manifest.json").read_text())
    for entry in manifest.get("files") or []:
        path = folder / str(entry.get("name", ""))
        if path.is_file():
            data = path.read_bytes()
            entry["bytes"], entry["blake3"] = len(data), blake3.blake3(data).hexdigest()
    if with_basis:
        try:
            manifest["basis"] = basis(folder)
        except (struct.error, OverflowError):
            pass  # A code that no hash can hold.
    if "seal" in manifest:
        manifest["seal"] = seal(manifest)
    (folder / "manifest.json").write_bytes(dumped(manifest))


# One change.


def other_text(cell, rng):
    """Another plausible cell."""
    swaps = {"yes": "no", "no": "yes", "slack": "shortage", "shortage": "slack", "matched": "partial", "partial": "matched"}
    digits = [at for at, letter in enumerate(cell) if letter.isdigit()]
    try:
        number = float(cell)
    except ValueError:
        return swaps.get(cell, cell + "x")
    how = rng.choice(["last", "any", "sign", "zero"])
    if how == "sign":
        return cell[1:] if cell.startswith("-") else "-" + cell
    if how == "zero" and number != 0:
        return "0"
    at = digits[-1] if how == "last" else rng.choice(digits)
    return cell[:at] + str((int(cell[at]) + rng.randrange(1, 10)) % 10) + cell[at + 1 :]


def other_value(value, rng):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return rng.choice([value + 0.001, value * 2 + 1, value * (1 + 1e-15) if value else 1e-9])
    if isinstance(value, str):
        return other_text(value, rng)
    return "x"


def is_number(value):
    try:
        float(value)
        return not isinstance(value, bool)
    except (TypeError, ValueError):
        return False


def rows_of(path):
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def text_of(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def moved(rows, row, how):
    """The same rows with one of them dropped, doubled or swapped with the next."""
    pieces = {"dropped": [], "doubled": [rows[row], rows[row]], "swapped": [rows[row + 1], rows[row]]}[how]
    return rows[:row] + pieces + rows[row + (2 if how == "swapped" else 1) :]


def written(name, rows):
    text = text_of(rows)
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


def cells(reference, name, per_column, rng):
    rows = rows_of(reference / name)
    if text_of(rows) != (reference / name).read_text(encoding="utf-8"):
        sys.exit(f"{name} is not written back as it was, so that its changes would prove nothing")
    for column, title in enumerate(rows[0]):
        for _ in range(per_column):
            row = rng.randrange(1, len(rows))
            old = rows[row][column]
            changed = copy.deepcopy(rows)
            changed[row][column] = new = other_text(old, rng)
            if new != old:
                # Amounts of products that are taken follow from their flows.
                taken = " of a taken product" if title.endswith("_kusd") and "partial" not in rows[row] else ""
                yield (name, title + taken), f"row {row}: {old!r} -> {new!r}", is_number(old), written(name, changed)
    for how in ("dropped", "doubled", "swapped"):
        for _ in range(max(1, per_column // 3)):
            row = rng.randrange(1, len(rows) - 1)
            changed = moved(rows, row, how)
            if changed != rows:
                yield (name, f"row {how}"), f"row {row}", False, written(name, changed)


def patched(data, start, size, old, new):
    """The file with one double in place of another, or nothing where it cannot be told which."""
    values = struct.pack(f"<{len(old)}d", *old)
    at = data.find(values, start, start + size)
    if at < 0 or data.find(values, at + 1, start + size) >= 0:
        return None
    return data[:at] + struct.pack(f"<{len(new)}d", *new) + data[at + len(values) :]


def amounts(reference, per_column, rng):
    """Amounts of the flows, changed where they stand: all other bytes stay."""
    data = (reference / FLOWS).read_bytes()
    table = pq.read_table(reference / FLOWS)
    group = pq.ParquetFile(reference / FLOWS).metadata.row_group(0)
    for at, field in enumerate(table.schema):
        if field.type != pa.float64():
            continue
        chunk, values, made = group.column(at), table[field.name].to_pylist(), 0
        while made < per_column:
            row = rng.randrange(4, len(values) - 4)
            old, new = values[row], other_value(values[row], rng)
            around = values[row - 4 : row + 5]
            forged = patched(data, chunk.data_page_offset, chunk.total_compressed_size, around, [*around[:4], new, *around[5:]])
            if forged is None or new == old:
                continue
            made += 1
            where = f"{table['product'][row]} {table['exporter'][row]}: {old} -> {new}"
            yield (FLOWS, field.name), where, True, lambda folder, forged=forged: (folder / FLOWS).write_bytes(forged)


def between(table, row, known):
    """Known exporters that would keep the order of the rows, some of them."""
    product, exporter = table["product"].to_pylist(), table["exporter"].to_pylist()
    before = exporter[row - 1] if row and product[row - 1] == product[row] else 0
    after = exporter[row + 1] if row + 1 < len(product) and product[row + 1] == product[row] else 1000
    return [code for code in known if before < code < after and code != exporter[row]][:4]


def flow_rows(reference, per_column, rng):
    """Codes, rows and what the file says of itself, written anew by another program."""
    # pyarrow does not carry what the file says of itself over by itself.
    about = {key: value for key, value in pq.read_metadata(reference / FLOWS).metadata.items() if key != b"ARROW:schema"}
    table = pq.read_table(reference / FLOWS).replace_schema_metadata(about)
    known = sorted(set(table["exporter"].to_pylist()))
    anew = lambda changed: lambda folder: pq.write_table(changed, folder / FLOWS)
    for at in (0, 1):
        field, values = table.schema.field(at), table[at].to_pylist()
        for _ in range(per_column):
            row = rng.randrange(len(values))
            old = values[row]
            new = rng.choice([old + 1, 4, 587, 842, *between(table, row, known)]) if at else other_value(old, rng)
            if new != old:
                column = pa.array(values[:row] + [new] + values[row + 1 :], field.type)
                where = f"row {row}: {old} -> {new}"
                yield (FLOWS, field.name), where, True, anew(table.set_column(at, field, column))
    for how in ("dropped", "doubled", "swapped"):
        for _ in range(max(1, per_column // 3)):
            row = rng.randrange(table.num_rows - 2)
            order = moved(list(range(table.num_rows)), row, how)
            yield (FLOWS, f"row {how}"), f"row {row}", False, anew(table.take(order))
    for key in about:
        less = {other: value for other, value in about.items() if other != key}
        for how, changed in (("dropped", less), ("changed", {**about, key: about[key] + b"x"})):
            yield (FLOWS, f"metadata {how}"), key.decode(), False, anew(table.replace_schema_metadata(changed))


def leaves(value, path=()):
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from leaves(item, (*path, at))
    else:
        yield path, value


def within(manifest, path):
    for step in path[:-1]:
        manifest = manifest[step]
    return manifest


def place(path):
    return ".".join(str(step) for step in path if not isinstance(step, int))


def manifest_changes(reference, times, rng):
    text = (reference / "manifest.json").read_bytes()
    manifest = json.loads(text)
    if dumped(manifest) != text or seal(manifest) != manifest.get("seal") or basis(reference) != manifest.get("basis"):
        misses.append("manifest.json: the script does not write it and its hashes as the program does")
        return
    renewed = lambda changed: lambda folder: renew(folder, changed)
    for path, value in leaves(manifest):
        # Of long lists of codes, the first are enough.
        if path[0] in ("files", "seal") or isinstance(path[-1], int) and path[-1] >= 20:
            continue
        for _ in range(times):
            changed, new = copy.deepcopy(manifest), other_value(value, rng)
            within(changed, path)[path[-1]] = new
            if new != value:
                yield ("manifest.json", place(path)), f"{value!r} -> {new!r}", is_number(value), renewed(changed)
    # Sorted, as the order of a set is another in each process.
    paths = sorted({path[:depth] for path, _ in leaves(manifest) for depth in range(1, len(path) + 1)}, key=str)
    for path in paths:
        if isinstance(path[-1], str) and (path[0] != "files" or len(path) == 1):
            changed = copy.deepcopy(manifest)
            del within(changed, path)[path[-1]]
            yield ("manifest.json dropped", place(path)), "", False, renewed(changed)
    for inner in [()] + [(key,) for key, value in manifest.items() if isinstance(value, dict)]:
        changed = copy.deepcopy(manifest)
        within(changed, (*inner, "more"))["more"] = 1
        yield ("manifest.json", place((*inner, "more"))), "a key that nothing has", False, renewed(changed)


def figures(reference, times, rng):
    for path in sorted(reference.glob("figure_*")):
        data = path.read_bytes()
        for _ in range(times):
            at = rng.randrange(len(data))
            forged = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            what = f"byte {at}"
            yield (path.name, "byte"), what, False, lambda folder, forged=forged, name=path.name: (folder / name).write_bytes(forged)


def is_open(place, with_trade):
    name, where = place
    listed = OPEN_WITH_TRADE if with_trade else OPEN
    if name == "manifest.json dropped" and not where.startswith(MAY_BE_DROPPED):
        return False
    if name.startswith("manifest.json"):
        return any(where == key or where.startswith(key + ".") for key in listed)
    return not with_trade and place in OPEN_COLUMNS


def attempt(reference, scratch, number, place, change, arguments):
    """Makes one forgery and says what became of it."""
    folder = scratch / str(number)
    shutil.copytree(reference, folder)
    change(folder)
    if not place[0].startswith("manifest.json"):
        renew(folder, with_basis=True)
    code, said = run("verify", folder, "-q", *arguments)
    shutil.rmtree(folder)
    return code, said


def forge(name, reference, work, changes, arguments=(), with_trade=False):
    global numbers
    code, said = run("verify", reference, "-q", *arguments)
    if code != 0:
        misses.append(f"{name}: the folder as it was written does not hold: {code} {said.strip()}")
        return
    scratch = work / "scratch"
    scratch.mkdir(exist_ok=True)
    tried = passed = by_bytes = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        tries = {}
        for number, (place, what, is_of_number, change) in enumerate(changes):
            numbers += is_of_number
            tries[pool.submit(attempt, reference, scratch, number, place, change, arguments)] = (place, what)
        for one in concurrent.futures.as_completed(tries):
            (place, what), (code, said) = tries[one], one.result()
            tried += 1
            if code in SEEN and BY_BYTES in said and place == (FLOWS, "exporter"):
                by_bytes += 1
            elif code in SEEN and (BY_BYTES not in said or "metadata" in place[1]):
                pass
            elif (code == 0 or BY_BYTES in said) and is_open(place, with_trade):
                passed += 1
            else:
                misses.append(f"{name}: {place[0]}, {place[1]}: {what}: exit {code} {said.strip()[-200:]}")
    print(f"{name}: {tried} forgeries, {passed} passed as listed, {by_bytes} codes of exporters seen by bytes only", flush=True)


def prepare(work):
    trade = cepii_year(work / "BACI_HS92_Y2023_V202401b.csv")
    must("ingest", trade, "--out", work / "small", "-q")
    must("run", work / "small", "--list", "all", "--csv", "--out", work / "all", "-q")
    must("run", work / "small", "--list", "all", "--figures", "--out", work / "drawn", "-q")
    must("run", work / "small", "--out", work / "critical", "-q")
    must("run", "--list", "all", "--out", work / "sample", "-q")


def main():
    global binary
    binary = os.path.realpath(sys.argv[1])
    work = pathlib.Path(sys.argv[2])
    quick = "--quick" in sys.argv[3:]
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    prepare(work)
    rng = random.Random(SEED)

    def changes(folder, per_column, times):
        for name in sorted(path.name for path in folder.glob("*.csv")):
            yield from cells(folder, name, per_column, rng)
        yield from amounts(folder, per_column * 2, rng)
        yield from flow_rows(folder, per_column, rng)
        yield from manifest_changes(folder, times, rng)

    def some(folder):
        """A sample of every kind of change."""
        made = list(changes(folder, 1, 1))
        rng.shuffle(made)
        return made[:90]

    if quick:
        plan = [(name, some) for name in ("all", "critical", "sample")]
    else:
        plan = [("all", lambda folder: changes(folder, 14, 2)), ("critical", lambda folder: changes(folder, 4, 1))]
        plan.append(("sample", lambda folder: changes(folder, 4, 1)))
    plan.append(("drawn", lambda folder: figures(folder, 1 if quick else 8, rng)))
    for name, made in plan:
        forge(f"result `{name}`", work / name, work, made(work / name), (), name == "sample")
    with_trade = some(work / "critical") if quick else changes(work / "critical", 4, 1)
    forge("result `critical` with the trade", work / "critical", work, with_trade, ("--trade", work / "small"), True)
    least = 100 if quick else 2000
    if numbers < least:
        misses.append(f"only {numbers} numbers were changed, fewer than {least}")
    print(f"{numbers} numbers changed, {len(misses)} missed")
    for miss in misses:
        print("MISS", miss)
    sys.exit(bool(misses))


main()
