"""How far can a bloc move its critical imports away from risk countries, with today's export capacity?

Trade in (a path, or any Arrow table), certified answers out (Arrow tables with the columns of docs/cli.md). Every function is
one command of the program ``reorient`` and gives the same numbers, to the last bit.

    import reorient
    result = reorient.run(cap=0.05)          # the real sample in the package
    result.table_a1.to_pandas()              # who gains

Amounts are current US dollars, in thousands (``_kusd``) or millions (``_musd``); ``_pct`` are percent, ``_pp`` percentage points.
Sources: method and options are docs/method.md; trade is CEPII BACI (Gaulier and Zignago 2010), Etalab Open Licence 2.0.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _core
from ._core import HIGHS_VERSION, __version__
from .errors import (
    DataError,
    InternalError,
    InterruptedSweep,
    MissingError,
    NotCertifiedError,
    ReorientError,
    ScenarioError,
    WriteError,
)

__all__ = [
    "HIGHS_VERSION",
    "DataError",
    "InternalError",
    "InterruptedSweep",
    "MissingError",
    "NotCertifiedError",
    "ReorientError",
    "Result",
    "ScenarioError",
    "SweepResult",
    "Trade",
    "WriteError",
    "__version__",
    "calibrate",
    "frontier",
    "indicators",
    "ingest",
    "merge",
    "run",
    "scenario_keys",
    "scenario_schema",
    "sweep",
    "trade",
]

if TYPE_CHECKING:
    import pyarrow

Trade = _core.Trade

#: A path on disk.
PathLike: TypeAlias = "str | os.PathLike[str]"
#: Nothing for the sample, a path, opened trade, or a table with the Arrow stream interface.
TradeLike: TypeAlias = "Trade | PathLike | Any | None"
#: A scenario in TOML, or its keys and values.
ScenarioLike: TypeAlias = "PathLike | Mapping[str, Any] | None"

_KEYS = {name.replace("-", "_").replace(".", "_"): name for name, _, _ in _core.scenario_keys()}
_SAMPLE: Trade | None = None


def trade(
    source: TradeLike = None,
    *,
    hs: str | None = None,
    year: int | None = None,
    synthetic: bool = False,
    country_codes: PathLike | None = None,
    product_codes: PathLike | None = None,
    value_unit: str | None = None,
) -> Trade:
    """Opens trade data, to ask several questions of them.

    Args:
        source: nothing for the real sample in the package (71 raw materials, HS92, 2023); a path as on the command line (an
            ingested folder, CEPII's zip or CSV, Parquet); or a table with the Arrow PyCapsule interface (pyarrow, Polars,
            pandas, DuckDB) with BACI's columns ``t`` (year), ``i`` (exporter), ``j`` (importer), ``k`` (HS6 product), ``v``
            (thousand USD, three decimals) and ``q`` (metric tons, or null), or ``year``, ``exporter``, ``importer``, ``product``,
            ``value_kusd``, ``quantity_tons``. Rows are those of the whole world, in any order; several years are told apart.
        hs: the revision of the product codes, such as ``"HS92"``, of a table or where no file name tells; Parquet of an
            ingested folder, read by pyarrow, says it itself.
        year: of a table without such a column, its year.
        synthetic: of a table, whether its rows are made up; every result then says so.
        country_codes, product_codes: of a table, CEPII's code tables as CSV files; those in the package otherwise (the product
            table is HS92's).
        value_unit: ``"usd"`` or ``"kusd"``, the unit of a column ``value``, whose name tells none.

    Product codes are held against the revision: where those that it does not have hold more than 0.1 % of a year's value, reading
    the year is an error; ``notes`` of the opened trade names fewer. Rows of a country after its last year are an error too.

    Rows of a table are checked, copied and hashed here. What becomes of the table afterwards changes no answer.

    Raises:
        DataError: a column is missing or is not what its type says, the schema changes in the middle, or no row can be read. Faults of single rows are found when a year is read.
        MissingError: there is no such path.
    """
    global _SAMPLE
    hs = None if hs is None else str(hs)
    if source is None or isinstance(source, (str, os.PathLike, Trade)):
        if synthetic or country_codes is not None or product_codes is not None:
            raise ScenarioError("synthetic, country_codes and product_codes are of a table; files say it themselves")
        if value_unit is not None and (source is None or isinstance(source, Trade)):
            raise ScenarioError("value_unit is of a path or a table with a column `value`")
        if isinstance(source, Trade):
            own = source
        elif source is None:
            own = _SAMPLE = _SAMPLE or Trade.sample()
        else:
            own = Trade.open(os.fspath(source), hs, value_unit)
        if hs is not None and hs.upper().removeprefix("HS") != own.hs.removeprefix("HS"):
            raise ScenarioError(f"hs is {hs}, but the codes of {own.label} are of {own.hs}")
        return own
    return Trade.from_arrow(
        _validated(_stream(source)), hs, year, synthetic, _path(country_codes), _path(product_codes), value_unit
    )


def _path(path: PathLike | None) -> str | None:
    return None if path is None else os.fspath(path)


def _stream(source: Any) -> Any:
    if hasattr(source, "__arrow_c_stream__"):
        return source
    for name in ("to_arrow_table", "fetch_arrow_table", "arrow", "to_arrow"):
        if hasattr(source, name):
            return getattr(source, name)()
    if hasattr(source, "collect"):
        raise ScenarioError(f"a {type(source).__name__} has no rows yet: call its collect() first")
    raise ScenarioError(f"trade is a path or a table with the Arrow stream interface, not {type(source).__name__}")


def _validated(source: Any) -> Any:
    """A table of pyarrow's after a look at every cell: its own buffers have lengths, those that cross to the engine have none."""
    import pyarrow as pa

    if isinstance(source, pa.RecordBatchReader):
        schema, batches = source.schema, []
        try:
            for batch in source:
                if not batch.schema.equals(schema):
                    raise DataError("table: its columns change from one part to the next; give a table with one schema")
                batches.append(batch)
        except (pa.ArrowException, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"the table cannot be read: {error}") from error
        source = pa.RecordBatchReader.from_batches(schema, batches)
    elif isinstance(source, pa.RecordBatch):
        schema, batches = source.schema, [source]
    elif isinstance(source, pa.Table):
        schema, batches = source.schema, source.to_batches()
    else:
        return source
    for batch in batches:
        for field, column in zip(schema, batch.columns):
            try:
                column.validate(full=True)
            except (pa.ArrowException, ValueError) as error:
                problem = f"column `{field.name}` is not what its type says: {error}; make the table again"
                raise DataError(f"table: {problem}") from error
    return source


