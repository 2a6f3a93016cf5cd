"""What a panel asks of the open study, in the study's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QWidget

from napari_lesionseg.widgets.context import Context

if TYPE_CHECKING:
    from napari_lesionseg.study import Study


class StudyAsker:
    """Asks for as long as the panel exists: one that was closed has nothing left to show an answer on."""

    def __init__(self, panel: QWidget, context: Context) -> None:
        self._context, self._gone = context, False
        panel.destroyed.connect(self._on_gone)

    def _on_gone(self) -> None:
        self._gone = True

    def ask(
        self,
        work: Callable[[Study], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Let the study do ``work``, and tell ``done`` what it gave, or ``failed`` (else the user) why it did not."""
        study = self._context.study
        if study is not None and not self._gone:
            study.ask(work, self._while_here(done), self._while_here(failed or self._context.report))

    def _while_here(self, answer: Callable[[Any], None]) -> Callable[[Any], None]:
        return lambda told: None if self._gone else answer(told)
