"""The Rust engine. Its functions take questions as texts; `reorient` gives them their shape."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, final

import pyarrow

__version__: str
HIGHS_VERSION: str | None

_Settings: TypeAlias = Sequence[tuple[str, str]]
_Progress: TypeAlias = Callable[[int, int], object] | None

@final
class Trade:
    """Opened trade data: years, revision and countries are known, rows are read when a question asks for them."""

    @staticmethod
    def open(path: str, hs: str | None = None, value_unit: str | None = None) -> Trade:
        """A file or folder as the command line takes it."""
    @staticmethod
    def sample() -> Trade:
        """The real sample in the package."""
    @staticmethod
    def from_arrow(
        table: Any,
        hs: str | None = None,
        year: int | None = None,
        synthetic: bool = False,
        country_codes: str | None = None,
        product_codes: str | None = None,
        value_unit: str | None = None,
    ) -> Trade:
        """Any object with the Arrow stream interface."""
    @property
    def years(self) -> list[int]:
        """Years at hand, ascending."""
    @property
    def hs(self) -> str:
        """Revision of the product codes, such as `HS92`."""
    @property
    def label(self) -> str:
        """One line for people."""
    @property
    def synthetic(self) -> bool:
        """Whether any year is made up rather than observed."""
    @property
    def notes(self) -> list[str]:
        """What is to be said of the years that were read so far, such as codes that the revision does not have."""
    def products(self, year: int) -> list[str]:
        """HS6 codes with a flow in a year, ascending."""

@final
class Answer:
    """What a command found, in the engine's own form."""

    def tables(self, exact: bool) -> list[tuple[str, pyarrow.RecordBatch]]:
        """Every table by the name of its file."""
    def summary(self) -> str:
        """Manifest and headline as JSON."""
    def write(self, directory: str, csv: bool = False, force: bool = False) -> list[str]:
        """Writes the result folder; the names of its files."""

@final
class Sweep:
    """A planned sweep over opened trade data."""

    def __new__(cls, text: str, path: str, trade: Trade, tables: Sequence[tuple[str, str]] = ...) -> Sweep: ...
    def __len__(self) -> int: ...
    @property
    def title(self) -> str:
        """What the sweep calls itself."""
    def names(self) -> list[str]:
        """Names of the scenarios, in the order of the plan."""
    def open(self, out: str, store: str | None = None, shard: str | None = None, force: bool = False) -> None:
        """Opens the store of a folder, or that at an address, to write; others are kept out until `close`."""
    def close(self) -> None:
        """Lets others write."""
    def pending(self, shard: str | None = None) -> list[int]:
        """Positions of the scenarios without a result, each question once."""
    def answer(self, shard: str | None = None, threads: int | None = None, progress: _Progress = None) -> tuple[int, int, bool]:
        """Answers what is missing: how many were stored before, how many are now, and whether it ended early."""
    def block(self, positions: Sequence[int], threads: int | None = None) -> list[tuple[str, bytes]]:
        """Answers some scenarios without a store: segments by name, for `adopt` elsewhere."""
    def adopt(self, name: str, bytes: bytes) -> bool:
        """Stores a segment if it holds results that are missing; whether it did."""
    def publish(self, diff: str | None = None) -> str:
        """Writes the dataset; the summary as JSON."""

def run(
    trade: Trade,
    file: str | None,
    settings: _Settings,
    cross_check: bool = False,
    threads: int | None = None,
    progress: _Progress = None,
) -> Answer:
    """`reorient run` for one year."""

def frontier(trade: Trade, file: str | None, settings: _Settings, threads: int | None = None) -> Answer:
    """`reorient frontier`."""

def indicators(
    trade: Trade,
    importer: str,
    by: str,
    base: str,
    years: str | None,
    products: Sequence[str],
    file: str | None,
    settings: _Settings,
    threads: int | None = None,
    progress: _Progress = None,
) -> Answer:
    """`reorient indicators`."""

def calibrate(
    trade: Trade,
    against: str | None,
    headline: str | None,
    file: str | None,
    settings: _Settings,
    threads: int | None = None,
) -> Answer:
    """`reorient calibrate`."""

def ingest(
    sources: Sequence[str],
    out: str,
    hs: str | None,
    release: str | None,
    value_unit: str | None,
    skip: Sequence[str],
    on_duplicate: str,
    max_errors: int,
    force: bool,
    threads: int | None = None,
    progress: _Progress = None,
) -> str:
    """`reorient ingest`; the manifest as JSON."""

def merge(
    out: str, from_folders: Sequence[str] = ..., store: str | None = None, diff: str | None = None, force: bool = False
) -> str:
    """`reorient sweep merge`; the summary as JSON."""

def scenario_keys() -> list[tuple[str, str, str]]:
    """Every key of a scenario: name, default, one sentence."""

def scenario_schema() -> str:
    """The JSON Schema of a scenario file."""
