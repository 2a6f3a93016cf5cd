from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lesionseg_training import cache as module
from lesionseg_training import data
from lesionseg_training.cache import Prepared, PreparedCache, prepared_key
from lesionseg_training.data import load_cases, load_data

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.config import Preprocessing
from napari_lesionseg.study.store import Study
from napari_lesionseg.study.verify import verify_study
from napari_lesionseg.volumes import Mask

LIMIT = 1e-3  # 1 MB: room for three scans of 5 × 160 × 160 pixels, two arrays each.


def _scan(value: int = 7) -> Prepared:
    slices = np.full((5, 160, 160), value, np.uint8)
    return Prepared(slices, slices // 2, first=3)


@pytest.fixture
def make() -> Callable[..., Callable[[], Prepared]]:
    """What makes a scan, and counts how often it is asked to: ``made.calls``."""

    def maker(value: int = 7) -> Callable[[], Prepared]:
        def made() -> Prepared:
            made.calls += 1  # type: ignore[attr-defined]
            return _scan(value)

        made.calls = 0  # type: ignore[attr-defined]
        return made

    return maker


def _keys(cache: PreparedCache) -> set[str]:
    return {path.name for path in cache.folder.iterdir()}


def _same(one: Prepared, other: Prepared) -> bool:
    same = np.array_equal(one.slices, other.slices) and np.array_equal(one.soft, other.soft)
    return same and one.first == other.first


def _is_mapped(array: np.ndarray) -> bool:
    return isinstance(array.base, np.memmap)


def test_a_scan_is_made_once_and_mapped_by_every_later_run(tmp_path: Path, make) -> None:
    made = make()
    for _ in range(3):
        found = PreparedCache(tmp_path, LIMIT).get("a" * 64, made)
        assert _same(found, _scan())
        assert _is_mapped(found.slices)
        assert _is_mapped(found.soft)
        assert not found.slices.flags.writeable
    assert made.calls == 1


def test_an_entry_is_three_files_in_a_folder_that_backups_may_skip(tmp_path: Path, make) -> None:
    PreparedCache(tmp_path, LIMIT).get("a" * 64, make())
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    inside = {f"cache/prepared/{'a' * 64}/{name}" for name in ("slices.npy", "soft.npy", "about.json")}
    assert files == inside | {"cache/CACHEDIR.TAG"}
    assert (tmp_path / "cache" / "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55")


def test_the_key_tells_scan_mask_preprocessing_and_code_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    look = Preprocessing()
    keys = {
        prepared_key("a", "b", look),
        prepared_key("b", "a", look),
        prepared_key("a", "c", look),
        prepared_key("a", "b", look.model_copy(update={"margin_mm": 16.0})),
    }
    assert prepared_key("a", "b", Preprocessing()) in keys
    monkeypatch.setattr(module, "CODE_VERSION", module.CODE_VERSION + 1)
    keys.add(prepared_key("a", "b", look))
    assert len(keys) == 5


def _flip(path: Path) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)


@pytest.mark.parametrize(
    "harm",
    [
        lambda entry: _flip(entry / "slices.npy"),
        lambda entry: _flip(entry / "soft.npy"),
        lambda entry: (entry / "soft.npy").unlink(),
        lambda entry: (entry / "slices.npy").write_bytes(b""),
        lambda entry: (entry / "about.json").write_text("{"),
        lambda entry: (entry / "about.json").write_text("[]"),
        lambda entry: (entry / "about.json").write_bytes(b"\xff"),
        lambda entry: (entry / "about.json").write_text("[" * 100_000),
        lambda entry: shutil.rmtree(entry),
    ],
    ids=[
        "a bit of the slices",
        "a bit of the target",
        "no target",
        "empty",
        "cut",
        "a list",
        "no text",
        "deep",
        "gone",
    ],
)
def test_a_damaged_entry_is_made_anew(tmp_path: Path, make, harm: Callable[[Path], object]) -> None:
    made, cache = make(), PreparedCache(tmp_path, LIMIT)
    cache.get("a" * 64, made)
    harm(cache.folder / ("a" * 64))
    assert _same(PreparedCache(tmp_path, LIMIT).get("a" * 64, made), _scan())
    assert made.calls == 2
    assert _same(PreparedCache(tmp_path, LIMIT).get("a" * 64, made), _scan())
    assert made.calls == 2


