#!/usr/bin/env python3
"""Files that never end, never begin or grow: devices, pipes, sockets, bombs in every format, servers without end.

usage: bombs.py REORIENT WORK_FOLDER [--quick]

Every run must end by itself with one of the exit codes of its case, in a second of processor time and below 64 MiB of memory; what a
run of nothing takes already (a debug build is large) is printed and taken off. A download has the limits of its own options.
"""

import gzip
import http.server
import json
import os
import pathlib
import shutil
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
import zipfile

import blake3
import pyarrow as pa
import pyarrow.parquet as pq

CPU_SECONDS = 1.0
WALL_SECONDS = 8.0
MEMORY = 64 << 20
SPARSE = 6 << 30

misses = 0
tried = 0
worst = {"seconds": (0, ""), "memory": (0, "")}
base_memory = 0
base_seconds = 0.0
starter = None


# The memory of a child counts from the fork on, and this program is large itself: a small one starts them.
STARTER = """
import json, os, subprocess, sys, time
for line in sys.stdin:
    command, folder, wall = json.loads(line)
    with open(folder + "/said", "wb") as said:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=folder)
    deadline, code = time.monotonic() + wall, 0
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG if code is not None else 0)
        if pid:
            break
        if time.monotonic() > deadline:
            child.kill()
            code = None
        time.sleep(0.003)
    child.returncode = os.waitstatus_to_exitcode(status)
    code = child.returncode if code is not None else None
    print(json.dumps([code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10]), flush=True)
"""


def run(binary, arguments, folder, wall=WALL_SECONDS):
    """Exit code (negative for a signal, None for a hang), processor seconds, peak bytes, what was said."""
    starter.stdin.write(json.dumps([[binary, *map(str, arguments)], str(folder), wall]) + "\n")
    starter.stdin.flush()
    code, seconds, memory = json.loads(starter.stdout.readline())
    return code, seconds, memory, said_in(folder)


def said_in(folder):
    with open(folder / "said", "rb") as said:
        return said.read(4000).decode(errors="replace")


