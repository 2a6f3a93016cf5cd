from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.session import Session
from napari_lesionseg.review.tools.given import given_by
from napari_lesionseg.volumes import Geometry, Volume

SCAN = Volume(np.zeros((6, 4, 3), np.int16), Geometry.from_spacing((6, 4, 3), (3.0, 1.0, 1.0)))


def test_a_tool_sees_the_slice_that_is_looked_at_and_its_neighbours_within_the_scan() -> None:
    session = Session()
    session.open_scan(SCAN)
    session.set_slice(1)
    assert (given_by(session).z, given_by(session).slab) == (1, range(1, 2))
    assert given_by(session, reach=2).slab == range(0, 4)
    assert given_by(session).mask is session.mask.array


def test_without_a_scan_there_is_nothing_to_see() -> None:
    with pytest.raises(LesionsegError, match="No scan is open"):
        given_by(Session())