def test_arrays_of_another_shape_than_noted_are_damage(tmp_path: Path, make) -> None:
    made, cache = make(), PreparedCache(tmp_path, LIMIT)
    cache.get("a" * 64, made)
    path = cache.folder / ("a" * 64) / "about.json"
    about = json.loads(path.read_text())
    about["soft"]["shape"] = [5, 160, 159]
    path.write_text(json.dumps(about))
    cache.get("a" * 64, made)
    assert made.calls == 2


def test_what_was_used_longest_ago_goes_first(tmp_path: Path, make) -> None:
    for age, name in ((300, "a"), (200, "b"), (100, "c")):
        cache = PreparedCache(tmp_path, LIMIT)
        cache.get(name, make())
        os.utime(cache.folder / name / "about.json", (1e9 - age, 1e9 - age))
    PreparedCache(tmp_path, LIMIT).get("a", make())  # Used again, today.
    PreparedCache(tmp_path, LIMIT).get("d", make())
    PreparedCache(tmp_path, LIMIT).get("e", make())
    assert _keys(cache) == {"a", "d", "e"}
    assert sum(path.stat().st_size for path in cache.folder.rglob("*")) < LIMIT * 1e9 + 20_000


def test_a_run_larger_than_the_cache_keeps_what_it_has_and_holds_the_rest_in_memory(tmp_path: Path, make) -> None:
    for calls in (6, 3):  # Without that, each scan would push out the one that the next run asks for first.
        made, cache = make(), PreparedCache(tmp_path, LIMIT)
        found = [cache.get(name, made) for name in "abcdef"]
        assert [_is_mapped(one.slices) for one in found] == [True] * 3 + [False] * 3
        assert all(_same(one, _scan()) for one in found)
        assert made.calls == calls


