"""CSV that a spreadsheet shows and never runs: text that may be a formula is escaped, numbers stay numbers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.atomic import write_atomically

Cell = str | int | float | None

# A spreadsheet runs a cell that begins with one of these (the wide ones in East Asian editions); it looks past blanks
# and quotes, and with another separator than ours a cell may begin in the middle of our text.
_START = r"(^|[;,|\t\r\n])"
_FORMULA = r"(?=[\s\"']*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n])"
_LIVE = re.compile(_START + _FORMULA)
_ESCAPED = re.compile(_START + "'" + _FORMULA)


def escape(text: str) -> str:
    """Put an apostrophe before whatever a spreadsheet might run; :func:`unescape` takes it away again.

    The rule is OWASP's on CSV injection, with the separators of other locales as further beginnings of a cell.
    """
    return _LIVE.sub(r"\1'", text)


def unescape(text: str) -> str:
    """Give the text that :func:`escape` was given."""
    return _ESCAPED.sub(r"\1", text)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Write a table as CSV (RFC 4180, lines end in LF); None is an empty cell, a float has six significant digits."""
    written = ([_written(cell) for cell in row] for row in rows)
    return "".join(_line(cells) for cells in ([escape(name) for name in header], *written))


def read_csv(path: Path) -> list[list[str]]:
    """Read every cell of a CSV file as the text it was before it was escaped, the header first.

    Raises
    ------
    LesionsegError
        If the file cannot be read as CSV in UTF-8.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return [[unescape(cell) for cell in row] for row in csv.reader(file)]
    except OSError as error:
        raise LesionsegError(f"{path} cannot be read: {error.strerror or error}; check its name.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise LesionsegError(f"{path} is not a table in CSV (UTF-8); save it again as one.") from error


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write a table atomically, and prove by re-reading that every cell is there.

    Raises
    ------
    LesionsegError
        If it cannot be written, or does not read back equal.
    """
    kept = [list(row) for row in rows]
    text = csv_text(header, kept)
    wanted = [list(header), *([unescape(_written(cell)) for cell in row] for row in kept)]

    def same_on_disk(temporary: Path) -> None:
        if read_csv(temporary) != wanted:
            raise LesionsegError(f"{path} did not read back as it was written; nothing was saved, try another disk.")

    write_atomically(path, text.encode(), same_on_disk)


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    # The writer quotes what is in its own end of line: with LF alone, a CR in a cell would begin another row.
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return escape(cell.encode(errors="replace").decode())  # A file name need not be valid text.
    return f"{cell:.6g}" if isinstance(cell, float) else str(int(cell))
