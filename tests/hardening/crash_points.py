"""A kill, an EIO and an ENOSPC at every call that changes the disk, for every command that writes a folder.

usage: crash_points.py REORIENT WORK [--quick]

At every point the folder must be what it was or what it was to be, whole (`verify` says 0, or it is not there), and the same
command must then succeed and leave nothing else beside the folder. Needs strace.
"""

import collections
import concurrent.futures
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from common import cepii_year

REORIENT, WORK = sys.argv[1], Path(sys.argv[2])
QUICK = "--quick" in sys.argv
CALLS = "rename,renameat,renameat2,unlink,unlinkat,link,linkat,mkdir,mkdirat,rmdir,fsync,fdatasync,ftruncate,fchmod,chmod,fchmodat"
WRITES = "write,pwrite64"
FAULTS = ["signal=SIGKILL", "error=EIO"] if QUICK else ["signal=SIGKILL", "error=EIO", "error=ENOSPC"]
WHOLE, GONE, UNFINISHED, HANGS, BAD_DATA, REFUSED = 0, "not there", "unfinished", "hangs", 65, 74
YEAR = WORK / "BACI_HS92_Y2023.csv"
OTHER_YEAR = WORK / "other-year" / "BACI_HS92_Y2023.csv"


def run(arguments, here=None):
    """Exit code and what was said."""
    try:
        done = subprocess.run([REORIENT, *arguments], capture_output=True, text=True, timeout=120, cwd=here)
    except subprocess.TimeoutExpired:
        return HANGS, ""
    return done.returncode, done.stderr


def traced(arguments, calls, fault=None, here=None, output="/dev/null"):
    """As `run`, with a fault injected into system calls."""
    inject = ["-e", f"inject={calls}:{fault}"] if fault else []
    command = ["strace", "-f", "-qq", "-o", str(output), "-e", f"trace={calls}", *inject, REORIENT, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=here)
    except subprocess.TimeoutExpired:
        return HANGS, ""
    return done.returncode, done.stderr


def points(arguments, place, calls):
    """Every call with its number: strace counts for each call and thread apart."""
    trace = place.root / "trace"
    traced(arguments, calls, here=place.here, output=trace)
    counts, most = collections.Counter(), collections.Counter()
    for line in trace.read_text().splitlines():
        if call := re.match(r"(\d+) +(\w+)\(", line):
            counts[call[1], call[2]] += 1
            most[call[2]] = max(most[call[2]], counts[call[1], call[2]])
    trace.unlink()
    return [(call, at) for call, count in sorted(most.items()) for at in range(1, count + 1)]


class Place:
    """A folder of its own in which a command is tried again and again."""

    def __init__(self, name, baci, other):
        self.root = WORK / name
        self.out = self.root / "space" / "out"
        self.baci, self.other = baci, other
        self.night = self.root / "night.toml"
        self.here = None

    def clear(self):
        shutil.rmtree(self.root, ignore_errors=True)
        self.out.parent.mkdir(parents=True)
        self.night.write_text('[base]\nlist = "all"\n[grid]\ncap = [0.01, 0.02, 0.03]\nfloor = ["additive", "free"]\n')

    def state(self):
        """Hashes of the files of the folder; those of the store of a sweep go by what `verify` says."""
        if not self.out.exists():
            return None
        files = (path for path in sorted(self.out.iterdir()) if path.is_file())
        # Two runs differ in their timings.
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.name != "manifest.json"}

    def beside(self):
        """What stands in the place of the folder and is not the folder, and what is unfinished within."""
        within = [path.name for path in self.out.iterdir() if path.name.startswith(".")] if self.out.exists() else []
        return sorted(path.name for path in self.out.parent.iterdir() if path.name != "out") + within


