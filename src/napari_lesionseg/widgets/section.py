"""A panel under a headline that folds it away."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget


class Section(QWidget):
    """Headline and panel; a click on the headline folds the panel.

    Parameters
    ----------
    title
        The headline; the headline button's object name is ``section_<title>``, in small letters.
    body
        The panel.
    open_
        Whether the panel is shown at first.
    """

    folded = Signal(str, bool)
    """The title, and whether the section is folded now."""

    def __init__(self, title: str, body: QWidget, *, open_: bool = True) -> None:
        super().__init__()
        self.title, self.body = title, body
        self.head = QToolButton()
        self.head.setObjectName(f"section_{title.lower()}")
        self.head.setText(title)
        self.head.setToolTip(f"Show or fold {title}")
        self.head.setCheckable(True)
        self.head.setChecked(open_)
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.head.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.head.setStyleSheet(
            "QToolButton { font-weight: bold; text-align: left; padding: 3px; border-radius: 2px; }"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.head)
        layout.addWidget(body)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.head.toggled.connect(self._on_toggled)
        self._show(open_)

    def set_open(self, open_: bool) -> None:
        """Show or fold the panel."""
        self.head.setChecked(open_)

    def _on_toggled(self, open_: bool) -> None:
        self._show(open_)
        self.folded.emit(self.title, not open_)

    def _show(self, open_: bool) -> None:
        self.head.setArrowType(Qt.ArrowType.DownArrow if open_ else Qt.ArrowType.RightArrow)
        self.body.setVisible(open_)
