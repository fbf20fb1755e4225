"""Answers equal those of the command line, from whatever the trade comes in, and faults come as typed exceptions."""

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import reorient
from conftest import ROOT, SAMPLE

TABLES = ["table_a1", "shares", "products", "flows", "coverage"]


def same_bytes(one, other):
    """Every file but the manifest, which has a clock."""
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir()) and len(names) > 2
    for name in names:
        if name != "manifest.json":
            assert (one / name).read_bytes() == (other / name).read_bytes(), name


def same_numbers(table, path):
    """A table against the command line's CSV, doubles to the last bit."""
    kinds = {field.name: pa.string() if pa.types.is_string(field.type) else pa.float64() for field in table.schema}
    convert = pacsv.ConvertOptions(column_types=kinds, strings_can_be_null=False, true_values=["yes"], false_values=["no"])
    flags = [field.name for field in table.schema if pa.types.is_boolean(field.type)]
    for name in flags:
        convert.column_types = {**convert.column_types, name: pa.bool_()}
    read = pacsv.read_csv(path, parse_options=pacsv.ParseOptions(newlines_in_values=True), convert_options=convert)
    assert read.column_names == table.column_names and read.num_rows == table.num_rows > 0
    for name in table.column_names:
        ours = table[name].to_pylist()
        assert [float(value) if isinstance(value, int) and name not in flags else value for value in ours] == read[
            name
        ].to_pylist(), name


def decimal64(sample):
    at = sample.schema.get_field_index("value_kusd")
    return sample.set_column(at, "value_kusd", sample["value_kusd"].cast(pa.decimal64(18, 3)))


def doubles(sample):
    frame = sample.to_pandas()
    return frame.astype({"value_kusd": float, "quantity_tons": float}).sample(frac=1, random_state=1)


SOURCES = {
    "nothing": lambda sample: (None, {}),
    "path": lambda sample: (SAMPLE, {}),
    "pyarrow": lambda sample: (sample, {"hs": "HS92", "year": 2023}),
    "pyarrow of the ingested file": lambda sample: (pq.read_table(SAMPLE), {}),
    "pyarrow with short names": lambda sample: (
        sample.rename_columns(["k", "i", "j", "v", "q"]).append_column("t", pa.array([2023] * len(sample))),
        {"hs": "92"},
    ),
    "pyarrow in the type of the engine": lambda sample: (decimal64(sample), {"hs": "HS92", "year": 2023}),
    "pyarrow in small batches": lambda sample: (
        pa.Table.from_batches(decimal64(sample).to_batches(max_chunksize=997)),
        {"hs": "HS92", "year": 2023},
    ),
    "polars": lambda sample: (pl.from_arrow(sample), {"hs": "HS92", "year": 2023}),
    "pandas, doubles, shuffled": lambda sample: (doubles(sample), {"hs": "HS92", "year": 2023}),
    "duckdb": lambda sample: (duckdb.sql(f"select * from '{SAMPLE}' order by exporter"), {"hs": "HS92", "year": 2023}),
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_run_equals_the_command_line_whatever_the_trade_comes_in(source, sample, command, tmp_path):
    trade, about = SOURCES[source](sample)
    result = reorient.run(trade, list="all", cap="0.03", tie_break_fill="min-hhi", **about)
    out = command("run", "--list", "all", "--set", "cap=0.03", "--set", "tie-break.fill=min-hhi", "--csv")
    assert list(result.tables) == TABLES
    result.write(tmp_path / "result", csv=True)
    same_bytes(out, tmp_path / "result")
    for name in TABLES[:3]:
        same_numbers(result[name], out / f"{name}.csv")
    assert result.flows.equals(pq.read_table(out / "flows.parquet").replace_schema_metadata(None))
    manifest = json.loads((out / "manifest.json").read_text())
    assert result.manifest["scenario"] == manifest["scenario"]
    assert result.manifest["ledger"] == manifest["ledger"]
    assert result.headline == json.loads((out / "manifest.json").read_text()).get("headline", result.headline)
    assert result.headline["products"] == 71


def test_what_the_owner_writes_afterwards_changes_nothing(sample):
    whole = decimal64(sample).combine_chunks()
    values = np.array([int(value.scaleb(3)) for value in whole["value_kusd"].to_pylist()], dtype=np.int64)
    shared = pa.Array.from_buffers(pa.decimal64(18, 3), len(values), [None, pa.py_buffer(values)])
    table = whole.set_column(whole.column_names.index("value_kusd"), "value_kusd", shared)
    trade = reorient.trade(table, hs="HS92", year=2023)
    before = reorient.run(trade, list="all")
    values *= 2
    after = reorient.run(trade, list="all")
    assert after.table_a1.equals(before.table_a1) and after.manifest["inputs"] == before.manifest["inputs"]
    doubled = reorient.run(reorient.trade(table, hs="HS92", year=2023), list="all")
    assert doubled.manifest["inputs"][0]["blake3"] != before.manifest["inputs"][0]["blake3"]


def malformed(name):
    """A column of two cells as `pyarrow.Array.from_buffers` makes it without a look."""
    offsets = pa.py_buffer(np.array([0, 6_000_000, 12], dtype=np.int32))
    text = pa.py_buffer(b"270900270900")
    if name == "offsets":
        return pa.Array.from_buffers(pa.string(), 2, [None, offsets, text])
    if name == "utf8":
        offsets = pa.py_buffer(np.array([0, 2, 4], dtype=np.int32))
        return pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"\xff" * 4)])
    if name == "dictionary":
        return pa.DictionaryArray.from_arrays(pa.array([0, 9], pa.int32()), pa.array(["270900"]), safe=False)
    return {
        "null": pa.nulls(2),
        "binary": pa.array([b"270900", b"270900"]),
        "decimal256": pa.array([270900, 270901], pa.decimal256(50, 0)),
        "timestamp": pa.array([1, 2], pa.timestamp("s")),
    }[name]