def _year(year: object, scenario: ScenarioLike = None) -> int | None:
    """The year of a table without a column of years, where one year is asked for."""
    if year is None and isinstance(scenario, Mapping):
        year = scenario.get("year")
    return int(str(year)) if str(year).isdigit() else None


def _threads(threads: int | None) -> int | None:
    if threads is not None and not 1 <= threads <= 1024:
        raise ScenarioError(f"threads: {threads} is not from 1 to 1024; leave it out for all cores")
    return threads


def _text(value: object) -> str:
    if hasattr(value, "tolist"):  # numpy's numbers and arrays, pandas' series
        value = value.tolist()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return ",".join(f"{key}:{_text(own)}" for key, own in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return ",".join(_text(own) for own in (sorted(value) if isinstance(value, (set, frozenset)) else value))
    # A share is written without an exponent.
    return format(Decimal(str(value)), "f") if isinstance(value, float) else str(value)


def _settings(scenario: ScenarioLike, options: Mapping[str, Any]) -> tuple[str | None, list[tuple[str, str]]]:
    """A scenario file, and pairs of key and value."""
    file: str | None = None
    settings: list[tuple[str, str]] = []
    asked: list[tuple[str, Any]] = []
    if isinstance(scenario, (str, os.PathLike)):
        file = os.fspath(scenario)
    elif scenario is not None:
        asked = [(str(key), value) for key, value in scenario.items()]
    asked += [(_KEYS.get(name, name.replace("_", "-")), own) for name, own in options.items() if own is not None]
    for key, value in asked:
        if isinstance(value, dict):
            settings += [(f"{key}.{entry}", _text(own)) for entry, own in value.items()]
        else:
            settings.append((key, _text(value)))
    return file, settings


class _Progress:
    """A bar of tqdm where there is tqdm and somebody to see it."""

    def __init__(self, wanted: bool | None, what: str) -> None:
        self.bar: Any = None
        self.what = what
        self.wanted = wanted

    def __enter__(self) -> _Progress | None:
        if self.wanted is False:
            return None
        try:
            from tqdm.auto import tqdm
        except ImportError:
            if self.wanted:
                raise
            return None
        # Without a wish, a bar is drawn on a terminal and in a notebook alone.
        self.bar = tqdm(total=0, unit=f" {self.what}", disable=None if self.wanted is None else False, leave=False)
        return self

    def __call__(self, done: int, total: int) -> None:
        if self.bar is not None:
            self.bar.total = total or None
            self.bar.update(done - self.bar.n)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.close()


class Result:
    """Tables of an answer by the names of the files, as ``pyarrow.Table``.

    A run has ``table_a1``, ``shares``, ``products``, ``flows`` and ``coverage``; a frontier ``frontier`` and ``critical_caps``;
    indicators ``indicators`` and ``persistence``; a calibration ``calibrate``, ``calibrate_readings``, ``calibrate_points`` and
    ``calibrate_list``. Each is an attribute and an item; ``result["table_a1"]`` is ``result.table_a1``.

    Attributes:
        manifest: dict of what the answer was made of: resolved scenario, hashes of inputs, ledger, certificates.
        summary: dict of further figures, such as the ``headline`` of a run.
    """

    def __init__(self, answer: _core.Answer, exact: bool) -> None:
        import pyarrow

        self._answer = answer
        self._tables = {name: pyarrow.Table.from_batches([batch]) for name, batch in answer.tables(exact)}
        summary = json.loads(answer.summary())
        self.manifest: dict[str, Any] = summary.pop("manifest", {})
        self.summary: dict[str, Any] = summary

    @property
    def tables(self) -> dict[str, pyarrow.Table]:
        """All tables by name."""
        return dict(self._tables)

    @property
    def headline(self) -> dict[str, Any]:
        """Of a run, its main figures; amounts are exact texts."""
        headline: dict[str, Any] = self.summary.get("headline", {})
        return headline

    def __getattr__(self, name: str) -> pyarrow.Table:
        tables = self.__dict__.get("_tables", {})
        if name in tables:
            return tables[name]
        raise AttributeError(f"there is no table {name}; there are {', '.join(tables)}")

    def __getitem__(self, name: str) -> pyarrow.Table:
        return self._tables[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._tables]

    def __repr__(self) -> str:
        of = self.manifest.get("source", "")
        return (
            f"<reorient.Result of {of}: "
            + ", ".join(f"{name} ({table.num_rows})" for name, table in self._tables.items())
            + ">"
        )

    def write(self, directory: PathLike, *, csv: bool = False, force: bool = False) -> list[str]:
        """Writes the result folder that the command line writes, exact decimals included; returns the names of its files.

        Args:
            directory: new, empty, or a folder with the answer to the same question, which is then replaced.
            csv: of a run, also flows as CSV.
            force: replace the answer to another question, or files of ours that were edited, too. A folder that holds anything
                that its manifest does not list is never replaced.

        Raises:
            WriteError: the folder holds something else, or cannot be written.
        """
        return self._answer.write(os.fspath(directory), csv, force)


def run(
    source: TradeLike = None,
    *,
    scenario: ScenarioLike = None,
    hs: str | None = None,
    value_unit: str | None = None,
    cross_check: bool = False,
    exact: bool = False,
    threads: int | None = None,
    progress: bool | None = None,
    **options: Any,
) -> Result:
    """Answers a question for one year: one linear program per product, every answer certified.

    Args:
        source: trade, as :func:`trade` takes it.
        scenario: path of a scenario in TOML, or a dict of keys and values.
        hs, value_unit: as of :func:`trade`.
        cross_check: solve by closed form and by HiGHS, and fail on any difference.
        exact: amounts as decimals with six places instead of the nearest doubles.
        threads: number of threads; all cores otherwise. Results do not depend on it.
        progress: True for a bar of tqdm, False for none; otherwise on a terminal or in a notebook.
        **options: keys of a scenario (:func:`scenario_keys`) with ``_`` for ``-`` and ``.``: ``year``, ``bloc``, ``risk``, ``list``,
            ``cap``, ``cap_basis``, ``tie_break_fill`` and so on. Countries are BACI codes or ISO3, alone or in a list.

    Returns:
        A :class:`Result` with ``table_a1`` (25 rows at most), ``shares``, ``products``, ``flows`` (one row per product and
        exporter, thousand USD) and ``coverage``.

    Raises:
        ScenarioError, DataError, MissingError, NotCertifiedError: see :mod:`reorient.errors`.
    """
    own, (file, settings) = (
        trade(source, hs=hs, value_unit=value_unit, year=_year(options.get("year"), scenario)),
        _settings(scenario, options),
    )
    with _Progress(progress, "products") as bar:
        return Result(_core.run(own, file, settings, cross_check, _threads(threads), bar), exact)


def frontier(
    source: TradeLike = None,
    *,
    scenario: ScenarioLike = None,
    hs: str | None = None,
    value_unit: str | None = None,
    exact: bool = False,
    threads: int | None = None,
    **options: Any,
) -> Result:
    """Risk imports at every cap from 0 to 1, and the cap that clears each product; arguments as of :func:`run`.

    Returns:
        A :class:`Result` with ``frontier`` (``cap`` as a share, ``risk_musd``, ``risk_pct``, straight between its points) and
        ``critical_caps`` (one row per product).
    """
    own, (file, settings) = (
        trade(source, hs=hs, value_unit=value_unit, year=_year(options.get("year"), scenario)),
        _settings(scenario, options),
    )
    return Result(_core.frontier(own, file, settings, _threads(threads)), exact)


def indicators(
    source: TradeLike = None,
    importer: str | int = "EU27",
    *,
    by: str = "product",
    base: str = "all",
    year: int | str | Iterable[int] | None = None,
    products: str | Iterable[str] = (),
    scenario: ScenarioLike = None,
    hs: str | None = None,
    value_unit: str | None = None,
    exact: bool = False,
    threads: int | None = None,
    progress: bool | None = None,
    **options: Any,
) -> Result:
    """How an importer depends on its suppliers: HHI, largest origins, the European Commission's criteria (SWD(2021) 352).

    Args:
        source: trade, as :func:`trade` takes it.
        importer: a country or bloc, by BACI code, ISO3 or name of a bloc.
        by: rows per ``product``, ``sector``, ``subsector`` or ``stage``.
        base: shares and HHI over ``all`` suppliers or over those outside the reference bloc (``extra-bloc``).
        year: a year, a range such as ``"1995..2024"``, a list, or ``"all"``.
        products: HS6 codes, on the list or not; none for the scenario's list.
        **options: ``bloc``, ``risk``, ``list``, ``map``, ``alias``, ``reconstructed``, ``hong_kong``.

    Returns:
        A :class:`Result` with ``indicators`` and, of several years, ``persistence``.
    """
    own, (file, settings) = trade(source, hs=hs, value_unit=value_unit, year=_year(year)), _settings(scenario, options)
    years = None if year is None else _text(year if isinstance(year, (int, str)) else list(year))
    products = [products] if isinstance(products, str) else [str(product) for product in products]
    with _Progress(progress, "years") as bar:
        answer = _core.indicators(own, str(importer), by, base, years, products, file, settings, _threads(threads), bar)
    return Result(answer, exact)


def calibrate(
    source: TradeLike = None,
    *,
    against: PathLike | None = None,
    headline: PathLike | None = None,
    scenario: ScenarioLike = None,
    hs: str | None = None,
    value_unit: str | None = None,
    exact: bool = False,
    threads: int | None = None,
    **options: Any,
) -> Result:
    """Which reading of the method comes nearest to a published table, and what the data cannot decide.

    Args:
        source: trade, as :func:`trade` takes it.
        against: path of a published table as CSV; the report's Table A.1 otherwise.
        headline: path of published risk shares as CSV.
        **options: keys of a scenario that are held instead of tried.

    Returns:
        A :class:`Result` with ``calibrate`` (sets of options by distance), ``calibrate_readings``, ``calibrate_points`` and
        ``calibrate_list``.
    """
    own, (file, settings) = (
        trade(source, hs=hs, value_unit=value_unit, year=_year(options.get("year"), scenario)),
        _settings(scenario, options),
    )
    return Result(_core.calibrate(own, _path(against), _path(headline), file, settings, _threads(threads)), exact)


def ingest(
    sources: PathLike | Iterable[PathLike],
    out: PathLike,
    *,
    hs: str | None = None,
    release: str | None = None,
    value_unit: str | None = None,
    skip: str | Iterable[str] = (),
    on_duplicate: str = "error",
    max_errors: int = 1,
    force: bool = False,
    threads: int | None = None,
    progress: bool | None = None,
) -> dict[str, Any]:
    """Turns what CEPII ships into a folder of one sorted, hashed Parquet file per year.

    Args:
        sources: a path, or several: zip, folder, CSV (also packed) or Parquet.
        out: the folder; it must be new, or be replaced with ``force``, which takes a folder that an earlier ingest wrote and nobody
            put anything into.
        hs, release: where file names do not tell.
        value_unit: ``"usd"`` or ``"kusd"``, the unit of a column ``value``, whose name tells none.
        skip: faults for which rows go to the ledger instead of stopping, such as ``"zero-value"``.
        on_duplicate: ``"error"``, or ``"sum"`` to add rows of one key up.
        max_errors: bad rows to name before giving up.

    Returns:
        The manifest: years, rows, sums, hashes, ledger.

    Raises:
        DataError: with ``file``, ``row``, ``column``, ``value`` of the first bad row and ``problems`` for all.
    """
    paths = [os.fspath(path) for path in ([sources] if isinstance(sources, (str, os.PathLike)) else sources)]
    skip = [skip] if isinstance(skip, str) else list(skip)
    hs = None if hs is None else str(hs)
    with _Progress(progress, "bytes") as bar:
        manifest = _core.ingest(
            paths, os.fspath(out), hs, release, value_unit, skip, on_duplicate, max_errors, force, _threads(threads), bar
        )
    made: dict[str, Any] = json.loads(manifest)
    return made


class SweepResult:
    """A complete sweep: its folder, its counts, and its dataset as Arrow tables that are read when asked for."""

    def __init__(self, directory: PathLike, summary: dict[str, Any]) -> None:
        self.directory = Path(directory)
        self.manifest: dict[str, Any] = summary.pop("manifest", {})
        self.summary = summary

    def __getitem__(self, name: str) -> pyarrow.Table:
        """A table of the dataset by the name of its file, such as ``scenarios``."""
        import pyarrow.parquet

        path = self.directory / f"{name}.parquet"
        if not path.is_file():
            raise KeyError(f"{name}: there are {', '.join(self.names())}")
        return pyarrow.parquet.read_table(path)

    def names(self) -> list[str]:
        """Names of the tables."""
        return sorted(path.stem for path in self.directory.glob("*.parquet"))

    def __repr__(self) -> str:
        return f"<reorient.SweepResult in {self.directory}: {', '.join(self.names())}>"


def _plan(file: PathLike, own: Trade) -> _core.Sweep:
    """A sweep file, its text, or a dict, as a plan."""
    if isinstance(file, (str, os.PathLike)) and "\n" not in os.fspath(file):
        path = Path(file)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise MissingError(f"cannot read {path}: {error.strerror}", file=str(path)) from None
        return _core.Sweep(text, os.fspath(path), own)
    return _core.Sweep(str(file), "sweep.toml", own)


def sweep(
    file: PathLike,
    source: TradeLike = None,
    *,
    out: PathLike,
    store: str | None = None,
    shard: str | None = None,
    diff: PathLike | None = None,
    force: bool = False,
    hs: str | None = None,
    value_unit: str | None = None,
    threads: int | None = None,
    progress: bool | None = None,
) -> SweepResult | None:
    """Answers the scenarios of a sweep file, storing as it goes; the same call goes on after any end (docs/sweeps.md).

    Args:
        file: path of a sweep file in TOML, or its text.
        source: trade, as :func:`trade` takes it.
        out: folder of the dataset.
        store: ``s3://bucket/prefix`` to keep plan and results in an object store; in the folder otherwise.
        shard: ``"1/4"`` for the first of four parts, which write no dataset; :func:`merge` does.
        diff: folder of another sweep to compare with.
        force: replace another sweep that the folder holds.

    Returns:
        A :class:`SweepResult`; nothing for a shard.

    Raises:
        KeyboardInterrupt: scenarios that had begun are stored.
        WriteError: the store cannot be written; what was stored before is safe.
    """
    own = trade(source, hs=hs, value_unit=value_unit)
    plan = _plan(file, own)
    plan.open(os.fspath(out), store, shard, force)
    try:
        with _Progress(progress, "scenarios") as bar:
            plan.answer(shard, _threads(threads), bar)
        if shard is not None and shard != "1/1":
            return None
        return SweepResult(out, json.loads(plan.publish(_path(diff))))
    finally:
        plan.close()


def merge(
    out: PathLike,
    from_folders: Iterable[PathLike] = (),
    *,
    store: str | None = None,
    diff: PathLike | None = None,
    force: bool = False,
) -> SweepResult:
    """Writes the dataset of a sweep whose shards are complete, in this folder, in others, or in an object store; ``force`` replaces
    that of another sweep."""
    folders = [os.fspath(folder) for folder in from_folders]
    return SweepResult(out, json.loads(_core.merge(os.fspath(out), folders, store, _path(diff), force)))


def scenario_keys() -> list[tuple[str, str, str]]:
    """Every key of a scenario: name, default, one sentence."""
    return _core.scenario_keys()


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file."""
    schema: dict[str, Any] = json.loads(_core.scenario_schema())
    return schema
