"""Damages the manifest of an ingested folder in every way, and exchanges its code tables.

    python3 tests/hardening/manifests.py REORIENT WORK_FOLDER [--quick]

`run` and `verify` must refuse every case with 65, but for those that docs/data.md lists: a folder whose manifest is gone is read with a
note, as every row and table in it is held against footers. Needs nothing but the standard library.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path


def rows():
    codes = [4, 8, 12, 24, 31, 32, 36, 40, 51, 56, 76, 100, 112, 124, 152, 156, 170, 191, 196, 203, 208, 233, 246, 251, 276, 643, 699]
    lines = ["t,i,j,k,v,q\n"]
    for at, exporter in enumerate(codes):
        for to, importer in enumerate(codes):
            if exporter != importer:
                tons = "NA" if at % 5 == 0 else f"{at + 1}.5"
                lines += [f"2023,{exporter},{importer},{code},{100 + at * 31 + to * 7}.125,{tons}\n" for code in ("250310", "270900")]
    return "".join(lines)


def leaves(value, path=()):
    """Paths of all leaves and of all keys."""
    if isinstance(value, dict):
        for key, own in value.items():
            yield from leaves(own, (*path, key))
    elif isinstance(value, list) and value:
        for at, own in enumerate(value):
            yield from leaves(own, (*path, at))
    else:
        yield path


def changed(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, list):
        return ["x"]
    if isinstance(value, str) and len(value) == 64:
        return ("0" if value[0] != "0" else "1") + value[1:]
    return "x" if value is None else f"{value}1"


def main():
    reorient, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve() / "manifests"
    quick = "--quick" in sys.argv
    shutil.rmtree(work, ignore_errors=True)
    sources = work / "sources"
    sources.mkdir(parents=True)
    (sources / "BACI_HS92_Y2023_V202401b.csv").write_text(rows())
    folder = work / "folder"
    subprocess.run([reorient, "ingest", "-q", sources, "--out", folder], check=True)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    manifest = json.loads(whole["manifest.json"])
    year = manifest["years"][0]["file"]
    misses, cases = 0, {}

    def ends(*arguments):
        done = subprocess.run([reorient, *arguments], capture_output=True, text=True, timeout=60)
        return done.returncode, (done.stdout + done.stderr).strip()

    def restore():
        for path in folder.iterdir():
            if path.name not in whole:
                path.unlink()
        for name, content in whole.items():
            (folder / name).write_bytes(content)

    def held(group, what, files, expected=(65,), verified=(65,)):
        """Holds both commands against a folder with some files changed; None takes one away."""
        nonlocal misses
        for name, content in files.items():
            if content is None:
                (folder / name).unlink()
            else:
                (folder / name).write_bytes(content)
        run = ["run", "-q", "--list", "all", "--set", "risk=CHN"]
        for command, right in ((("verify", folder), verified), ((*run, folder), expected), ((*run, folder / year), expected)):
            code, words = ends(*command)
            cases[group] = cases.get(group, 0) + 1
            if code not in right:
                misses += 1
                print(f"MISS {group}: {what}: {command[0]} of {Path(command[-1]).name} ends with {code}: {words[:160]}")
        restore()

    for command in (("verify", folder), ("run", "-q", "--list", "all", folder)):
        code, words = ends(*command)
        if code not in (0, 3):
            misses += 1
            print(f"MISS the folder itself: {command[0]} ends with {code}: {words[:160]}")

    text = whole["manifest.json"]
    steps = range(0, len(text), len(text) // (4 if quick else 40) or 1)
    for at in steps:
        held("truncated", f"at {at}", {"manifest.json": text[:at]})
    for tail in (b"x", b" ", b"\n", b"\0", b"{}"):
        held("appended", repr(tail), {"manifest.json": text + tail})
    for other in (b"", b"[]", b"null", b'{"generator": "reorient", "kind": "ingest"}', b"\xff" * 100):
        held("replaced", repr(other[:30]), {"manifest.json": other}, verified=(65, 66))
    # Listed in docs/data.md: rows and tables are sealed without it, so the folder is read, with a note.
    held("removed", "manifest.json", {"manifest.json": None}, expected=(0, 3), verified=(65, 66))

    everything = list(leaves(manifest))
    for path in everything[:: 6 if quick else 1]:
        for drop in (False, True):
            lie = json.loads(text)
            holder = lie
            for key in path[:-1]:
                holder = holder[key]
            if drop:
                del holder[path[-1]]
            else:
                holder[path[-1]] = changed(holder[path[-1]])
            content = (json.dumps(lie, indent=2, ensure_ascii=False) + "\n").encode()
            held("dropped" if drop else "lying", ".".join(map(str, path)), {"manifest.json": content}, verified=(65, 66))

    countries = whole["country_codes.csv"]
    swapped = countries.replace(b"CHN", b"@@@").replace(b"IND", b"CHN").replace(b"@@@", b"IND")
    products = whole["product_codes.csv"].replace(b"Petroleum", b"Another oil")
    assert swapped != countries and products != whole["product_codes.csv"]
    for name, content in (("country_codes.csv", swapped), ("product_codes.csv", products)):
        for state, own in (("whole", text), ("damaged", text + b"x"), ("empty", b""), ("removed", None)):
            held("tables swapped", f"{name}, manifest {state}", {name: content, "manifest.json": own}, verified=(65, 66))
        relisted = json.loads(text)
        relisted["files"] = [file for file in relisted["files"] if file["name"] != name]
        content_of = (json.dumps(relisted, indent=2) + "\n").encode()
        held("tables swapped", f"{name} off the list", {name: content, "manifest.json": content_of})
    for group, count in cases.items():
        print(f"manifests: {group}: {count} cases")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