@pytest.mark.parametrize("kind", ["offsets", "utf8", "dictionary", "null", "binary", "decimal256", "timestamp"])
@pytest.mark.parametrize("whole", [True, False])
def test_malformed_columns_are_named(kind, whole):
    good = {"i": [643, 842], "j": [276, 276], "v": [1.5, 2.5], "q": [1.0, 1.0]}
    columns = {**{name: pa.array(cells) for name, cells in good.items()}, "k": malformed(kind)}
    batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    table = pa.Table.from_batches([batch]) if whole else pa.RecordBatchReader.from_batches(batch.schema, [batch])
    with pytest.raises(reorient.DataError, match="column `k`"):
        reorient.trade(table, hs="HS92", year=2023)


def test_a_schema_that_changes_in_the_middle_is_an_error(sample):
    batches = sample.to_batches(max_chunksize=1000)[:2]
    other = batches[1].set_column(1, "exporter", batches[1].column(1).cast(pa.int64()))
    reader = pa.RecordBatchReader.from_batches(batches[0].schema, iter([batches[0], other]))
    with pytest.raises(reorient.DataError, match="change from one part|cannot be read"):
        reorient.trade(reader, hs="HS92", year=2023)


def test_years_of_a_table_are_told_apart(sample):
    years = [sample.append_column("year", pa.array([year] * len(sample))) for year in (2022, 2023)]
    trade = reorient.trade(pa.concat_tables(years), hs="HS92")
    assert (trade.years, trade.hs, trade.synthetic) == ([2022, 2023], "HS92", False)
    assert trade.products(2022)[0] == "250310"
    one = reorient.run(trade, year=2022)
    assert one.table_a1.equals(reorient.run().table_a1) and one.manifest["scenario"]["year"] == "2022"
    with pytest.raises(reorient.ScenarioError, match="2022"):
        reorient.run(trade)
    assert reorient.trade(sample, hs="HS92", year=2023, synthetic=True).synthetic


def test_exact_amounts_are_decimals():
    exact, nearest = reorient.run(exact=True), reorient.run()
    for name in TABLES[:4]:
        for field in exact[name].schema:
            if field.name.endswith(("_kusd", "_musd", "_per_pp")):
                assert field.type == pa.decimal128(38, 6), field
                ours = [None if value is None else float(value) for value in exact[name][field.name].to_pylist()]
                assert ours == pytest.approx(nearest[name][field.name].to_pylist(), rel=1e-12, abs=6e-7)
    assert str(exact.table_a1["increase_musd"][0].as_py()) == json.loads(json.dumps(str(exact.table_a1["increase_musd"][0])))


