"""A run on a terminal: a bar that moves, the figures of the last epoch, the time left."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from lesionseg_training.events import Epoch, Event, Finished, Started, Step, Warning_


class Terminal:
    """Shows events to a person; call it with each.

    Parameters
    ----------
    console
        Where; the terminal by default.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}  {task.fields[dice]}  {task.fields[left]}"),
            console=console or Console(highlight=False),
        )
        self._bar = self._progress.add_task("", total=None, epoch="", loss="–", dice="", left="", visible=False)

    def __call__(self, event: Event) -> None:
        """Show an event; what failed is told on stderr by the command."""
        match event:
            case Started():
                patients = ", ".join(f"{count} {role}" for role, count in event.patients.items())
                self._say(f"{event.model} on {event.device}, {patients} patients, in {event.run}")
                text = f"epoch {event.first_epoch + 1}/{event.epochs}"
                self._progress.update(self._bar, epoch=text, visible=True)
                self._progress.start()
            case Step():
                left = f"{spoken_time(event.eta_s)} left"
                self._progress.update(
                    self._bar, completed=event.step, total=event.steps, loss=f"{event.loss:.4f}", left=left
                )
            case Epoch():
                self._say(epoch_line(event))
                dice = f"Dice {event.train_dice:.3f}" if event.dice is None else f"validation Dice {event.dice:.3f}"
                text = f"epoch {min(event.epoch + 1, event.epochs)}/{event.epochs}"
                self._progress.update(self._bar, dice=dice, epoch=text)
            case Warning_():
                self._say(f"warning: {event.message}")
            case Finished():
                self.close()
                self._say(f"The model is in {event.model_folder}.")

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._progress.live.is_started:  # It would end a line that was never begun.
            self._progress.stop()

    def _say(self, text: str) -> None:
        self._progress.console.print(text, markup=False, soft_wrap=True)


def epoch_line(event: Epoch) -> str:
    """An epoch's figures on one line."""
    seen = "" if event.dice is None else f"  validation Dice {event.dice:.3f}"
    marked = f"marked {event.predicted_share:.2%} of the pixels, lesion {event.lesion_share:.2%}"
    waited = f", {event.data_share:.0%} of it for data" if event.data_share >= 0.1 else ""
    return (
        f"epoch {event.epoch:3}  loss {event.loss:.4f}  Dice {event.train_dice:.3f}{seen}  {marked}  "
        f"{spoken_time(event.seconds)}{waited}"
    )


def spoken_time(seconds: float) -> str:
    """``45 s``, ``12 min`` or ``3 h 20 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
