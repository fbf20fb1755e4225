"""The binary, the real sample in the shapes that people keep trade in, and the folder that the command line writes."""

import os
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "data" / "baci" / "BACI_HS92_Y2023_raw-materials.parquet"


@pytest.fixture(scope="session")
def binary():
    path = os.environ.get("REORIENT_BIN")
    if not path:
        pytest.skip("REORIENT_BIN does not name the binary to compare with")
    return path


@pytest.fixture(scope="session")
def command(binary, tmp_path_factory):
    """Runs a command with --out and gives the folder."""

    def run(*arguments):
        out = tmp_path_factory.mktemp("command") / "out"
        done = subprocess.run(
            [binary, *map(str, arguments), "-q", "--out", str(out)], check=False, capture_output=True, text=True
        )
        assert done.returncode in (0, 3), done.stderr
        return out

    return run


@pytest.fixture(scope="session")
def sample():
    """The rows of the sample as pyarrow reads them, without what the file says of itself."""
    return pq.read_table(SAMPLE).replace_schema_metadata(None)