def test_the_smaller_commands_equal_the_command_line(command, tmp_path):
    asked = {
        "frontier": (reorient.frontier(list="all"), command("frontier", "--list", "all")),
        "indicators": (
            reorient.indicators(importer="NLD", base="extra-bloc", by="sector"),
            command("indicators", "--importer", "NLD", "--base", "extra-bloc", "--by", "sector"),
        ),
        "products": (
            reorient.indicators(products="270900"),
            command("indicators", "--importer", "EU27", "--product", "270900"),
        ),
        "calibrate": (reorient.calibrate(cap=0.05), command("calibrate", "--set", "cap=0.05")),
    }
    for name, (result, out) in asked.items():
        result.write(tmp_path / name)
        same_bytes(out, tmp_path / name)
        manifest = json.loads((out / "manifest.json").read_text())
        assert result.manifest["inputs"] == manifest["inputs"]
        for table in result.tables:
            if (out / f"{table}.csv").exists() and table not in ("calibrate", "calibrate_readings", "calibrate_list"):
                same_numbers(result[table], out / f"{table}.csv")


def test_an_ingest_equals_the_command_line(binary, tmp_path):
    csv = tmp_path / "BACI_HS92_Y2023_V202401b.csv"
    rows = pq.read_table(SAMPLE).to_pandas()
    rows = pd.DataFrame(
        {
            "t": 2023,
            "i": rows.exporter,
            "j": rows.importer,
            "k": rows["product"].astype(int),
            "v": rows.value_kusd,
            "q": rows.quantity_tons,
        }
    )
    rows.to_csv(csv, index=False, na_rep="NA")
    seen = []
    manifest = reorient.ingest(csv, tmp_path / "ours", progress=False)
    subprocess.run([binary, "ingest", str(csv), "--out", str(tmp_path / "theirs"), "-q"], check=True)
    for path in (tmp_path / "theirs").iterdir():
        assert path.read_bytes() == (tmp_path / "ours" / path.name).read_bytes(), path.name
        seen.append(path.name)
    assert "manifest.json" in seen and manifest["rows_used"] == len(rows)
    assert reorient.run(tmp_path / "ours").table_a1.equals(reorient.run().table_a1)


def test_a_sweep_equals_the_command_line(binary, tmp_path):
    file = ROOT / "docs" / "examples" / "night.toml"
    result = reorient.sweep(file, out=tmp_path / "ours", progress=False)
    subprocess.run([binary, "sweep", str(file), "--out", str(tmp_path / "theirs"), "-q"], check=True)
    for path in (tmp_path / "theirs").iterdir():
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "ours" / path.name).read_bytes(), path.name
    assert result["scenarios"].num_rows == result.summary["counts"]["scenarios"] > 20
    # Two shards and a merge, in another folder.
    for shard in ("1/2", "2/2"):
        assert reorient.sweep(file, out=tmp_path / "shards", shard=shard, progress=False) is None
    merged = reorient.merge(tmp_path / "shards")
    assert merged["scenarios"].equals(result["scenarios"]) and merged.names() == result.names()
    with pytest.raises(KeyError, match="scenarios"):
        result["nothing"]
    with pytest.raises(reorient.InterruptedSweep, match="no result"):
        reorient.sweep(file, out=tmp_path / "half", shard="1/2", progress=False)
        reorient.merge(tmp_path / "half")


def test_faults_carry_their_place(sample, tmp_path):
    bad = doubles(sample).sort_index()
    bad.loc[10, "value_kusd"] = -1.5
    with pytest.raises(reorient.DataError, match="year=2023"):
        reorient.run(sample, hs="HS92")
    with pytest.raises(reorient.DataError) as caught:
        reorient.run(bad, hs="HS92", year=2023)
    error = caught.value
    assert (error.file, error.row, error.column, error.value, error.exit_code) == ("table", 11, "v", "-1.5", 65)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.row) == (type(error), str(error), 11)

    csv = tmp_path / "BACI_HS92_Y2023_V202401b.csv"
    csv.write_text("t,i,j,k,v,q\n2023,1000,842,270900,5,1\n2023,4,842,270900,0,1\n2023,4,276,270900,x,1\n")
    with pytest.raises(reorient.DataError) as caught:
        reorient.ingest(csv, tmp_path / "out", max_errors=5, progress=False)
    problems = [(fault["row"], fault["column"], fault["value"]) for fault in caught.value.problems]
    assert problems == [(2, "i", "1000"), (3, "v", "0"), (4, "v", "x")]
    assert not (tmp_path / "out").exists()

    for wrong, kind in [
        (lambda: reorient.run(capp=0.1), reorient.ScenarioError),
        (lambda: reorient.run(cap=1.5), reorient.ScenarioError),
        (lambda: reorient.run(list=tmp_path / "none.csv"), reorient.MissingError),
        (lambda: reorient.run(tmp_path / "nowhere"), FileNotFoundError),
        (lambda: reorient.run(sample), reorient.ScenarioError),
        (lambda: reorient.run(sample.drop(["value_kusd"]), hs="HS92", year=2023), ValueError),
        (lambda: reorient.run(sample.slice(0, 0), hs="HS92", year=2023), reorient.DataError),
        (lambda: reorient.run(7), reorient.ScenarioError),
        (lambda: reorient.run().write(SAMPLE), reorient.WriteError),
        (lambda: reorient.indicators(by="planet"), reorient.ScenarioError),
        (lambda: reorient.sweep(tmp_path / "none.toml", out=tmp_path / "night"), reorient.MissingError),
        (lambda: reorient.run(threads=0), reorient.ScenarioError),
        (lambda: reorient.run(threads=10**6), reorient.ScenarioError),
        (lambda: reorient.run(SAMPLE, hs="HS17"), reorient.ScenarioError),
        (lambda: reorient.run(pq.read_table(SAMPLE), hs="HS17"), reorient.ScenarioError),
        (lambda: reorient.trade(SAMPLE, synthetic=True), reorient.ScenarioError),
        (lambda: reorient.run(pl.from_arrow(sample).lazy(), hs="HS92"), reorient.ScenarioError),
    ]:
        with pytest.raises(kind):
            wrong()


