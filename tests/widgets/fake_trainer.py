"""A child process that talks like the trainer; its mode is its first argument, its model folder the second."""

from __future__ import annotations

import sys
import time

from lesionseg_training.events import Epoch, Failed, Finished, Started, Step, Warning_

mode, folder = sys.argv[1], sys.argv[2]
events = [
    Started("run", "new", "pocket calculator", 2, 0, {"train": 1}),
    Warning_("Few slices."),
    Step(1, 4, 0.9, 3.0),
    Epoch(1, 2, 0.8, 0.3, None, 1e-3, 0.1, 0.1),
    Epoch(2, 2, 0.6, 0.4, 0.5, 1e-4, 0.1, 0.0),
]
print("a library's own print", flush=True)
for event in events:
    print(event.to_line(), flush=True)
if mode == "hang":
    time.sleep(60)
if mode == "fail":
    print(Failed("The loss is not a number; lower the learning rate.").to_line(), flush=True)
    sys.exit(2)
if mode == "crash":
    raise RuntimeError("boom")
print(Finished(folder, "completed").to_line(), flush=True)
