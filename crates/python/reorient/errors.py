"""What can go wrong. Every exception carries the exit code that the command line ends with (docs/cli.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = [
    "DataError",
    "InternalError",
    "InterruptedSweep",
    "MissingError",
    "NotCertifiedError",
    "ReorientError",
    "ScenarioError",
    "WriteError",
]


class ReorientError(Exception):
    """Base of all exceptions of this package.

    Attributes:
        exit_code: what ``reorient`` on the command line would exit with.
        file: name of the file at fault, or ``"table"`` for an Arrow table; None where no file is.
        row: line of a text file, or row of a table, counted from 1.
        column: name of the column, in BACI's short form.
        value: the value as it stands there.
        problems: where several rows are at fault, one dict of these fields and a ``message`` for each.
    """

    exit_code = 1

    def __init__(
        self,
        message: str = "",
        *,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
        value: str | None = None,
        problems: Iterable[dict[str, Any]] = (),
    ) -> None:
        super().__init__(message)
        self.file = file
        self.row = row
        self.column = column
        self.value = value
        self.problems = list(problems)

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {name: getattr(self, name) for name in ("file", "row", "column", "value", "problems")}
        return (_restored, (type(self), str(self), fields))


def _restored(kind: type[ReorientError], message: str, fields: dict[str, Any]) -> ReorientError:
    return kind(message, **fields)


class InternalError(ReorientError):
    """A defect of reorient; please report it."""


class ScenarioError(ReorientError, ValueError):
    """A question that cannot be asked: an unknown key, a value that it does not take."""

    exit_code = 2


class DataError(ReorientError, ValueError):
    """Input that breaks a rule or is damaged."""

    exit_code = 65


class MissingError(ReorientError, FileNotFoundError):
    """Input that is not there or cannot be read."""

    exit_code = 66


class NotCertifiedError(ReorientError):
    """An answer that did not pass its check, or two solvers that disagree."""

    exit_code = 70


class WriteError(ReorientError, OSError):
    """Something that cannot be written."""

    exit_code = 74


class InterruptedSweep(ReorientError):
    """A sweep that is not complete; the same call goes on from there."""

    exit_code = 75


_BY_CODE: dict[int, type[ReorientError]] = {
    kind.exit_code: kind for kind in (ScenarioError, DataError, MissingError, NotCertifiedError, WriteError, InterruptedSweep)
}


def from_core(code: int, message: str, **fields: Any) -> ReorientError:
    """The exception of an exit code; called by the Rust core."""
    return _BY_CODE.get(code, InternalError)(message, **fields)