def commands(place):
    """Name, what is there before, the command, and whether it needs a free place."""
    out, threads = str(place.out), ["--threads", "1"]
    asked = [str(place.baci), "--list", "all", "--out", out, "-q", *threads]
    ingest = ["ingest", str(YEAR), "--out", out, "-q"]
    synth = ["synth", "--rows", "2000", "--seed", "1", "--out", out, "-q", "--force"]
    sweep = ["sweep", str(place.night), str(place.baci), "--out", out, "-q", "--segment", "2", *threads]
    older = [str(place.other), "--list", "all", "--out", out, "-q"]
    jobs = {
        "run new": (None, ["run", *asked]),
        "run over an older result": (["run", *older, "--csv"], ["run", *asked]),
        "run over an older result from within": (["run", *older, "--csv"], ["run", *asked]),
        "run with figures over an older result": (["run", *older], ["run", *asked, "--figures"]),
        "frontier over an older one": (["frontier", *older], ["frontier", *asked]),
        "indicators over an older one": (
            ["indicators", "--importer", "NLD", *older],
            ["indicators", "--importer", "NLD", *asked],
        ),
        "ingest new": (None, ingest),
        "ingest --force": (["ingest", str(OTHER_YEAR), "--out", out, "-q"], [*ingest, "--force"]),
        "synth": (["synth", "--rows", "1000", "--seed", "2", "--out", out, "-q"], synth),
        "sweep": (None, sweep),
        "sweep of other data": (["sweep", str(place.night), str(place.other), *sweep[3:]], sweep),
    }
    if QUICK:
        for name in ["run with figures over an older result", "indicators over an older one", "synth", "sweep of other data"]:
            del jobs[name]
    return jobs


