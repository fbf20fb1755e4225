"""Sweeps on Ray: on the cores of one machine, or on a cluster, with the same dataset as :func:`reorient.sweep`.

    import reorient.ray
    reorient.ray.sweep("night.toml", "baci", out="night")                     # a local cluster that ends with the call
    reorient.ray.sweep("night.toml", "baci", out="night", address="auto")     # the cluster that this machine belongs to

Workers answer blocks of scenarios and store nothing; the driver stores each block as it comes. Needs
``pip install 'reorient[ray]'`` here, and the same version of reorient on every node.
"""

from __future__ import annotations

import contextlib
import csv
import fcntl
import hashlib
import io
import json
import logging
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow

import reorient
from reorient import _core

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

try:
    import ray
    from ray import exceptions as faults
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    raise ImportError("sweeps on a cluster need Ray: pip install 'reorient[ray]'") from error

__all__ = ["sweep"]

#: Scenarios of the first blocks, before it is known how long one takes, and of the largest.
_FIRST, _LARGEST = 16, 512
#: Seconds that a block shall take, since each reads its rows anew; and at the end, where small blocks share the rest better.
_SECONDS, _SECONDS_AT_END = 2.0, 0.2
#: Blocks that are given out per core: one that is worked and one that waits.
_PER_CORE = 2
#: What is wrong with a worker or its node rather than with the question.
_LOST = (
    faults.WorkerCrashedError,
    faults.NodeDiedError,
    faults.LocalRayletDiedError,
    faults.ObjectLostError,
    faults.OutOfMemoryError,
)


def sweep(
    file: str | os.PathLike[str],
    source: Any = None,
    *,
    out: str | os.PathLike[str],
    store: str | None = None,
    address: str | None = None,
    block: int | None = None,
    diff: str | os.PathLike[str] | None = None,
    force: bool = False,
    hs: str | None = None,
    value_unit: str | None = None,
    shared: bool = False,
    progress: bool | None = None,
    retries: int = 3,
) -> reorient.SweepResult:
    """Answers the scenarios of a sweep file on Ray; the same call goes on after any end (docs/sweeps.md).

    Args:
        file: path of a sweep file in TOML, or its text. Its table of scenarios, and lists beside it, are sent along.
        source: nothing for the sample, a path, or a table with the Arrow stream interface. Files are sent to each node once; a
            table is in the shared memory of each node once; each worker fetches an address such as ``s3://trade/baci`` itself.
        out: folder of the dataset, on the driver.
        store: ``s3://bucket/prefix`` to keep plan and results in an object store; in the folder otherwise.
        address: of a cluster, as ``ray.init`` takes it; otherwise Ray as it is connected, or what ``ray.init()`` finds or starts.
        block: scenarios of a task; otherwise so many as take about two seconds.
        diff: folder of another sweep to compare with.
        force: replace another sweep that the folder holds.
        hs, value_unit: as of :func:`reorient.trade`.
        shared: the path is that of the same files on every node; nothing is sent.
        progress: True for a bar of tqdm, False for none; otherwise on a terminal or in a notebook.
        retries: how often Ray, and then the driver, gives a block to another worker when one is lost.

    Raises:
        ScenarioError, DataError, MissingError, NotCertifiedError: as of :func:`reorient.sweep`, wherever they arise.
        WriteError: the store cannot be written; what was stored before is safe.
        InterruptedSweep: too many workers were lost; what was stored is safe.
        KeyboardInterrupt: blocks that were not stored yet are answered by the next call.
    """
    if isinstance(source, reorient.Trade):
        raise reorient.ScenarioError("opened trade cannot be sent to workers: give its path or its table")
    if block is not None and block < 1:
        raise reorient.ScenarioError(f"block: {block} is no number of scenarios")
    if source is not None and not isinstance(source, (str, os.PathLike, pyarrow.Table)):
        source = pyarrow.table(reorient._stream(source))
    plan = reorient._plan(file, reorient.trade(source, hs=hs, value_unit=value_unit))
    plan.open(os.fspath(out), store, None, force)
    try:
        pending = plan.pending()
        if pending:
            with _cluster(address), reorient._Progress(progress, "scenarios") as bar:
                job = _job(file, source, (hs, value_unit), shared, plan)
                _answer(plan, pending, job, block, retries, bar)
                _clear(job.folder)
        return reorient.SweepResult(out, json.loads(plan.publish(None if diff is None else os.fspath(diff))))
    finally:
        plan.close()