def test_without_room_nothing_is_read_or_written(tmp_path: Path, make) -> None:
    made = make()
    for _ in range(2):
        assert not _is_mapped(PreparedCache(tmp_path, 0).get("a", made).slices)
    assert made.calls == 2
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_costs_time_and_nothing_else(tmp_path: Path, make, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    made, cache = make(), PreparedCache(tmp_path, LIMIT)
    with monkeypatch.context() as patch:
        patch.setattr(np, "save", full)
        assert _same(cache.get("a", made), _scan())
        assert list(cache.folder.iterdir()) == []  # No half of an entry is left.
    assert _same(cache.get("a", made), _scan())
    assert _keys(cache) == {"a"}


def test_the_last_gigabyte_of_a_disk_is_left_to_others(tmp_path: Path, make, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    cache = PreparedCache(tmp_path, LIMIT)
    for free, kept in ((1_000_100_000, set()), (1_001_000_000, {"a"})):
        monkeypatch.setattr(module.shutil, "disk_usage", lambda _, free=free: usage(10**12, 10**12 - free, free))
        assert _same(cache.get("a", make()), _scan())
        assert _keys(cache) == kept


def test_a_folder_that_cannot_be_made_costs_time_and_nothing_else(tmp_path: Path, make) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    made = make()
    for _ in range(2):
        assert _same(PreparedCache(tmp_path, LIMIT).get("a", made), _scan())
    assert made.calls == 2


def test_a_read_only_cache_is_read(tmp_path: Path, make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make()
    PreparedCache(tmp_path, LIMIT).get("a", made)

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(module.os, "utime", read_only)
    monkeypatch.setattr(Path, "mkdir", read_only)
    assert _is_mapped(PreparedCache(tmp_path, LIMIT).get("a", made).slices)
    assert not _is_mapped(PreparedCache(tmp_path, LIMIT).get("b", made).slices)
    assert made.calls == 2


def test_trainers_that_write_the_same_scan_at_once_all_get_it(tmp_path: Path) -> None:
    both, got = threading.Barrier(8), []

    def slow() -> Prepared:
        both.wait()  # All find nothing, then all write.
        return _scan()

    def train() -> None:
        got.append(PreparedCache(tmp_path, LIMIT).get("a", slow))

    threads = [threading.Thread(target=train) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert all(_same(one, _scan()) for one in got)
    cache = PreparedCache(tmp_path, LIMIT)
    assert _keys(cache) == {"a"}
    assert _is_mapped(cache.get("a", _scan).slices)


def test_what_a_killed_trainer_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path: Path, make) -> None:
    cache = PreparedCache(tmp_path, LIMIT)
    for name, age in ((".12345678.old", 7200), (".12345678.new", 0)):
        (cache.folder / name).mkdir(parents=True)
        (cache.folder / name / "slices.npy").write_bytes(b"half")
        then = (cache.folder / name).stat().st_mtime - age
        os.utime(cache.folder / name, (then, then))
    cache.get("a", make())
    assert _keys(cache) == {".12345678.new", "a"}


@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove a file that is mapped")
def test_a_scan_that_is_trained_on_stays_readable_when_another_trainer_removes_it(tmp_path: Path, make) -> None:
    mine = PreparedCache(tmp_path, LIMIT).get("a", make())
    other = PreparedCache(tmp_path, LIMIT)
    for name in "bcd":
        other.get(name, make(9))
    assert _keys(other) == {"b", "c", "d"}
    assert _same(mine, _scan())


def test_the_second_run_on_a_study_reads_no_scan_and_learns_from_the_same_bytes(
    tiny, phantoms: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_data(phantoms, tiny(cache_gb=0), lambda _: None)
    load_data(phantoms, tiny(), lambda _: None)
    monkeypatch.setattr(data, "read_scan", lambda path: pytest.fail(f"{path} was unpacked again"))
    second = load_data(phantoms, tiny(), lambda _: None)
    for one, two in zip((*first.cases, *first.held_out), (*second.cases, *second.held_out), strict=True):
        assert np.array_equal(one.slices, two.slices)
        assert np.array_equal(one.soft, two.soft)
        for kind in ("pools", "untouched"):
            assert np.array_equal(getattr(one, kind).lesion, getattr(two, kind).lesion)
            assert np.array_equal(getattr(one, kind).all, getattr(two, kind).all)
        assert (_is_mapped(one.slices), _is_mapped(two.slices)) == (False, True)


def test_a_new_mask_is_a_new_entry_and_corrected_slices_are_none(tiny, study: Study, add_case) -> None:
    mask = add_case("c1", lesion=(3, 4, 5))
    study.add_revision("c1", "correction", mask, corrected_slices=[3])
    (before,) = load_cases(study, "train", tiny())
    study.add_revision("c1", "correction", mask, corrected_slices=[4, 9])
    (same,) = load_cases(study, "train", tiny())
    study.add_revision("c1", "correction", Mask(np.roll(mask.array, 2, axis=0), mask.geometry))
    (after,) = load_cases(study, "train", tiny())
    assert [case.pools.all.tolist() for case in (before, same)] == [[3], [4, 9]]
    assert after.pools.lesion.tolist() == [5, 6, 7]
    assert len(_keys(PreparedCache(study.folder, 1))) == 2


def test_a_scan_that_has_changed_is_refused_though_it_is_cached(tiny, labelled: Study) -> None:
    load_cases(labelled, "train", tiny())
    scan = labelled.case("t1").scan
    scan.write_bytes(scan.read_bytes() + b"\0")
    with pytest.raises(LesionsegError, match="The scan of case t1 is no longer the file that was added"):
        load_cases(labelled, "train", tiny())


def test_a_mask_that_has_changed_is_not_cached_under_the_hash_of_the_one_that_was_kept(tiny, study: Study, add_case):
    mask = add_case("c1")
    kept = study.add_revision("c1", "truth", mask)
    other = study.add_revision("c1", "prediction", Mask(np.zeros_like(mask.array), mask.geometry))
    shutil.copyfile(other.path, kept.path)
    with pytest.raises(
        LesionsegError, match=rf"The mask {kept.id} of case c1 is no longer the file that was kept; res"
    ):
        load_cases(study, "train", tiny())
    assert not (study.folder / "cache").exists()


def test_the_study_is_proved_as_before_and_its_cache_names_nobody(tiny, labelled: Study) -> None:
    load_data(labelled, tiny(), lambda _: None)
    assert verify_study(labelled).ok
    texts = [
        path.read_bytes() for path in (labelled.folder / "cache").rglob("*") if path.suffix != ".npy" and path.is_file()
    ]
    assert len(texts) == 3
    assert not any(name in text for text in texts for name in (b"t1", b"v1", bytes(labelled.folder)))


def test_sealed_patients_are_in_no_cache(tiny, labelled: Study, add_case) -> None:
    labelled.add_revision("g1", "truth", add_case("g1", split="gate"))
    with pytest.raises(LesionsegError, match="sealed"):
        load_cases(labelled, "gate", tiny())
    load_data(labelled, tiny(), lambda _: None)
    assert len(_keys(PreparedCache(labelled.folder, 1))) == 2