def test_what_names_claim_is_checked(sample, tmp_path):
    frame = doubles(sample)
    # Crude oil under a code that came in 2002, and a small product under it.
    wrong = frame.assign(product=frame["product"].astype(str).str.zfill(6).replace("270900", "810320"))
    with pytest.raises(reorient.DataError, match="HS92 does not have.*least unknown value.*HS02"):
        reorient.run(wrong, hs="HS92", year=2023)
    few = frame.assign(product=frame["product"].astype(str).str.zfill(6).replace("280530", "810320"))
    trade = reorient.trade(few, hs="HS92", year=2023)
    assert trade.notes == []
    result = reorient.run(trade)
    assert result.manifest["unknown_codes"]["largest"][0][0] == "810320"
    assert len(trade.notes) == 1 and "810320 (" in trade.notes[0]

    # A column that does not tell its unit.
    dollars = frame.assign(value=(frame["value_kusd"] * 1000).round().astype("int64")).drop(columns="value_kusd")
    with pytest.raises(reorient.DataError, match="value_unit"):
        reorient.run(dollars, hs="HS92", year=2023)
    given = reorient.run(dollars, hs="HS92", year=2023, value_unit="usd")
    assert given.flows.equals(reorient.run().flows) and given.manifest["value_unit"] == "usd"
    with pytest.raises(reorient.ScenarioError, match="value_unit"):
        reorient.run(dollars, hs="HS92", year=2023, value_unit="eur")
    with pytest.raises(reorient.ScenarioError, match="value_unit"):
        reorient.run(value_unit="usd")

    # Parts in a folder for the year, of a release that only an option names.
    folder = tmp_path / "trade" / "2023"
    folder.mkdir(parents=True)
    half = len(sample) // 2
    for number, part in enumerate([sample.slice(0, half), sample.slice(half)]):
        pq.write_table(part, folder / f"part-{number}.parquet")
    parts = reorient.run(tmp_path / "trade", hs="HS92")
    assert parts.flows.equals(reorient.run().flows)
    trade = [own["name"] for own in parts.manifest["inputs"] if own["role"] == "trade"]
    assert trade == ["2023/part-0.parquet", "2023/part-1.parquet"]


def test_scenarios_come_as_keywords_dicts_and_files(tmp_path):
    file = tmp_path / "question.toml"
    file.write_text('cap = 0.1\nrisk = ["CHN", "USA"]\n[tie-break]\nfill = "proportional-flow"\n[cap-country]\nSAU = 0.01\n')
    by_file = reorient.run(scenario=file)
    by_dict = reorient.run(
        scenario={"cap": 0.1, "risk": ["CHN", "USA"], "tie-break.fill": "proportional-flow", "cap-country": {"SAU": 0.01}}
    )
    by_name = reorient.run(cap=0.1, risk=("CHN", 842), tie_break_fill="proportional-flow", cap_country={"SAU": 0.01})
    assert by_file.manifest["scenario"] == by_dict.manifest["scenario"]
    assert by_file.flows.equals(by_dict.flows) and by_file.flows.equals(by_name.flows)
    names = {name for name, _, _ in reorient.scenario_keys()}
    assert {"cap", "tie-break.fill", "hong-kong"} <= names and "properties" in reorient.scenario_schema()
    by_numpy = reorient.run(
        cap=np.float64(0.1), risk=np.array(["CHN", "USA"]), tie_break_fill="proportional-flow", cap_country={"SAU": 0.01}
    )
    assert by_file.flows.equals(by_numpy.flows)
    assert reorient.run(cap=5e-5).manifest["scenario"]["cap"] in ("0.00005", "1/20000")
    table = pq.read_table(SAMPLE).replace_schema_metadata(None)
    assert reorient.run(table, hs="hs92", scenario={"year": 2023}).flows.equals(reorient.run().flows)
    assert reorient.run(bloc_alternatives=False).manifest["scenario"]["bloc-alternatives"] == "no"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork of Unix")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_answers_too():
    expected = reorient.run().table_a1
    child = os.fork()
    if child == 0:
        os._exit(0 if reorient.run().table_a1.equals(expected) else 1)
    for _ in range(200):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.1)
    else:
        os.kill(child, signal.SIGKILL)
        pytest.fail("the child hangs")
    assert status == 0


