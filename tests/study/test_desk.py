from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.study.desk import desk_case, desk_folder, desk_writer, open_desk
from napari_lesionseg.volumes import Geometry, Volume
from tests.study.drafting import GRID, Hand, Told, sha


def a_scan(value: int = 0, grid: Geometry = GRID) -> Volume:
    voxels = np.full(grid.display_shape, -800, np.int16)
    voxels[0, 0, 0] = value
    return Volume(voxels, grid)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    return tmp_path / "state" / "desk"


def test_the_desk_lies_with_the_users_own_state_unless_a_variable_says_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LESIONSEG_DESK", str(tmp_path / "mine"))
    assert desk_folder() == tmp_path / "mine"
    monkeypatch.delenv("LESIONSEG_DESK")
    monkeypatch.setenv("LESIONSEG_HOME", str(tmp_path / "home"))
    assert desk_folder() == tmp_path / "home" / "desk"
    monkeypatch.delenv("LESIONSEG_HOME")
    assert desk_folder().parts[-2:] == ("napari-lesionseg", "desk")


def test_a_scan_is_known_by_its_voxels_and_its_place(desk: Path) -> None:
    first = desk_case(desk, a_scan().fingerprint, GRID)
    assert desk_case(desk, a_scan().fingerprint, GRID) == first
    moved = Geometry(GRID.shape, np.array(GRID.affine) + np.array([[0, 0, 0, 1]] + [[0] * 4] * 3))
    others = {desk_case(desk, scan.fingerprint, scan.geometry) for scan in (a_scan(1), a_scan(0, moved))}
    assert len(others | {first}) == 3
    cases = Study.open(desk).cases()
    assert len(cases) == 3
    assert cases[0].geometry.same_grid(GRID)
    assert {case.split for case in cases} == {"test"}  # Sealed: nobody learns from it.


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_nobody_else_looks_into_the_desk(desk: Path) -> None:
    open_desk(desk)
    assert stat.S_IMODE(desk.stat().st_mode) == 0o700
    assert [path.name for path in desk.parent.iterdir()] == ["desk"]


def test_edits_of_a_scan_without_a_study_come_back_when_it_is_opened_again(desk: Path) -> None:
    told = Told()
    writer = desk_writer(a_scan(), "", told.listener, folder=desk)
    writer.start()
    restored, _ = told.wait("opened")
    hand = Hand(restored.mask.array)
    writer.put(hand.dot(2, 3, 4, size=5))
    assert writer.close()
    again, other = Told(), Told()
    desk_writer(a_scan(), "", again.listener, folder=desk).start()
    desk_writer(a_scan(1), "", other.listener, folder=desk).start()
    assert sha(again.wait("opened")[0].mask.array) == sha(hand.labels)
    assert not other.wait("opened")[0].mask.array.any()


_OPEN = "import sys; from pathlib import Path; from napari_lesionseg.study.desk import desk_case\n"
_OPEN += "from napari_lesionseg.volumes import Geometry\n"
_OPEN += "assert 'sqlalchemy' not in sys.modules\n"
_OPEN += "sys.stdin.read()\n"
_OPEN += "print(desk_case(Path(sys.argv[1]), 'ab' * 32, Geometry.from_spacing((6, 20, 24), (2.5, 0.8, 0.7))))"


def test_two_programs_make_one_desk(desk: Path) -> None:
    command = [sys.executable, "-c", _OPEN, str(desk)]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()  # All at once.
    names = set()
    for child in children:
        with child:
            assert child.stdout is not None
            names.add(child.stdout.read().strip())
    assert names == {"scan-" + "ab" * 12}
    assert len(Study.open(desk).cases()) == 1
    assert [path.name for path in desk.parent.iterdir()] == ["desk"]


def test_a_desk_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "note.txt").write_text("somebody else's")
    with pytest.raises(LesionsegError, match="could not be made in .*taken: .*set LESIONSEG_DESK"):
        open_desk(tmp_path / "taken")
    assert (tmp_path / "taken" / "note.txt").read_text() == "somebody else's"
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
