"""What reaches a log: what happened and where in the program, never what a file or a header says.

Libraries quote values in their warnings (pydicom prints the name it finds odd), and a path often holds a name. So of
a record of ours the sentence is kept without what is filled into it, of an error its kind and the lines of code, and
of a record or warning of a library nothing. ``LESIONSEG_DEBUG=1`` leaves everything as Python does it.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

OURS: Final = ("napari_lesionseg", "lesionseg_training")
LEFT_OUT: Final = "(left out, since it may name a patient; LESIONSEG_DEBUG=1 shows it)"


def private_trace(error: BaseException) -> str:
    """Where an error came from and its kind, without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    where = "".join(f"  {Path(frame.filename).name}:{frame.lineno} {frame.name}\n" for frame in frames)
    return f"{where}{type(error).__name__}: {LEFT_OUT}"


def private_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    """Make a log record that says nothing private; a record factory for :mod:`logging`."""
    record = logging.LogRecord(*args, **kwargs)
    ours = record.name.split(".")[0] in OURS and isinstance(record.msg, str)
    record.msg, record.args = (record.msg if ours else LEFT_OUT), None
    if record.exc_info and record.exc_info[1] is not None:
        record.msg, record.exc_info = f"{record.msg}\n{private_trace(record.exc_info[1])}", None
    return record


@contextmanager
def private_logs() -> Iterator[None]:
    """Let nothing private reach stderr or a log file by way of logs, warnings and tracebacks; for whole programs.

    An error that nobody expected ends the program with code 1 and its private trace on stderr.
    """
    if os.environ.get("LESIONSEG_DEBUG"):
        yield
        return
    factory = logging.getLogRecordFactory()
    logging.setLogRecordFactory(private_record)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_nothing
            yield
    except Exception as error:
        print(private_trace(error), file=sys.stderr)
        sys.exit(1)
    finally:
        logging.setLogRecordFactory(factory)


def _show_nothing(*_: object, **__: object) -> None:
    """In the place of ``warnings.showwarning``: what a library has to say of a file is not for the log."""