def hold(binary, folder, name, arguments, codes, words=(), wall=WALL_SECONDS):
    """Runs a case and prints what does not hold."""
    global misses, tried
    tried += 1
    code, seconds, memory, said = run(binary, arguments, folder, wall)
    problems = []
    if code is None:
        problems.append(f"did not end within {wall:g} s")
    elif code not in codes:
        problems.append(f"exit {code}, not {' or '.join(map(str, codes))}")
    if seconds > base_seconds + CPU_SECONDS:
        problems.append(f"{seconds:.2f} s of processor time")
    if memory > max(MEMORY, base_memory + MEMORY // 2):
        problems.append(f"{memory >> 20} MiB")
    if "panicked" in said or "root:x" in said:
        problems.append("said what it must not")
    problems += [f"did not say `{word}`" for word in words if code is not None and word not in said]
    for kind, value in (("seconds", seconds), ("memory", memory)):
        worst[kind] = max(worst[kind], (value, name))
    if problems:
        misses += 1
        print(f"MISS {name}: {'; '.join(problems)}: {' '.join(said.split())[:300]}", flush=True)


def summary(what, before):
    print(f"{what}: {tried - before} tried", flush=True)
    return tried


def fifo(path):
    os.mkfifo(path)
    return path


def sparse(path, size=SPARSE):
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def zstd(data):
    return pa.Codec("zstd").compress(data, asbytes=True)


def zeros(total):
    """Frames of Zstandard that unpack to so many bytes."""
    return zstd(bytes(64 << 20)) * (total // (64 << 20))


def segment(documents):
    """A file of a store: an index in a skippable frame, then the documents, packed."""
    index = struct.pack("<I", len(documents))
    for key, packed in documents:
        index += key + blake3.blake3(packed).digest() + struct.pack("<I", len(packed))
    head = struct.pack("<II", 0x184D2A5E, 8 + 32 + len(index)) + b"reorsw01" + blake3.blake3(index).digest() + index
    return head + b"".join(packed for _, packed in documents)


def documents_of(path):
    data = path.read_bytes()
    (count,) = struct.unpack_from("<I", data, 48)
    at, found = 52 + count * 68, []
    for entry in range(count):
        start = 52 + entry * 68
        (length,) = struct.unpack_from("<I", data, start + 64)
        found.append((data[start:start + 32], data[at:at + length]))
        at += length
    return found


def renewed(folder, name):
    """The manifest of a folder, with size and hash of a file as they are now."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["files"]:
        if entry["name"] == name:
            path = folder / name
            entry["bytes"] = path.stat().st_size
            entry["blake3"] = blake3.blake3(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def made(binary, folder, arguments):
    done = subprocess.run([binary, *map(str, arguments)], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bombs: {' '.join(map(str, arguments))} ended with {done.returncode}: {done.stderr}")


def specials(work):
    """Things that are no regular files, by the ending that they shall have."""
    place = work / "specials"
    place.mkdir()
    count = 0

    def each(ending):
        nonlocal count
        count += 1
        own = place / str(count)
        own.mkdir()
        name = f"BACI_HS92_Y2023_V202401b{ending}"
        for kind in ("fifo", "zero", "null", "socket", "to-fifo"):
            (own / kind).mkdir()
        yield "a named pipe", fifo(own / "fifo" / name)
        for kind in ("zero", "null"):
            (own / kind / name).symlink_to(f"/dev/{kind}")
            yield f"a link to /dev/{kind}", own / kind / name
        bound = socket.socket(socket.AF_UNIX)
        here = os.getcwd()
        os.chdir(own / "socket")
        bound.bind(name)
        os.chdir(here)
        yield "a socket", own / "socket" / name
        (own / "to-fifo" / name).symlink_to(own / "fifo" / name)
        yield "a link to a pipe", own / "to-fifo" / name

    return each


def no_files(binary, work, plain):
    """Whatever a user can name, named by something that is no file."""
    before = tried
    each = specials(work)
    out = work / "out"
    remedy = ["write its contents to a file and name that"]
    for ending in (".csv", ".csv.gz", ".csv.zst", ".zip", ".parquet", ""):
        for what, path in each(ending):
            hold(binary, work, f"run of {what} {ending}", ["run", path], (66,), remedy)
            hold(binary, work, f"ingest of {what} {ending}", ["ingest", path, "--out", out], (66,), remedy)
            if ending == "":
                for command in ("indicators", "frontier", "inspect", "sweep"):
                    further = {"inspect": ["810510"], "indicators": ["--country", "DEU"]}.get(command, [])
                    further = [plain["sweep"]] if command == "sweep" else further
                    order = [command, *further, path] if command in ("sweep", "inspect") else [command, path, *further]
                    hold(binary, work, f"{command} of {what}", order, (2, 66))
                for option in ("--list", "--scenario"):
                    hold(binary, work, f"run {option} {what}", ["run", option, path], (66,), remedy)
                for option in ("--against", "--headline"):
                    hold(binary, work, f"calibrate {option} {what}", ["calibrate", option, path], (66,), remedy)
                hold(binary, work, f"synth --marginals {what}", ["synth", "--rows", 2000, "--seed", 1, "--marginals", path, "--out", out], (66,), remedy)
                hold(binary, work, f"synth --overlay {what}", ["synth", "--rows", 2000, "--seed", 1, "--overlay", path, "--out", out], (66,), remedy)
                hold(binary, work, f"sweep {what}", ["sweep", path, "--dry-run"], (66,), remedy)
                sweep = work / "table.toml"
                sweep.write_text(f'table = "{path}"\n')
                hold(binary, work, f"the table of a sweep: {what}", ["sweep", sweep, "--dry-run"], (2, 66), remedy)
                sweep.write_text(f'[base]\nlist = "{path}"\n[grid]\ncap = ["0.1", "0.2"]\n')
                hold(binary, work, f"the list of a sweep: {what}", ["sweep", sweep, "--dry-run"], (2, 66), remedy)
    for device in ("/dev/zero", "/dev/null", "/dev/stdin", "/dev/full", "/proc/self/mem"):
        for order in (["run", device], ["ingest", device, "--out", out], ["run", "--list", device], ["run", "--scenario", device]):
            hold(binary, work, " ".join(map(str, order)), order, (65, 66))
    for name in ("x.csv", "country_codes_V202401b.csv", "product_codes_HS92_V202401b.csv", "x.parquet", "x.zip", "readme.txt"):
        folder = work / f"with-{name}"
        folder.mkdir()
        shutil.copy(plain["csv"], folder)
        fifo(folder / name)
        hold(binary, work, f"a pipe {name} in a folder", ["run", folder], (66,), remedy)
        hold(binary, work, f"a pipe {name} in a folder, ingested", ["ingest", folder, "--out", out], (66,), remedy)
    sweep = work / "table.toml"
    sweep.write_text('table = "/etc/passwd"\n')
    hold(binary, work, "the table of a sweep: /etc/passwd", ["sweep", sweep, "--dry-run"], (2,), ["no table of scenarios"])
    return summary("pipes, devices and sockets", before)


def folders(binary, work, plain):
    """Folders of ours whose manifest names other files, and whose files are no files."""
    before = tried
    for kind in ("result", "ingested"):
        whole = plain[kind]
        names = [entry["name"] for entry in json.loads((whole / "manifest.json").read_text())["files"]]
        readers = [["verify"]] if kind == "result" else [["verify"], ["run"]]
        cases = [(f"{name} is {what}", name, what) for name in [*names, "manifest.json"] for what in ("a pipe", "/dev/zero", "endless")]
        cases += [(f"lists {name}", name, "listed") for name in
                  ("/dev/zero", "../../../../../../../../dev/zero", "pipe", "zero", "../pipe", "", ".", "..", "a\\b", "C:x", "x\n\x1b[2J")]
        for number, (said, name, what) in enumerate(cases):
            own = work / f"{kind}-{number}"
            shutil.copytree(whole, own)
            if what == "listed":
                fifo(own / "pipe")
                (own / "zero").symlink_to("/dev/zero")
                manifest = json.loads((own / "manifest.json").read_text())
                manifest["files"][0] = {**manifest["files"][0], "name": name}
                (own / "manifest.json").write_text(json.dumps(manifest))
            else:
                (own / name).unlink()
                if what == "a pipe":
                    fifo(own / name)
                elif what == "/dev/zero":
                    (own / name).symlink_to("/dev/zero")
                else:
                    sparse(own / name)
            for reader in readers:
                # What a run of an ingested folder does not need is not looked at.
                codes = (0, 65, 66) if reader == ["run"] and name in ("ledger.csv", "") else (65, 66)
                hold(binary, work, f"{reader[0]} of a {kind} folder: {said!r}", [*reader, own], codes)
            if kind == "result":
                # It is not ours to replace, and is left as it is.
                hold(binary, work, f"run --out over: {said!r}", ["run", "--list", plain["list"], "--out", own], (0, 65, 66, 74))
            shutil.rmtree(own)
    return summary("folders of ours", before)


def bombs(binary, work, plain):
    """Small files that unpack to large ones, large files of nothing, and files that claim much."""
    before = tried
    out = work / "out"
    name = "BACI_HS92_Y2023_V202401b.csv"
    with gzip.open(work / f"{name}.gz", "wb", 6) as file:
        for _ in range(512):
            file.write(bytes(1 << 20))
    (work / f"{name}.zst").write_bytes(zeros(SPARSE))
    with zipfile.ZipFile(work / "BACI_HS92_V202401b.zip", "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as file:
        for _ in range(512):
            file.write(bytes(1 << 20))
    rows = 60_000_000
    columns = {"t": 2023, "i": 156, "j": 276, "k": 810520, "v": 1.0, "q": 1.0}
    schema = pa.schema([(key, pa.float64() if isinstance(value, float) else pa.int32()) for key, value in columns.items()])
    constant(work / "BACI_HS92_Y2023_V202401b.parquet", schema, list(columns.values()), rows)
    for path in (f"{name}.gz", f"{name}.zst", "BACI_HS92_V202401b.zip", "BACI_HS92_Y2023_V202401b.parquet"):
        hold(binary, work, f"run of the bomb {path}", ["run", work / path], (65,))
        hold(binary, work, f"ingest of the bomb {path}", ["ingest", work / path, "--out", out], (65,))
    for ending in (".csv", ".csv.gz", ".csv.zst", ".zip", ".parquet"):
        path = sparse(work / f"BACI_HS92_Y2022_V202401b{ending}")
        hold(binary, work, f"run of 6 GiB of nothing {ending}", ["run", path], (65,))
    nothing = sparse(work / "nothing")
    large = ["is too large"]
    for option in ("--list", "--scenario"):
        hold(binary, work, f"run {option} of 6 GiB of nothing", ["run", option, nothing], (65,), large)
    for option in ("--against", "--headline"):
        hold(binary, work, f"calibrate {option} of 6 GiB of nothing", ["calibrate", option, nothing], (65,), large)
    hold(binary, work, "synth --marginals of 6 GiB of nothing", ["synth", "--rows", 2000, "--seed", 1, "--marginals", nothing, "--out", out], (65,), large)
    hold(binary, work, "a sweep file of 6 GiB of nothing", ["sweep", nothing, "--dry-run"], (65,), large)
    sweep = work / "table.toml"
    sweep.write_text('table = "nothing"\n')
    hold(binary, work, "a table of 6 GiB of nothing", ["sweep", sweep, "--dry-run"], (2, 65), large)

    flows = work / "flows"
    shutil.copytree(plain["result"], flows)
    kept = pq.read_schema(flows / "flows.parquet")
    values = ["810520", 156] + [1.0] * (len(kept.names) - 2)
    constant(flows / "flows.parquet", kept, values, rows)
    renewed(flows, "flows.parquet")
    size = (flows / "flows.parquet").stat().st_size
    hold(binary, work, f"verify of flows.parquet with {rows} rows in {size} bytes", ["verify", flows], (65,))

    store = plain["sweep-out"] / "store"
    segments = sorted(path.name for path in store.iterdir() if path.name.endswith(".segment.zst"))
    for number, (file, key) in enumerate([("plan.json.zst", None), *((segment_name, 0) for segment_name in segments[:1])]):
        own = work / f"sweep-bomb-{number}"
        shutil.copytree(plain["sweep-out"], own)
        path = own / "store" / file
        documents = documents_of(path)
        documents[0] = (documents[0][0], zeros(SPARSE))
        packed = segment(documents)
        path.unlink()
        if key is not None:
            # A segment has the hash of its index as its name.
            path = path.with_name(path.name.replace(path.name.split(".")[0], blake3.blake3(packed[48:52 + 68 * len(documents)]).hexdigest()[:32]))
        path.write_bytes(packed)
        for order in (["verify", own], ["sweep", "merge", own]):
            hold(binary, work, f"{' '.join(order[:-1])}: {len(packed)} bytes of {file} unpack to 6 GiB", order, (65,), ["it unpacks to more than"])
        sparse(path)
        for order in (["verify", own], ["sweep", "merge", own]):
            hold(binary, work, f"{' '.join(order[:-1])}: {file} of 6 GiB of nothing", order, (65,))
        path.unlink()
        fifo(path)
        for order in (["verify", own], ["sweep", "merge", own]):
            hold(binary, work, f"{' '.join(order[:-1])}: {file} is a pipe", order, (65, 66))
    return summary("bombs", before)


def constant(path, schema, values, rows):
    """A Parquet file of so many equal rows."""
    batch = 1_000_000
    table = pa.table([pa.repeat(pa.scalar(value, kind), batch) for value, kind in zip(values, schema.types)], schema=schema)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for _ in range(rows // batch):
            writer.write_table(table, row_group_size=batch)


class Endless(http.server.BaseHTTPRequestHandler):
    """Bytes without length and without end: at once below /fast, one a second below /slow, and heads that never end below /head."""

    def do_GET(self):
        try:
            if self.path.startswith("/head"):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
                while True:
                    self.wfile.write(b"x")
                    time.sleep(0.3)
            self.send_response(200)
            self.send_header("Content-Type", "application/zip")
            self.send_header("ETag", '"one"')
            self.end_headers()
            fast = self.path.startswith("/fast")
            block = b"x" * ((1 << 20) if fast else 1)
            while True:
                self.wfile.write(block)
                if not fast:
                    time.sleep(1)
        except OSError:
            pass

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def downloads(binary, work, _):
    """Servers without end."""
    before = tried
    server = Server(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for kind, code, words in (("fast", 65, "--most-bytes"), ("slow", 66, "--least-speed"), ("head", 66, "gave up")):
        out = work / f"fetched-{kind}"
        order = ["fetch", "--hs", "92", "--version", "202401b", "--base-url", f"http://127.0.0.1:{server.server_port}/{kind}",
                 "--out", out, "--most-bytes", 200_000_000, "--silence", 2, "--retries", 1]
        hold(binary, work, f"fetch, {kind}", order, (code,), [words], wall=20)
        left = sum(path.stat().st_size for path in out.iterdir()) if out.is_dir() else 0
        if left > 100_000:
            global misses
            misses += 1
            print(f"MISS fetch, {kind}: {left} bytes are left")
    server.shutdown()
    return summary("endless downloads", before)


def main():
    global base_memory, base_seconds, starter
    binary, work = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    starter = subprocess.Popen([sys.executable, "-I", "-S", "-c", STARTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    plain = {"list": work / "list.csv", "sweep": work / "sweep.toml", "sweep-out": work / "night"}
    plain["list"].write_text("hs_revision,hs6,sector,subsector,stage,source\nHS92,810510,minerals,cobalt,input,a\nHS92,260600,minerals,cobalt,input,a\n")
    plain["sweep"].write_text('[grid]\ncap = ["0.1", "0.2", "0.3"]\n')
    made(binary, work, ["synth", "--rows", 2000, "--seed", 1, "--hs", 92, "--year", 2023, "--out", "made-up", "--csv"])
    plain["csv"] = next(path for path in (work / "made-up").iterdir() if path.name.startswith("BACI") and path.suffix == ".csv")
    plain["ingested"], plain["result"] = work / "ingested", work / "result"
    made(binary, work, ["ingest", "made-up", "--out", "ingested", "-q"])
    made(binary, work, ["run", "--list", "list.csv", "--out", "result", "--csv", "-q"])
    made(binary, work, ["sweep", "sweep.toml", "--out", "night", "-q"])
    _, base_seconds, base_memory, _ = run(binary, ["run", "--list", plain["list"], "-q"], work)
    print(f"a run of two products: {base_seconds:.2f} s, {base_memory >> 20} MiB")
    for part in (no_files, folders, bombs, downloads):
        begun = time.monotonic()
        part(binary, work, plain)
        print(f"  {time.monotonic() - begun:.1f} s")
    seconds, memory = worst["seconds"], worst["memory"]
    print(f"{tried} runs, {misses} misses; longest {seconds[0]:.2f} s of processor time ({seconds[1]}), "
          f"largest {memory[0] >> 20} MiB ({memory[1]})")
    sys.exit(1 if misses else 0)


if __name__ == "__main__":
    main()
