"""An earlier study: read beside the window, laid over the open one, shown in a view of its own, and compared."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QTimer

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.align import Alignment, Shift, align
from napari_lesionseg.review.grown import Growth
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.widgets.background import run_in_background
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.layer_styles import scan_name
from napari_lesionseg.widgets.parts import hear, listen
from napari_lesionseg.widgets.presenters.reading import Reading
from napari_lesionseg.widgets.prior_panel import PriorPanel
from napari_lesionseg.widgets.read_worker import Wanted
from napari_lesionseg.widgets.views.prior_view import PriorView

REST_MS = 800  # Growth is measured when the hand rests.


class PriorPresenter:
    """Answers the prior panel."""

    def __init__(self, panel: PriorPanel, context: Context) -> None:
        self.panel, self.context, self.session, self.prior = panel, context, context.session, context.prior
        panel.folder = context.settings.last_folder
        self.view = PriorView(panel, context)
        self.reading = Reading(context, panel, self._on_reading, context.prior_reader, lambda: self.prior.scan)
        self._timer = QTimer(panel)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._measure)
        panel.prior_requested.connect(self._on_prior)
        panel.mask_requested.connect(self._on_mask)
        panel.close_requested.connect(self.prior.close)
        panel.align_requested.connect(self._align)
        panel.shift_requested.connect(self.prior.set_shift)
        panel.place_requested.connect(context.cross_hair.move_to)
        hear(context.grower.done, self._on_growth, panel)
        hear(context.grower.failed, context.complain, panel)
        listen(self.prior.changed, self._on_changed, panel)
        listen(self.prior.shifted, self._on_shifted, panel)
        listen(self.session.scan_changed, self._on_scan, panel)
        listen(self.session.mask_changed, self._on_edited, panel)
        self._on_changed()
        self._on_shifted(self.prior.shift)

    # ---- what the panel asks for

    def _on_prior(self, path: str) -> None:
        self.reading.want(Wanted(Path(path), "scan"), lambda scan: self._take(scan, path))

    def _on_mask(self, path: str) -> None:
        def take(mask: Mask) -> None:
            self._remember(path)
            self.prior.set_mask(mask)

        self.reading.want(Wanted(Path(path), "mask"), take)

    def _take(self, scan: Volume, path: str) -> None:
        self._remember(path)
        self.prior.open(scan, Shift())
        self._align()

    def _remember(self, path: str) -> None:
        self.context.inputs.add(Path(path).resolve())  # It is never written to.
        self.panel.folder = str(Path(path).resolve().parent)

    def _align(self) -> None:
        scan, prior = self.session.scan, self.prior.scan
        if scan is None or prior is None:
            return
        self.panel.say("Looking for the lungs of both scans…")

        def found(alignment: Alignment) -> None:
            if self.session.scan is scan and self.prior.scan is prior:
                self.prior.set_shift(alignment.shift)
                how = "Aligned by the lungs." if alignment.by_lungs else "No lungs were found in one: align it by hand."
                self.panel.say(f"Prior: {scan_name(prior)}. {how}")

        run_in_background(lambda: align(scan, prior), found, self.context.report)

    # ---- what there is to show

    def _on_reading(self, name: str) -> None:
        prior = self.prior.scan
        at_rest = "" if prior is None else f"Prior: {scan_name(prior)}."
        self.panel.say(f"Reading {name}…" if name else at_rest)

    def _on_scan(self, _scan: Volume | None) -> None:
        self.reading.stop()
        self._on_changed()

    def _on_changed(self) -> None:
        prior = self.prior.scan
        name = "" if prior is None else scan_name(prior)
        self.panel.show_prior(has_scan=self.session.scan is not None, name=name)
        if prior is None or self.prior.mask is None:
            self._timer.stop()
            self.context.grower.forget()
            self.panel.show_growth(None)
        else:
            self._timer.start(0)

    def _on_shifted(self, shift: Shift) -> None:
        self.panel.show_shift(shift)
        self._on_edited()

    def _on_edited(self, _slices: object = None) -> None:
        if self.prior.mask is not None:
            self._timer.start(REST_MS)

    def _measure(self) -> None:
        mask, prior = self.session.mask, self.prior.mask
        if mask is not None and prior is not None:
            try:
                self.context.grower.measure(mask, prior, self.prior.shift)
            except LesionsegError as error:
                self.context.report(error)

    def _on_growth(self, growth: Growth) -> None:
        if self.prior.mask is not None:
            self.panel.show_growth(growth)
