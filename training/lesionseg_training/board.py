"""The run for TensorBoard: one event file for each process that trained in the run folder, one point an epoch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, BinaryIO

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from napari_lesionseg.errors import LesionsegError

PREFIX = "events.out.tfevents"
TAGS = {
    "loss": "loss/train",
    "train_dice": "dice/train",
    "dice": "dice/validation",
    "learning_rate": "learning_rate",
    "predicted_share": "pixels/predicted",
    "lesion_share": "pixels/lesion",
    "data_share": "time/data_share",
    "seconds": "time/epoch_s",
}


class Board:
    """Writes points as they come; the file is begun with the first.

    A point is written before the checkpoint of its epoch. If a run is killed in between, it does that epoch again; so a
    file begins by taking back what an earlier one says of epochs after ``done``. A killed run's last point may be half
    a one, at the end of a file that nothing is added to any more: TensorBoard passes it over.

    Parameters
    ----------
    run
        Run folder.
    done
        Epochs of it that stand.
    """

    def __init__(self, run: Path, done: int) -> None:
        self._run, self._done = run, done
        self._file: BinaryIO | None = None

    def add(self, record: dict[str, Any]) -> None:
        """Write a line of ``metrics.jsonl`` as points at its epoch.

        Raises
        ------
        LesionsegError
            If the disk is full.
        """
        known = {tag: record[key] for key, tag in TAGS.items() if record.get(key) is not None}
        values = [Summary.Value(tag=tag, simple_value=figure) for tag, figure in known.items()]
        try:
            if self._file is None:
                self._begin()
            self._write(Event(step=record["epoch"], summary=Summary(value=values)))
        except OSError as error:
            reason = error.strerror or str(error)
            raise LesionsegError(
                f"Could not write {self._run}/{PREFIX}…: {reason}; free some space, then go on with --resume."
            ) from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _begin(self) -> None:
        seconds, rest = divmod(time.time_ns(), 10**9)  # TensorBoard reads the files in the order of their names.
        self._file = open(self._run / f"{PREFIX}.{seconds:010d}.{rest:09d}", "xb")  # noqa: SIM115
        self._write(Event(file_version="brain.Event:2"))
        self._write(Event(step=self._done + 1, session_log=SessionLog(status=SessionLog.START)))

    def _write(self, event: Event) -> None:
        assert self._file is not None
        event.wall_time = time.time()
        RecordWriter(self._file).write(event.SerializeToString())
        self._file.flush()
