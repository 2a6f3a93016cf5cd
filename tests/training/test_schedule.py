from __future__ import annotations

import pytest
from lesionseg_training.schedule import Pace, learning_rate, looks_at, sampling_progress


def test_the_step_schedule_is_a_tenth_every_twenty_epochs(tiny) -> None:
    config = tiny(schedule="step", epochs=50, learning_rate=1e-4)
    rates = [learning_rate(config, (epoch + batch / 3) / 50) for epoch in (0, 19, 20, 39, 40, 49) for batch in (0, 2)]
    assert rates == pytest.approx([1e-4] * 4 + [1e-5] * 4 + [1e-6] * 4)


def test_the_cosine_schedule_warms_up_and_ends_where_asked(tiny) -> None:
    config = tiny(schedule="cosine", learning_rate=1e-2, final_learning_rate=1e-4, warm_up=0.1)
    rates = [learning_rate(config, progress) for progress in (0.0, 0.05, 0.1, 0.55, 1.0)]
    assert rates == pytest.approx([0.05e-2, 0.525e-2, 1e-2, (1e-2 + 1e-4) / 2, 1e-4])


def test_without_warm_up_the_cosine_begins_at_its_top(tiny) -> None:
    assert learning_rate(tiny(warm_up=0.0, learning_rate=1e-2), 0.0) == pytest.approx(1e-2)


def test_the_mix_starts_in_the_first_epoch_and_arrives_in_the_last(tiny) -> None:
    assert [sampling_progress(tiny(epochs=5), epoch) for epoch in range(5)] == [0, 0.25, 0.5, 0.75, 1]
    assert sampling_progress(tiny(epochs=1), 0) == 0


def test_every_so_manieth_epoch_is_looked_at_and_the_last(tiny) -> None:
    config = tiny(epochs=8, validate_every=3)
    assert [epoch for epoch in range(8) if looks_at(config, epoch)] == [2, 5, 7]


def test_the_time_left_is_that_of_the_steps_and_of_the_validations(tiny) -> None:
    pace = Pace(tiny(epochs=8, validate_every=3))
    assert pace.seconds_left(100, 0) == 0  # Nothing is known yet.
    pace.stepped(1.0)
    pace.stepped(3.0)
    assert pace.seconds_left(100, 0) == 200
    pace.looked(50.0)
    assert pace.seconds_left(100, 3) == 200 + 2 * 50
    assert pace.seconds_left(0, 8) == 0


def test_the_time_left_follows_the_speed_of_now(tiny) -> None:
    pace = Pace(tiny())
    for seconds in [9.0] * 100 + [1.0] * 50:
        pace.stepped(seconds)
    assert pace.seconds_left(10, 2) == 10
