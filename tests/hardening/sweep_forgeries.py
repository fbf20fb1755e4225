"""Sweeps that somebody forged, with every hash made anew: results, keys, segments, cells of the dataset, keys of the manifest.

usage: sweep_forgeries.py REORIENT WORK [--quick]
"""
import copy
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import blake3
import pyarrow
import pyarrow.parquet

NIGHT = """[base]
list = "all"
[grid]
cap = [0.01, 0.05, "1/7"]
risk = [[156, 842, 643], "CHN"]
floor = ["additive", "free"]
"""
QUICK = "--quick" in sys.argv
BINARY, WORK = sys.argv[1], Path(sys.argv[2]).resolve()
DRAW = random.Random(20)
ZSTD = pyarrow.Codec("zstd")
MISSES = 0


def reorient(*arguments):
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=120, cwd=WORK)


def told(kind, tries, misses):
    global MISSES
    MISSES += len(misses)
    print(f"{kind}: {tries} tries, {len(misses)} missed")
    for miss in misses:
        print(f"MISS {kind}: {miss}")


def fresh(name):
    out = WORK / name
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(WORK / "night", out)
    return out


def refused(out, *arguments):
    """None if it is refused as bad data, otherwise what was said."""
    done = reorient("verify", "-q", out, *arguments)
    return None if done.returncode == 65 else f"exit {done.returncode} {done.stderr.strip()[:200]}"


# Segments: skippable frame with format, hash, number and index of documents, then a frame of Zstandard for each.


def segments(out):
    return sorted((out / "store").glob("*.segment.zst"))


def documents(data):
    count = int.from_bytes(data[48:52], "little")
    offset, found = 52 + 68 * count, []
    for at in range(52, offset, 68):
        length = int.from_bytes(data[at + 64 : at + 68], "little")
        with pyarrow.CompressedInputStream(pyarrow.BufferReader(data[offset : offset + length]), "zstd") as frame:
            found.append((data[at : at + 32], frame.read()))
        offset += length
    return found


def write(path, found):
    index, packed = len(found).to_bytes(4, "little"), b""
    for key, document in found:
        frame = ZSTD.compress(document, asbytes=True)
        index += key + blake3.blake3(frame).digest() + len(frame).to_bytes(4, "little")
        packed += frame
    digest = blake3.blake3(index)
    head = (0x184D2A5E).to_bytes(4, "little") + (40 + len(index)).to_bytes(4, "little") + b"reorsw01" + digest.digest()
    path.unlink()
    name = path.name if path.name.startswith("plan") else f"{digest.hexdigest()[:32]}.segment.zst"
    path.with_name(name).write_bytes(head + index + packed)


def change_document(out, change):
    path = DRAW.choice(segments(out))
    found = documents(path.read_bytes())
    at = DRAW.randrange(len(found))
    document = json.loads(found[at][1])
    what = change(document)
    found[at] = (found[at][0], json.dumps(document, separators=(",", ":")).encode() + b"\n")
    write(path, found)
    return what


def renew_manifest(out, change):
    path = out / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def renew(out, name):
    data = (out / name).read_bytes()

    def entry(manifest):
        for file in manifest["files"]:
            if file["name"] == name:
                file["bytes"], file["blake3"] = len(data), blake3.blake3(data).hexdigest()

    renew_manifest(out, entry)


def numbers(value, path=()):
    """Paths of all numbers below a value."""
    if isinstance(value, dict):
        return [own for key, part in value.items() for own in numbers(part, (*path, key))]
    if isinstance(value, list):
        return [own for at, part in enumerate(value) for own in numbers(part, (*path, at))]
    return [path] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def bump(value, path):
    for part in path[:-1]:
        value = value[part]
    # An exact amount is in 1e-9 dollars: by one, it is beside what a dataset shows.
    value[path[-1]] += DRAW.choice([1, 10**13])
    return "/".join(map(str, path))


def figure(document):
    return bump(document["figures"], DRAW.choice(numbers(document["figures"])))


def dataset(out):
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


def results(tries):
    alone, again, shown = [], [], 0
    for _ in range(tries):
        out = fresh("forged")
        what = change_document(out, figure)
        said = refused(out)
        # With a dataset that follows from it, only the trade can tell.
        merged = reorient("sweep", "merge", "-q", out)
        is_shown = merged.returncode not in (0, 3) or dataset(out) != dataset(WORK / "night")
        shown += is_shown
        if said and is_shown:
            alone.append(f"{what}: {said}")
        said = refused(out, "--sample", 1000) if merged.returncode in (0, 3) else None
        if said:
            again.append(f"{what}: {said}")
    told("results with hashes made anew, as far as the dataset shows them", shown, alone)
    told("results with a dataset made of them, answered again", tries, again)


def scenarios(tries):
    misses = []
    for _ in range(tries):
        out = fresh("forged")

        def change(document):
            key = DRAW.choice(sorted(document["scenario"]))
            document["scenario"][key] = {"cap": "0.02", "risk": "842"}.get(key, "DEU")
            return key

        what = change_document(out, change)
        reorient("sweep", "merge", "-q", out)
        said = refused(out)
        if said:
            misses.append(f"{what}: {said}")
    told("scenarios of results", tries, misses)