def test_threads_do_not_change_a_bit():
    one, many = reorient.run(list="all", threads=1), reorient.run(list="all", threads=8)
    assert all(one[name].equals(many[name]) for name in TABLES)


def test_other_threads_go_on_and_progress_is_told():
    # A thread that only counts gets on while the engine works.
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        before = counted[0]
        reorient.calibrate()
        assert counted[0] - before > 100
    finally:
        stop.set()
        thread.join()
    told = []
    from reorient import _core

    _core.run(reorient.trade(), None, [("list", "all")], progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (71, 71)


@pytest.mark.skipif(os.name != "posix", reason="signals of Unix")
def test_an_interrupt_ends_a_sweep_and_loses_nothing(tmp_path):
    file = tmp_path / "long.toml"
    caps = ", ".join(f'"{cap}/4000"' for cap in range(1, 4000))
    file.write_text(f'[base]\nlist = "all"\n[grid]\ncap = [{caps}]\nfloor = ["additive", "free", "symmetric"]\n')
    script = (
        "import reorient, sys\n"
        "print('begun', flush=True)\n"
        "try:\n"
        f"    reorient.sweep({str(file)!r}, out={str(tmp_path / 'out')!r}, threads=1)\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(130)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    process.stdout.readline()
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    plan = reorient._plan(file, reorient.trade())
    plan.open(str(tmp_path / "out"))
    left = len(plan.pending())
    plan.close()
    assert 0 < left < len(plan) == 11998


def test_the_package_is_typed_and_says_what_it_is():
    assert reorient.__version__ == "0.1.0" and (ROOT / "crates/python/reorient/py.typed").exists()
    for name in reorient.__all__:
        thing = getattr(reorient, name)
        assert name.isupper() or name.startswith("__") or thing.__doc__, name
    assert "table_a1 (25)" in repr(reorient.run())
    with pytest.raises(AttributeError, match="table_a1"):
        _ = reorient.run().nothing


def test_an_embargo_says_what_is_missing():
    base = reorient.run(list="all", risk="CHN").summary["headline"]
    answer = reorient.run(list="all", risk="CHN", exclude_hard="CHN")
    headline = answer.summary["headline"]
    assert headline["infeasible"] > 0 and headline["products"] == 71
    assert (headline["imports_musd"], headline["risk_before_pct"]) == (base["imports_musd"], base["risk_before_pct"])
    products = answer.products.to_pandas()
    assert products["unmet_kusd"].sum() / 1e3 == pytest.approx(float(headline["unmet_musd"]), abs=1e-6)
    overall = answer.shares.to_pandas().iloc[0]
    assert overall["unmet_musd"] == float(headline["unmet_musd"]) and overall["unmet_pct"] == headline["unmet_pct"]
    ranks = answer.table_a1.to_pandas()
    assert ranks["rank_min"].dtype.kind == "i" and (ranks["rank_min"] <= ranks["rank_max"]).all()


def test_a_folder_keeps_the_answer_to_another_question(tmp_path):
    out = tmp_path / "out"
    dutch, german = reorient.run(bloc="NLD"), reorient.run(bloc="DEU")
    dutch.write(out)
    dutch.write(out)
    with pytest.raises(reorient.WriteError, match="bloc: 528 -> 276"):
        german.write(out)
    german.write(out, force=True)
    (out / "notes.txt").write_text("mine")
    for force in (False, True):
        with pytest.raises(reorient.WriteError, match=r"notes\.txt"):
            german.write(out, force=force)
