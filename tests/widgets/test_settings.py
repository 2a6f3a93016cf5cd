"""What the workbench remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lesionseg.widgets.settings import Settings, settings_file

if TYPE_CHECKING:
    from pathlib import Path


def test_choices_are_remembered(tmp_path: Path) -> None:
    assert settings_file() == tmp_path / "home" / "workbench.json"
    Settings.load().remember(brush_size=17, thresholds={"tiny": 0.3}, study=str(tmp_path))
    again = Settings.load()
    assert (again.brush_size, again.thresholds, again.study_folder) == (17, {"tiny": 0.3}, tmp_path)


def test_the_study_is_in_the_users_own_folder_until_another_is_chosen(tmp_path: Path) -> None:
    assert Settings.load().study_folder == tmp_path / "home" / "study"


def test_a_damaged_file_is_an_empty_one() -> None:
    settings_file().parent.mkdir(parents=True)
    for damaged in (b"\xff\x00", b"{", b'{"brush_size": "wide"}'):
        settings_file().write_bytes(damaged)
        assert Settings.load() == Settings()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file in the way")
    settings = Settings.load()
    settings.remember(brush_size=3)
    assert settings.brush_size == 3
