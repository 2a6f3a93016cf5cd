"""What the judges share: the cases, and a verdict that lands in the peers' table."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.peers.cases import PeerCase

Verdict = Callable[[str, bool], None]
Judge = Callable[[str, str], Verdict]


@pytest.fixture
def judge(record_property: Callable[[str, object], None]) -> Judge:
    """Start a line of the table: ``verdict = judge("dciodvfy", "DICOM SEG")``, then ``verdict(result, holds)``.

    Called before the tool is looked for, so that a missing tool has its line, too.
    """

    def start(peer: str, judged: str) -> Verdict:
        record_property("peer", peer)
        record_property("judged", judged)

        def verdict(result: str, holds: bool) -> None:
            record_property("result", result)
            assert holds, f"{peer}, {judged}: {result}"

        return verdict

    return start


@pytest.fixture
def version(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say which version judged."""
    return lambda text: record_property("version", text)


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[PeerCase]:
    """A scan lying straight, one prone and one oblique, with the same lesions on their slices."""
    from tests.peers.cases import ORIENTATIONS, make_peer_case

    return [make_peer_case(name, tmp_path_factory.mktemp(name)) for name in ORIENTATIONS]


@pytest.fixture(scope="session")
def straight(cases: list[PeerCase]) -> PeerCase:
    """The axial case."""
    return cases[0]


@pytest.fixture(scope="session")
def multi_frame(straight: PeerCase, tmp_path_factory: pytest.TempPathFactory) -> PeerCase:
    """The axial case from a single file with many frames."""
    from tests.peers.cases import make_multi_frame_case

    return make_multi_frame_case(straight, tmp_path_factory.mktemp("multi-frame"))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the viewers' pictures go; ``make peers`` names a folder that stays."""
    folder = os.environ.get("LESIONSEG_PEERS_PICTURES")
    return Path(folder) if folder else tmp_path_factory.mktemp("pictures")
