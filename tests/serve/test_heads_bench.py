"""The heads alone are timed one by one, parts of a bundle weighed, and labelled calls read, faults named."""

from pathlib import Path

import pytest

from serve.heads_bench import CallsError, accuracy, read_calls, sizes, timings


def test_every_head_is_timed_and_together_they_take_as_long_as_their_sum_at_least(engine) -> None:
    found = timings(engine)
    assert set(found) == {"category", "request_type", "risk", "together"}
    assert all(0 < row["p50"] <= row["p95"] for row in found.values())
    assert found["together"]["p50"] >= max(row["p50"] for name, row in found.items() if name != "together")


def test_the_parts_of_a_bundle_make_up_its_size(engine) -> None:
    folder = engine.settings.bundle_now
    found = sizes(folder)
    assert found["together"] == pytest.approx(sum(v for k, v in found.items() if k != "together"), abs=0.1)
    assert found["encoder"] >= (folder / "encoder" / "encoder.onnx").stat().st_size / 1e6


def test_labelled_calls_are_counted_level_by_level_with_type_and_parting(engine) -> None:
    calls = [
        {"text": "整条街的路灯都不亮好几天了", "code": "0402010101", "request_type": "求助", "requests": "1"},
        {"text": "路灯好了,不用修了,单子撤了吧", "code": "", "request_type": "撤单"},
        {"text": "整条街的路灯都不亮", "code": "0101010101", "request_type": "表扬", "requests": "1"},
    ]
    found = accuracy(engine, calls)
    assert found["levels"][1] == {"right": 1, "of": 2}, "the third is labelled wrongly, the second has no code"
    assert found["request_type"]["of"] == 3
    assert found["request_type"]["right"] <= 2
    assert found["parted"] == {"single": {"parted": 0, "of": 2}, "several": {"parted": 0, "of": 0}}


def test_a_fault_in_the_calls_names_file_row_and_column(tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text("text,code\n路灯不亮,1\n", encoding="utf-8")
    with pytest.raises(CallsError, match=r"c\.csv: 缺少列 request_type"):
        read_calls(file)
    file.write_text("text,code,request_type,requests\n路灯不亮,0402010101,求助,两件\n", encoding="utf-8")
    with pytest.raises(CallsError, match=r"c\.csv 第2行 requests: 应为个数,实为 两件"):
        read_calls(file)