@contextlib.contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    if address is None and ray.is_initialized():
        yield
        return
    if address in (None, "local"):
        ray.init(address, include_dashboard=False, log_to_driver=False, logging_level=logging.WARNING)
    else:
        ray.init(address)
    try:
        yield
    finally:
        ray.shutdown()


@dataclass(frozen=True)
class _Folder:
    """Files that every node has a copy of: name below the folder, bytes, contents in Ray's object store."""

    name: str
    files: list[tuple[str, int, Any]]

    def place(self) -> str:
        return os.path.join(tempfile.gettempdir(), f"reorient-ray-{os.getuid()}", self.name)

    def is_whole(self) -> bool:
        with contextlib.suppress(OSError):
            return all(os.path.getsize(os.path.join(self.place(), name)) == size for name, size, _ in self.files)
        return False

    def unpack(self) -> None:
        for name, _, contents in self.files:
            path = os.path.join(self.place(), name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(ray.get(contents))

    @contextlib.contextmanager
    def lock(self) -> Iterator[int]:
        """A file whose lock says that somebody reads the copy, or writes or removes it; it ends with the process."""
        os.makedirs(os.path.dirname(self.place()), mode=0o700, exist_ok=True)
        with open(self.place() + ".lock", "w") as file:
            yield file.fileno()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """The copy is on this node and stays there meanwhile."""
        if not self.files:
            yield
            return
        with self.lock() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            while not self.is_whole():
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not self.is_whole():
                    self.unpack()
                fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    def remove(self) -> None:
        """Removes the copy, unless another sweep reads it."""
        with self.lock() as lock, contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(self.place(), ignore_errors=True)


@dataclass(frozen=True)
class _Job:
    """All that a worker makes the driver's plan of."""

    version: str
    text: str
    #: Absolute, on the driver.
    path: str
    #: Name in the sweep file and text.
    table: tuple[str, str] | None
    #: Lists with an absolute path, which are not sent.
    lists: list[str]
    folder: _Folder
    #: Of trade: a path on every node; or below the folder; or a table in the object store; or else the sample.
    shared: str | None
    sent: str | None
    rows: Any
    hs: str | None
    value_unit: str | None
    names: str


def _job(
    file: str | os.PathLike[str], source: Any, told: tuple[str | None, str | None], shared: bool, plan: _core.Sweep
) -> _Job:
    name = os.fspath(file)
    is_text = "\n" in name
    text = name if is_text else Path(name).read_text(encoding="utf-8")
    path = os.path.abspath("sweep.toml" if is_text else name)
    table, lists = _beside(text, os.path.dirname(path))
    below = "sweep" + os.path.dirname(path)
    files = {os.path.join(below, own): os.path.join(os.path.dirname(path), own) for own in lists if not os.path.isabs(own)}
    for own in files:
        if Path(os.path.normpath(own)).parts[0] != "sweep":
            raise reorient.ScenarioError(f"the list {own} is above the root")
    sent = rows = None
    if isinstance(source, pyarrow.Table):
        rows = ray.put(source)
    elif source is not None and not shared and not _is_address(source):
        own = os.path.abspath(source)
        # With the names of the folders above, which may tell revision, release and year.
        above = os.path.dirname(os.path.dirname(own if os.path.isdir(own) else os.path.dirname(own)))
        sent = os.path.join("trade", os.path.relpath(own, above))
        files.update({os.path.join("trade", os.path.relpath(os.path.abspath(part), above)): part for part in _trade_files(own)})
    return _Job(
        version=reorient.__version__,
        text=text,
        path=path,
        table=table,
        lists=[own for own in lists if os.path.isabs(own)],
        folder=_packed(files),
        shared=_everywhere(source) if isinstance(source, (str, os.PathLike)) and sent is None else None,
        sent=sent,
        rows=rows,
        hs=None if told[0] is None else str(told[0]),
        value_unit=told[1],
        names=_hash_of_names(plan),
    )


def _is_address(source: Any) -> bool:
    return isinstance(source, str) and source.startswith("s3://")


def _everywhere(source: str | os.PathLike[str]) -> str:
    """A path that means the same on every node; an address does."""
    return str(source) if _is_address(source) else os.path.abspath(source)


def _beside(text: str, folder: str) -> tuple[tuple[str, str] | None, list[str]]:
    """The table of scenarios that a sweep file names, and its lists and those of the table, by their names from the folder."""
    document = tomllib.loads(text)
    named = [part.get("list", []) for part in (document.get("base", {}), document.get("grid", {}))]
    named += [own.get("list", []) for own in document.get("overrides", {}).values()]
    lists = [own for value in named for own in ([value] if isinstance(value, str) else value)]
    table = None
    if "table" in document:
        table = (document["table"], Path(folder, document["table"]).read_text(encoding="utf-8"))
        rows = csv.reader(io.StringIO(table[1].removeprefix("\ufeff")), skipinitialspace=True)
        header = [column.strip() for column in next(rows, [])]
        if "list" in header:
            values = [row[header.index("list")].strip() for row in rows if row]
            lists += [os.path.join(os.path.dirname(table[0]), own) for own in values if own not in ("", "all", "critical")]
    return table, sorted({own for own in lists if own not in ("all", "critical")})


def _trade_files(path: str) -> list[str]:
    """Files that trade is read from, and what stands beside a single one."""
    if os.path.isdir(path):
        kinds = (".zip", ".csv", ".csv.gz", ".csv.zst", ".parquet")
        found = []
        for folder, below, names in os.walk(path):
            # A release, then a year: what is deeper, or hidden, is not read.
            depth = 0 if folder == path else os.path.relpath(folder, path).count(os.sep) + 1
            below[:] = [name for name in below if depth < 2 and not name.startswith((".", "_"))]
            for name in names:
                is_wanted = name.lower().startswith(("readme", "manifest.json")) or name.lower().endswith(kinds)
                if is_wanted and not name.startswith(".") and os.path.isfile(os.path.join(folder, name)):
                    found.append(os.path.join(folder, name))
        return found
    beside = (os.path.join(os.path.dirname(path), name) for name in ("manifest.json", "country_codes.csv", "product_codes.csv"))
    return [path, *(own for own in beside if os.path.isfile(own) and own != path)]


def _packed(files: dict[str, str]) -> _Folder:
    """Puts files into the object store; the folder is named by what is in it."""
    digest = hashlib.blake2b(digest_size=16)
    packed = []
    for name, path in sorted(files.items()):
        try:
            contents = pyarrow.memory_map(path).read_buffer()
        except OSError as error:
            raise reorient.MissingError(f"cannot read {path}: {error}", file=path) from None
        digest.update(json.dumps([name, contents.size]).encode())
        digest.update(contents)
        packed.append((name, contents.size, ray.put(contents)))
    return _Folder(digest.hexdigest(), packed)


def _hash_of_names(plan: _core.Sweep) -> str:
    return hashlib.blake2b("\n".join(plan.names()).encode()).hexdigest()


def _answer(plan: _core.Sweep, pending: list[int], job: _Job, block: int | None, retries: int, bar: Any) -> None:
    """Gives blocks out and stores what comes back."""
    task = ray.remote(num_cpus=1, max_retries=retries)(_block)
    setup = ray.put(job)
    size, at, done = block or _FIRST, 0, 0
    slots, counted = _slots(), time.monotonic()
    lost: list[tuple[list[int], int]] = []
    running: dict[Any, tuple[list[int], int]] = {}
    try:
        while running or lost or at < len(pending):
            while len(running) < slots and (lost or at < len(pending)):
                positions, times = lost.pop() if lost else (pending[at : at + size], 0)
                at += 0 if times else len(positions)
                running[task.remote([setup], positions)] = (positions, times)
            for ref in ray.wait(list(running), timeout=1)[0]:
                positions, times = running.pop(ref)
                try:
                    segments, seconds, worker = _result(ref)
                except _LOST as error:
                    if times == retries:
                        problem = f"workers were lost, the last with {type(error).__name__}; the same call goes on"
                        raise reorient.InterruptedSweep(problem) from error
                    lost.append((positions, times + 1))
                    continue
                started = time.monotonic()
                if not all(plan.adopt(name, contents) for name, contents in segments):
                    problem = f"{worker} answers other questions: its trade or its lists are not those of the driver"
                    raise reorient.DataError(problem)
                done += len(positions)
                if bar is not None:
                    bar(done, len(pending))
                if block is None:
                    stored = time.monotonic() - started
                    size = _next_size(size, seconds / len(positions), stored, slots, len(pending) - at)
            if time.monotonic() - counted > 1:
                slots, counted = _slots(), time.monotonic()
    except BaseException:
        for ref in running:
            with contextlib.suppress(Exception):
                ray.cancel(ref)
        raise


def _slots() -> int:
    return _PER_CORE * max(1, int(ray.cluster_resources().get("CPU", 1)))


def _next_size(size: int, seconds: float, stored: float, slots: int, left: int) -> int:
    """Scenarios of the next block, from the seconds of one and the seconds that storing a block took the driver."""
    # Storing shall keep the driver busy for a quarter of its time at most, however many workers there are.
    wanted = max(_SECONDS, 4 * stored * slots / _PER_CORE)
    at_end = max(left // slots, int(_SECONDS_AT_END / seconds))
    return max(1, min(int(wanted / seconds), 4 * size, _LARGEST, at_end))


def _result(ref: Any) -> tuple[list[tuple[str, bytes]], float, str]:
    """What a task gave; exceptions of the engine as themselves."""
    try:
        result: tuple[list[tuple[str, bytes]], float, str] = ray.get(ref)
        return result
    except faults.RayTaskError as error:
        if isinstance(error.cause, (reorient.ReorientError, *_LOST)):
            raise error.cause from None
        raise


def _clear(folder: _Folder) -> None:
    """Removes the copies; a node that does not answer keeps its own, for the next sweep of the same files."""
    if folder.files:
        on = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in ray.nodes() if node["Alive"]]
        remove = ray.remote(num_cpus=0, max_retries=0)(_remove)
        refs = [remove.options(scheduling_strategy=own).remote(_Folder(folder.name, [])) for own in on]
        ray.wait(refs, num_returns=len(refs), timeout=10)


def _remove(folder: _Folder) -> None:
    folder.remove()


#: The job of this worker by its reference, with its plan, so that a worker opens data once.
_opened: dict[str, tuple[_Job, _core.Sweep]] = {}


def _block(setup: list[Any], positions: list[int]) -> tuple[list[tuple[str, bytes]], float, str]:
    """On a worker: segments of these scenarios, the seconds that they took, and who it is."""
    (ref,) = setup
    if ref.hex() not in _opened:
        job = ray.get(ref)
        _opened.clear()
        with job.folder.held():
            _opened[ref.hex()] = (job, _open(job))
    job, plan = _opened[ref.hex()]
    with job.folder.held():
        started = time.perf_counter()
        return plan.block(positions, 1), time.perf_counter() - started, _here()


def _here() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


def _open(job: _Job) -> _core.Sweep:
    node = _here()
    if job.version != reorient.__version__:
        raise reorient.ReorientError(f"{node} has reorient {reorient.__version__}, the driver {job.version}")
    # Ray has given this process one core.
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    for path in job.lists:
        if not os.path.isfile(path):
            problem = f"{node} has no list {path}; where the sweep file names it by a relative path, it is sent along"
            raise reorient.MissingError(problem, file=path)
    place = job.folder.place()
    if job.rows is not None:
        trade = reorient.trade(ray.get(job.rows), hs=job.hs, value_unit=job.value_unit)
    else:
        source = job.shared if job.sent is None else os.path.join(place, job.sent)
        trade = reorient.trade(source, hs=job.hs, value_unit=job.value_unit)
    path = f"{place}/sweep{job.path}"
    tables = [] if job.table is None else [(os.path.join(os.path.dirname(path), job.table[0]), job.table[1])]
    plan = _core.Sweep(job.text, path, trade, tables)
    if _hash_of_names(plan) != job.names:
        raise reorient.DataError(f"{node} plans other scenarios than the driver: its trade is not the same")
    return plan
