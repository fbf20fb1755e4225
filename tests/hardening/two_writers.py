"""Two commands that write one folder at once, and one that reads it meanwhile.

usage: two_writers.py REORIENT WORK [--quick]

Whatever they are and however they meet, the folder must be one result, whole, and who did not write it must have been told: at
most one ends with 0, or both where one came after the other and its rules allowed it.
"""

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

from common import cepii_year

REORIENT, WORK = sys.argv[1], Path(sys.argv[2])
TIMES = 20 if "--quick" in sys.argv else 200
OUT = WORK / "space" / "out"
MOMENTS = random.Random(7)


def start(arguments):
    return subprocess.Popen([REORIENT, *arguments, "-q"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process):
    said = process.communicate(timeout=120)[1]
    return process.returncode, said.strip()


def at_once(*commands):
    """Starts all commands, a little apart; gives their exit codes and what they said."""
    started = []
    for command in commands:
        started.append(start(command))
        time.sleep(MOMENTS.choice([0, 0, 0.002, 0.005, 0.01, 0.03]))
    ends = [end(process) for process in started]
    return [code for code, _ in ends], [said for _, said in ends]


def verified():
    return end(start(["verify", str(OUT)]))


def fresh():
    shutil.rmtree(OUT.parent, ignore_errors=True)
    OUT.parent.mkdir(parents=True)


def cap():
    return json.loads((OUT / "manifest.json").read_text())["scenario"]["cap"]


def look(name, codes, said, allowed):
    """What is wrong after two writers."""
    misses = []
    if codes not in allowed:
        misses.append(f"exit codes {codes}: {' | '.join(said)[:200]}")
    code, why = verified()
    if code != 0:
        misses.append(f"exit codes {codes}, then verify says {code}: {why[:160]}")
    if left := [path.name for path in OUT.parent.iterdir() if path.name != "out"]:
        misses.append(f"left behind: {left}")
    return [f"{name}: {miss}" for miss in misses]


def run(cap, *more):
    return ["run", str(WORK / "baci"), "--list", "all", "--out", str(OUT), "--set", f"cap={cap}", *more]


def two_runs(over):
    """Two questions for one folder: one is answered, the other refused."""
    name, misses, won = f"two runs{' over an older result' if over else ''}", [], [0, 0]
    for _ in range(TIMES):
        fresh()
        more = []
        if over:
            assert end(start(run("0.2")))[0] == 0
            more = ["--force"]
        codes, said = at_once(run("0.05", *more), run("0.1", *more))
        # With --force, whoever comes after the other has ended replaces its result.
        allowed = [[0, 74], [74, 0], [0, 0]] if over else [[0, 74], [74, 0]]
        found = look(name, codes, said, allowed)
        if not found:
            winner = ["0.05", "0.1"].index(cap())
            won[winner] += 1
            if codes[winner] != 0:
                found.append(f"{name}: the folder is of the one that ended with {codes[winner]}")
        misses += found
    return name, TIMES, misses, f"won {won[0]} and {won[1]}"


def same_run():
    """The same question twice: it may be answered twice, one after the other."""
    name, misses = "the same run twice", []
    for _ in range(TIMES // 2):
        fresh()
        codes, said = at_once(run("0.05"), run("0.05"))
        misses += look(name, codes, said, [[0, 74], [74, 0], [0, 0]])
    return name, TIMES // 2, misses, ""


def two_commands():
    """Folders of different kinds."""
    name, misses = "a run and a frontier", []
    frontier = ["frontier", *run("0.05")[1:]]
    for _ in range(TIMES // 4):
        fresh()
        codes, said = at_once(run("0.05"), frontier)
        misses += look(name, codes, said, [[0, 74], [74, 0]])
    return name, TIMES // 4, misses, ""


def two_ingests():
    name, misses = "two ingests", []
    for turn in range(TIMES // 2):
        fresh()
        force = []
        if turn % 2:
            assert end(start(["ingest", str(WORK / "BACI_HS92_Y2023.csv"), "--out", str(OUT)]))[0] == 0
            force = ["--force"]
        sources = [WORK / "BACI_HS92_Y2023.csv", WORK / "other" / "BACI_HS92_Y2023.csv"]
        codes, said = at_once(*(["ingest", str(source), "--out", str(OUT), *force] for source in sources))
        allowed = [[0, 74], [74, 0], [0, 0]] if force else [[0, 74], [74, 0]]
        misses += look(name, codes, said, allowed)
    return name, TIMES // 2, misses, ""


def sweep_and_run():
    """A sweep that begins where a run is about to write."""
    name, misses = "a sweep and a run", []
    night = WORK / "night.toml"
    night.write_text('[base]\nlist = "all"\n[grid]\ncap = [0.01, 0.02]\n')
    sweep = ["sweep", str(night), str(WORK / "baci"), "--out", str(OUT)]
    for turn in range(TIMES // 4):
        fresh()
        pair = [sweep, run("0.05")]
        codes, said = at_once(*(pair if turn % 2 else pair[::-1]))
        misses += look(name, codes, said, [[0, 74], [74, 0]])
    return name, TIMES // 4, misses, ""


def readers():
    """Reads a folder while it is replaced: the answer is of the old or of the new rows, or the reader is told."""
    name, misses, told = "a run of a folder that is ingested again", [], 0
    results = WORK / "results"
    answers = []
    sources = [WORK / "BACI_HS92_Y2023.csv", WORK / "other" / "BACI_HS92_Y2023.csv"]
    ask = ["run", str(OUT), "--list", "all", "--out", str(results)]

    def answer():
        return (results / "products.csv").read_bytes()

    fresh()
    for source in sources:
        assert end(start(["ingest", str(source), "--out", str(OUT), "--force"]))[0] == 0
        assert end(start(ask))[0] == 0
        answers.append(answer())
    assert answers[0] != answers[1]
    for turn in range(TIMES // 2):
        shutil.rmtree(results, ignore_errors=True)
        codes, said = at_once(["ingest", str(sources[turn % 2]), "--out", str(OUT), "--force"], ask)
        if codes[0] != 0:
            misses.append(f"{name}: the ingest ends with {codes[0]}: {said[0][:160]}")
        if codes[1] == 0 and answer() not in answers:
            misses.append(f"{name}: exit 0 with an answer that is neither of the old nor of the new rows")
        if codes[1] not in (0, 65, 66):
            misses.append(f"{name}: the reader ends with {codes[1]}: {said[1][:160]}")
        told += codes[1] != 0
    shutil.rmtree(results, ignore_errors=True)
    return name, TIMES // 2, misses, f"{told} readers were told"


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    cepii_year(WORK / "BACI_HS92_Y2023.csv", products=20)
    cepii_year(WORK / "other" / "BACI_HS92_Y2023.csv", factor=2, products=20)
    assert end(start(["ingest", str(WORK / "BACI_HS92_Y2023.csv"), "--out", str(WORK / "baci")]))[0] == 0
    misses = []
    tests = [lambda: two_runs(False), lambda: two_runs(True), same_run, two_commands, two_ingests, sweep_and_run, readers]
    for test in tests:
        name, tried, found, more = test()
        print(f"{name}: {tried} times, {len(found)} misses{'; ' + more if more else ''}", flush=True)
        misses += found
    for miss in misses:
        print("MISS", miss)
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