def keys(tries):
    misses = []
    for _ in range(tries):
        out = fresh("forged")
        path = DRAW.choice([own for own in segments(out) if len(documents(own.read_bytes())) > 1])
        found = documents(path.read_bytes())
        one, other = DRAW.sample(range(len(found)), 2)
        found[one], found[other] = (found[one][0], found[other][1]), (found[other][0], found[one][1])
        write(path, found)
        for arguments in (["verify", "-q", out], ["sweep", "merge", "-q", out]):
            done = reorient(*arguments)
            if done.returncode != 65:
                misses.append(f"{arguments[0]}: exit {done.returncode} {done.stderr.strip()[:200]}")
    told("results under the key of another", tries, misses)


def inputs():
    misses, tries = [], 0
    for role in range(3):
        out = fresh("forged")
        path = out / "store/plan.json.zst"
        [(_, document)] = documents(path.read_bytes())
        plan = json.loads(document)
        for name in ("blake3", "footer_blake3"):
            if name in plan["inputs"][role]:
                plan["inputs"][role][name] = "0" * 64
        data = json.dumps(plan, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        write(path, [(blake3.blake3(data).digest(), data)])
        reorient("sweep", "merge", "-q", out)
        tries += 1
        said = refused(out)
        if said:
            misses.append(f"input {role}: {said}")
    told("inputs of the plan", tries, misses)


def lost():
    misses, tries = [], 0
    for at in range(len(segments(WORK / "night"))):
        out = fresh("forged")
        segments(out)[at].unlink()
        tries += 1
        said = refused(out)
        if said:
            misses.append(f"segment {at}: {said}")
    told("segments deleted", tries, misses)


def cells(tries):
    misses = []
    tables = ["scenarios.parquet", "figures.parquet", "shares.parquet", "table_a1.parquet", "summary.csv", "scenarios.csv"]
    for at in range(tries):
        out = fresh("forged")
        name = tables[at % len(tables)]
        path = out / name
        if name.endswith(".csv"):
            lines = path.read_text().split("\n")
            row = DRAW.randrange(1, len(lines) - 1)
            digits = [place for place, letter in enumerate(lines[row]) if letter.isdigit()]
            place = DRAW.choice(digits)
            lines[row] = lines[row][:place] + str((int(lines[row][place]) + 1) % 10) + lines[row][place + 1 :]
            path.write_text("\n".join(lines))
            what = f"{name} row {row} letter {place}"
        else:
            table = pyarrow.parquet.read_table(path)
            columns = [own for own in table.column_names if table[own].null_count < table.num_rows]
            column = DRAW.choice(columns)
            values = table[column].to_pylist()
            row = DRAW.choice([own for own, value in enumerate(values) if value is not None])
            values[row] = values[row] + ("x" if isinstance(values[row], str) else 1)
            field = table.schema.field(column)
            place = table.column_names.index(column)
            table = table.set_column(place, field, pyarrow.array(values, field.type))
            pyarrow.parquet.write_table(table, path)
            what = f"{name} {column} row {row}"
        renew(out, name)
        said = refused(out)
        if said:
            misses.append(f"{what}: {said}")
    told("cells of the dataset with hashes made anew", tries, misses)


def manifests():
    original = json.loads((WORK / "night/manifest.json").read_text())
    changes = [("without", (key,)) for key in original if key not in ("generator", "kind")]
    changes += [("changed", (key,)) for key in original if key not in ("generator", "kind", "files")]
    changes += [("changed", ("counts", key)) for key in original["counts"]]
    changes += [("changed", ("question", key)) for key in original["question"]]
    changes += [("changed", ("inputs", at, key)) for at, own in enumerate(original["inputs"]) for key in own]
    changes += [("added", ("more",))]
    misses = []
    for how, path in changes:
        out = fresh("forged")

        def change(manifest):
            for part in path[:-1]:
                manifest = manifest[part]
            if how == "without":
                del manifest[path[-1]]
            else:
                old = copy.deepcopy(manifest.get(path[-1])) if isinstance(manifest, dict) else manifest[path[-1]]
                flipped = not old if isinstance(old, bool) else old + 1 if isinstance(old, int) else f"{old}x"
                manifest[path[-1]] = flipped

        renew_manifest(out, change)
        said = refused(out)
        if said:
            misses.append(f"{how} {'/'.join(map(str, path))}: {said}")
    told("keys of the manifest", len(changes), misses)


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    (WORK / "night.toml").write_text(NIGHT)
    done = reorient("sweep", "-q", "night.toml", "--out", "night", "--segment", 4)
    whole = reorient("verify", "-q", "night", "--sample", 5)
    misses = [] if (done.returncode, whole.returncode) == (0, 0) else [f"{done.stderr} {whole.stderr}"]
    told("a whole sweep holds", 1, misses)
    results(15 if QUICK else 150)
    scenarios(10 if QUICK else 50)
    keys(5 if QUICK else 50)
    inputs()
    lost()
    cells(30 if QUICK else 300)
    manifests()
    shutil.rmtree(WORK, ignore_errors=True)
    return 1 if MISSES else 0


if __name__ == "__main__":
    sys.exit(main())