class Trial:
    """One command with all its points."""

    def __init__(self, name, baci, other):
        self.name = name
        self.place = Place(re.sub(r"\W+", "-", name), baci, other)
        self.before, self.command = commands(self.place)[name]
        self.misses, self.tried = [], 0

    def reset(self):
        self.place.here = None
        self.place.clear()
        if self.before:
            code, said = run(self.before)
            assert code == 0, (self.name, said)
        if self.name.endswith("from within"):
            self.place.here = self.place.out

    def verify(self):
        if not self.place.out.exists():
            return GONE
        if self.command[0] == "synth":
            return WHOLE if self.place.state() in (self.old, self.new) else "mixed"
        if not any(self.place.out.iterdir()):
            return GONE
        code, said = run(["verify", str(self.place.out), "-q"])
        if self.command[0] == "sweep" and code == BAD_DATA and "the sweep is not complete" in said:
            return UNFINISHED
        return WHOLE if code == 0 else f"{code}: {said.strip()[:160]}"

    def judge(self, point, code, said):
        """Looks at the folder after a fault, then runs the same command again."""
        self.tried += 1
        problems = []
        if "panicked" in said or "defect" in said or code in (HANGS, 101, 134):
            problems.append(f"ends with {code}: {said.strip()[:120]}")
        within = self.name.endswith("from within")
        found, state = self.verify(), self.place.state()
        is_sweep = self.command[0] == "sweep"
        # Before the plan is stored, there is nothing that could be verified.
        named = [self.place.out / "manifest.json", self.place.out / "store" / "plan.json.zst"]
        begun = is_sweep and not self.before and not all(path.exists() for path in named)
        # A folder that stays in its place is put back by the next command (docs/cli.md).
        # A sweep that was stopped says that it is not complete, after its files and segments were checked.
        stopped = found == UNFINISHED and code != 0
        if found not in (WHOLE, GONE) and not begun and not within and not stopped:
            problems.append(f"verify says {found}")
        if not is_sweep and not within and state not in (self.old, self.new) and state not in (None, {}):
            problems.append("the folder is neither the old nor the new one")
        if self.before and found == GONE:
            problems.append("the older folder is gone")
        if code == 0 and state != self.new:
            problems.append("exit 0 without the new folder")
        again, said = run(self.command, self.place.here)
        new_is_there = self.name == "ingest new" and found == WHOLE and again == REFUSED
        if again != 0 and not new_is_there:
            problems.append(f"the same command ends with {again}: {said.strip()[:160]}")
        if self.place.state() != self.new or self.verify() != WHOLE:
            problems.append("the same command does not give the new folder")
        if left := self.place.beside():
            if not (new_is_there and all(name.startswith(".out.reorient-") for name in left)):
                problems.append(f"left behind: {left}")
        self.misses += [f"{self.name}: {point}: {problem}" for problem in problems]

    def go(self):
        self.old = self.new = None
        self.reset()
        self.old = self.place.state()
        code, said = run(self.command, self.place.here)
        assert code == 0, (self.name, said)
        self.new = self.place.state()
        if self.verify() != WHOLE or self.place.beside():
            self.misses.append(f"{self.name}: it is not whole without any fault")
        self.reset()
        every = points(self.command, self.place, CALLS)
        for fault in FAULTS:
            for call, at in every:
                self.reset()
                code, said = traced(self.command, call, f"{fault}:when={at}", self.place.here)
                self.judge(f"{fault} at {call} {at}", code, said)
        # A disk that is full, at writes spread over all there are.
        self.reset()
        writes = points(self.command, self.place, WRITES)
        for call, at in writes[:: max(1, len(writes) // (3 if QUICK else 24))]:
            self.reset()
            code, said = traced(self.command, call, f"error=ENOSPC:when={at}", self.place.here)
            self.judge(f"ENOSPC at {call} {at}", code, said)
        shutil.rmtree(self.place.root, ignore_errors=True)
        return self


def fallback(baci, other):
    """As on a file system that cannot exchange folders, and beside a folder that cannot be moved."""
    misses = []
    for fault in ["error=EINVAL", "error=EXDEV", "error=EBUSY"]:
        trial = Trial("run over an older result", baci, other)
        trial.place = Place("fallback", baci, other)
        trial.before, trial.command = commands(trial.place)[trial.name]
        trial.reset()
        trial.old = trial.place.state()
        assert run(trial.command)[0] == 0
        trial.new = trial.place.state()
        trial.reset()
        code, said = traced(trial.command, "renameat2", fault)
        if code != 0 or trial.place.state() != trial.new or trial.verify() != WHOLE or trial.place.beside():
            misses.append(f"renameat2 with {fault}: exit {code}, {trial.place.beside()}: {said.strip()[:120]}")
        # Killed between its two renames, the next command puts the older folder back first; an error of the second does so at once.
        for second in ["signal=SIGKILL", "error=EIO"] if fault == "error=EINVAL" else []:
            trial.reset()
            command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=renameat2,rename", "-e", f"inject=renameat2:{fault}"]
            command += ["-e", f"inject=rename:{second}:when=2", REORIENT, *trial.command]
            subprocess.run(command, capture_output=True, timeout=120)
            if second == "error=EIO" and trial.place.state() != trial.old:
                misses.append("the older folder is not back after an error of the second rename")
            if second == "signal=SIGKILL" and trial.place.out.exists():
                misses.append("the second rename was not reached")
            code, said = run(trial.command)
            if code != 0 or trial.place.state() != trial.new or trial.place.beside():
                misses.append(f"{second} at the second rename: then exit {code}, {trial.place.beside()}: {said.strip()[:120]}")
            # Another question finds the older answer, not an empty place.
            trial.reset()
            subprocess.run(command, capture_output=True, timeout=120)
            code, _ = run([*trial.command, "--set", "cap=0.2"])
            if code != REFUSED or trial.place.state() != trial.old:
                misses.append(f"{second} at the second rename: another question ends with {code}")
    shutil.rmtree(WORK / "fallback", ignore_errors=True)
    return misses


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    baci, other = WORK / "baci", WORK / "other"
    for source, factor, folder in [(YEAR, 1, baci), (OTHER_YEAR, 2, other)]:
        cepii_year(source, factor, products=20)
        code, said = run(["ingest", str(source), "--out", str(folder), "-q"])
        assert code == 0, said
    names = list(commands(Place("none", baci, other)))
    misses = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        started = [pool.submit(lambda name: Trial(name, baci, other).go(), name) for name in names]
        for future in started:
            trial = future.result()
            print(f"{trial.name}: {trial.tried} faults, {len(trial.misses)} misses", flush=True)
            misses += trial.misses
    found = fallback(baci, other)
    print(f"file systems without an exchange, folders that cannot be moved: {len(found)} misses")
    for miss in [*misses, *found]:
        print("MISS", miss)
    return 1 if misses or found else 0


if __name__ == "__main__":
    sys.exit(main())
