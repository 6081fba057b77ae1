"""Groups and splits: what says the same stays together, the newest month is held out."""

from __future__ import annotations

import datetime
import time

import numpy as np
import pytest

from training.duplicates import grouped_holdout, near_duplicates
from training.errors import TrainError
from training.intake import Ticket
from training.split import group_tickets, split_by_time

BASE = "我家住在城西区虎台街道,从上个星期开始家里的暖气一直不热,打了物业电话也没有人来修"


def ticket(text: str, day: int, caller: str = "") -> Ticket:
    when = datetime.datetime(2026, 1, 1) + datetime.timedelta(days=day)
    return Ticket(1, "k", text, ("a",), "", "", when, caller)


def test_near_duplicates_share_a_group_and_others_do_not() -> None:
    labels = near_duplicates(
        [BASE, BASE + "谢谢", "小桥的路灯坏了半个月,晚上走路看不见", BASE.replace("物业", "热力")]
    ).labels()
    assert labels[0] == labels[1] == labels[3]
    assert labels[2] != labels[0]


def test_grouping_does_not_grow_with_the_square() -> None:
    texts = [f"{i * 7919 % 10007}号楼反映{i}的事情和{i * 31}有关" for i in range(4000)]
    start = time.process_time()
    near_duplicates(texts[:1000])
    small = time.process_time() - start
    start = time.process_time()
    near_duplicates(texts)
    assert time.process_time() - start < 12 * small + 1


def test_no_group_straddles_a_random_split() -> None:
    rng = np.random.default_rng(1)
    groups = rng.integers(0, 150, 500)
    labels = [str(g % 5) for g in groups]
    held = grouped_holdout(groups, labels, 0.2, seed=3)
    assert not set(groups[held]) & set(groups[~held])
    assert 0.1 < held.mean() < 0.3
    assert set(np.array(labels)[held]) == set(labels)


def test_repeat_calls_of_one_caller_stay_together() -> None:
    tickets = [ticket("暖气不热", 0, "c1"), ticket("还是冷,没人来", 10, "c1"), ticket("没人来看过", 90, "c1")]
    groups = group_tickets(tickets, ["供热"] * 3, [t.text for t in tickets])
    assert groups[0] == groups[1]
    assert groups[2] != groups[0]


def test_the_newest_are_held_out_unless_their_group_is_older() -> None:
    times = [datetime.datetime(2026, 1 + i // 10, 1 + i % 10) for i in range(60)]
    groups = np.arange(60)
    groups[59] = 0
    held = split_by_time(times, groups)
    assert held[50:59].all()
    assert not held[:50].any()
    assert not held[59]


def test_tickets_of_a_single_day_are_refused() -> None:
    with pytest.raises(TrainError, match="同一天"):
        split_by_time([datetime.datetime(2026, 1, 1, h) for h in range(20)], np.arange(20))
