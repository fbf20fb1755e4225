"""Sweeps on a cluster of two nodes: the bytes of one process, whatever is lost on the way."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow
import pyarrow.parquet as pq
import pytest
import reorient

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'reorient[ray]'")

import reorient.ray
from ray.cluster_utils import Cluster

DATA = Path(__file__).parents[3] / "data"
SAMPLE = DATA / "baci" / "BACI_HS92_Y2023_raw-materials.parquet"
# 40 scenarios for each of 100 caps, and the base.
GRID = f"""
[base]
list = "all"
[grid]
cap = [{", ".join(f'"{cap}/400"' for cap in range(1, 101))}]
floor = ["additive", "free", "symmetric", "churn:0.1"]
risk = [[156, 842, 643], "CHN"]
[grid.tie-break]
fill = ["proportional-capacity", "proportional-flow", "min-hhi", "min-cost", "order:CAN,NOR"]
"""
SMALL = 'title = "small"\n[base]\nlist = "all"\n[grid]\ncap = [0.01, 0.02, 0.03, 0.04]\n'


def dataset(out):
    """Every file but the store, whose segments are the blocks as they were given out."""
    files = {path.name: path.read_bytes() for path in Path(out).iterdir() if path.is_file()}
    assert {"manifest.json", "scenarios.parquet", "figures.parquet", "shares.parquet", "table_a1.parquet"} <= set(files)
    return files


def figures(out):
    return {
        name: own for name, own in dataset(out).items() if name in ("figures.parquet", "shares.parquet", "table_a1.parquet")
    }


def segments(out):
    """Finished segments with their bytes."""
    paths = Path(out, "store").glob("*.segment.zst")
    return {path.name: path.read_bytes() for path in paths if not path.name.startswith(".")}


def results(segments):
    """Number of results in segments."""
    streams = (pyarrow.CompressedInputStream(pyarrow.BufferReader(own), "zstd").read() for own in segments.values())
    return sum(stream.count(b'{"question":') for stream in streams)


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of one core; the driver belongs to the first."""
    # A lost node is noticed in a second, and workers do not yield to whatever else the machine does.
    settings = {"health_check_period_ms": 300, "health_check_failure_threshold": 3, "worker_niceness": 0}
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": settings}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    cluster.add_node(num_cpus=1)
    ray.init(cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def both_are_up():
    """Waits until each node has a worker."""

    def node():
        time.sleep(0.2)
        return ray.get_runtime_context().get_node_id()

    task = ray.remote(num_cpus=1)(node)
    while len(set(ray.get([task.remote(), task.remote()]))) < 2:
        pass


@pytest.fixture(scope="module")
def thousands(tmp_path_factory):
    """A sweep file of four thousand scenarios, and its dataset by one process."""
    folder = tmp_path_factory.mktemp("one")
    file = folder / "night.toml"
    file.write_text(GRID)
    reorient.sweep(file, out=folder / "out")
    return file, dataset(folder / "out")


def test_a_node_killed_half_way_does_not_show(cluster, thousands, tmp_path, monkeypatch):
    file, expected = thousands
    (node,) = cluster.worker_nodes
    answered, workers = [], []
    result_of = reorient.ray._result

    def spy(ref):
        result = result_of(ref)
        workers.append(result[2])
        return result

    monkeypatch.setattr(reorient.ray, "_result", spy)
    both_are_up()

    def kill():
        # Half of the scenarios are stored, and both nodes, of one worker each, have work; a node that is slow to get some is not
        # waited for until the end.
        while (done := len(segments(tmp_path))) < 100 or (done < 140 and len(set(workers[-10:])) < 2):
            time.sleep(0.002)
        answered.append(20 * len(segments(tmp_path)))
        cluster.remove_node(node, allow_graceful=False)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        result = reorient.ray.sweep(file, out=tmp_path, block=20)
        thread.join(timeout=10)
    finally:
        cluster.add_node(num_cpus=1)
    assert answered, "the node was not killed while it worked"
    assert 2000 <= answered[0] < 4000
    assert dataset(tmp_path) == expected
    assert result["scenarios"].num_rows == 4001


def test_a_killed_driver_goes_on_and_answers_nothing_twice(cluster, thousands, tmp_path, monkeypatch):
    file, expected = thousands
    code = (
        f"import reorient.ray; reorient.ray.sweep({str(file)!r}, out={str(tmp_path)!r}, block=20, address={cluster.address!r})"
    )
    driver = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(segments(tmp_path)) < 30:
        assert driver.poll() is None, "the driver ended early"
        time.sleep(0.005)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    before = segments(tmp_path)
    asked = []
    answer = reorient.ray._answer

    def spy(plan, pending, *rest):
        asked.append(len(pending))
        answer(plan, pending, *rest)

    monkeypatch.setattr(reorient.ray, "_answer", spy)
    reorient.ray.sweep(file, out=tmp_path)
    after = segments(tmp_path)
    assert before.items() <= after.items()
    assert results(before) >= 600
    assert asked == [results(after) - results(before)]
    assert dataset(tmp_path) == expected
    # What is complete needs no cluster.
    reorient.ray.sweep(file, out=tmp_path, address="ray://nowhere:1")


def test_a_table_and_files_give_the_same_figures(cluster, tmp_path):
    rows = pq.read_table(SAMPLE)
    years = pyarrow.array([2023] * rows.num_rows, pyarrow.int32())
    reorient.sweep(SMALL, SAMPLE, out=tmp_path / "one")
    for name, source, options in [
        ("sent", SAMPLE, {}),
        ("shared", SAMPLE, {"shared": True}),
        ("table", rows, {}),
        ("plain", rows.replace_schema_metadata(None).append_column("year", years), {"hs": "HS92"}),
    ]:
        reorient.ray.sweep(SMALL, source, out=tmp_path / name, **options)
        assert figures(tmp_path / name) == figures(tmp_path / "one"), name
    assert dataset(tmp_path / "sent") == dataset(tmp_path / "shared") == dataset(tmp_path / "one")


def test_tables_of_scenarios_and_lists_are_sent(cluster, tmp_path):
    folder = tmp_path / "files" / "sweeps"
    (folder / "more").mkdir(parents=True)
    goods = (DATA / "lists" / "critical_goods_hs2022.csv").read_text()
    (folder.parent / "own.csv").write_text(goods)
    (folder / "more" / "half.csv").write_text("".join(goods.splitlines(keepends=True)[:200]))
    (folder / "more" / "rows.csv").write_text("name,cap,list\nfirst,0.02,\nsecond,0.07,half.csv\n")
    file = folder / "night.toml"
    file.write_text('table = "more/rows.csv"\n[base]\nlist = "../own.csv"\n[overrides.x]\nlist = "more/half.csv"\ncap = 0.2\n')
    job = reorient.ray._job(file, None, (None, None), False, reorient._plan(file, reorient.trade()))
    # A worker does not read the driver's files, and the copies go when nobody reads them.
    (tmp_path / "files").rename(tmp_path / "moved")
    with job.folder.held():
        assert reorient.ray._open(job).names() == ["base", "first", "x", "second"]
        job.folder.remove()
        assert job.folder.is_whole()
    job.folder.remove()
    assert not Path(job.folder.place()).exists()
    (tmp_path / "moved").rename(tmp_path / "files")
    reorient.sweep(file, out=tmp_path / "one")
    reorient.ray.sweep(file, out=tmp_path / "two")
    assert dataset(tmp_path / "one") == dataset(tmp_path / "two")
    assert not Path(job.folder.place()).exists()


def test_an_error_of_the_engine_comes_back_as_itself(cluster, tmp_path):
    rows = pq.read_table(SAMPLE)
    columns = [rows[name].to_pylist() for name in ("exporter", "importer", "product", "value_kusd")]
    lines = [f"2023,{i},{j},{k},{v}," for i, j, k, v in zip(*columns, strict=True)]
    lines[99] = lines[99].rsplit(",", 2)[0] + ",-1.000,"
    path = tmp_path / "BACI_HS92_Y2023_V202501.csv"
    path.write_text("\n".join(["t,i,j,k,v,q", *lines, ""]))
    with pytest.raises(reorient.DataError) as caught:
        reorient.ray.sweep(SMALL, path, out=tmp_path / "bad")
    assert type(caught.value) is reorient.DataError
    assert (caught.value.file, caught.value.row, caught.value.column) == (path.name, 101, "v")
    # What the sweep names is looked for in the rows before anything is written.
    assert not (tmp_path / "bad").exists()
    with pytest.raises(reorient.ScenarioError):
        reorient.ray.sweep(SMALL, reorient.trade(), out=tmp_path / "opened")


def test_workers_with_other_data_are_refused(cluster, tmp_path):
    rows = pq.read_table(SAMPLE)
    plan = reorient._plan(SMALL, reorient.trade(rows))
    plan.open(str(tmp_path / "out"))
    try:
        job = reorient.ray._job(SMALL, rows.slice(0, rows.num_rows - 1), (None, None), False, plan)
        with pytest.raises(reorient.DataError, match="answers other questions"):
            reorient.ray._answer(plan, plan.pending(), job, None, 0, None)
    finally:
        plan.close()


def test_workers_that_always_die_end_the_sweep(cluster, tmp_path, monkeypatch):
    def die(setup, positions):
        os._exit(1)

    with monkeypatch.context() as patched:
        patched.setattr(reorient.ray, "_block", die)
        with pytest.raises(reorient.InterruptedSweep, match="the same call goes on"):
            reorient.ray.sweep(SMALL, out=tmp_path, retries=0)
    reorient.ray.sweep(SMALL, out=tmp_path)
    dataset(tmp_path)


def test_an_interrupt_keeps_what_is_stored_and_lets_go_of_the_lock(cluster, thousands, tmp_path, monkeypatch):
    file, expected = thousands

    class Impatient(reorient._Progress):
        def __enter__(self):
            return self

        def __call__(self, done, total):
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(reorient, "_Progress", Impatient)
        with pytest.raises(KeyboardInterrupt):
            reorient.ray.sweep(file, out=tmp_path)
    assert len(segments(tmp_path)) == 1
    reorient.ray.sweep(file, out=tmp_path)
    assert dataset(tmp_path) == expected


def test_results_go_to_an_object_store(cluster, thousands, tmp_path, monkeypatch):
    server = pytest.importorskip("moto.server", reason="moto is not installed")
    boto3 = pytest.importorskip("boto3")
    file, expected = thousands
    moto = server.ThreadedMotoServer(port=0)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        for name, value in [("ENDPOINT", endpoint), ("ALLOW_HTTP", "true"), ("REGION", "us-east-1")]:
            monkeypatch.setenv(f"AWS_{name}", value)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
        boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="nights")
        reorient.ray.sweep(file, out=tmp_path, store="s3://nights/first")
    finally:
        moto.stop()
    assert dataset(tmp_path) == expected
    assert not segments(tmp_path)


def test_the_package_needs_no_ray():
    code = "import sys; sys.modules['ray'] = None; import reorient\ntry: import reorient.ray\nexcept ImportError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "pip install 'reorient[ray]'" in done.stdout
