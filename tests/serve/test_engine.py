"""One call, the whole way: every part of the Assist is filled, and odd input gets an honest reply."""

import copy
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.feedback import Feedback
from kb.unanswered import UnansweredQueue
from serve.inputs import InputError
from serve.views import ASSIST_COLUMNS, assist_json, assist_row


def test_a_complaint_gets_category_route_place_and_similar_examples(engine) -> None:
    a = engine.assist("我家暖气不热,打了几次电话没人管,城西区虎台街道的")
    assert a.category.names[:2] == ("公用事业", "供热")
    assert a.route.leads
    assert a.route.leads[0].evidence
    assert (a.places.district, a.places.street) == ("城西区", "虎台街道")
    assert a.similar
    assert a.request_type in {"投诉", "求助"}
    assert a.timings["total"] > 0


def test_a_policy_question_is_answered_with_basis(engine) -> None:
    result = engine.answer("工地上试用期最长能定多久")
    assert result.answered
    assert result.answers[0].basis


def test_a_follow_up_is_read_with_the_call_so_far(engine) -> None:
    context = ["喂你好,我问一下城市低保多少钱"]
    result = engine.answer("那农村的呢", context=context)
    assert result.understood == "农村低保多少钱"
    assert result.answers[0].question == "农村低保多少钱"
    a = engine.assist("那农村的呢", context=context)
    assert a.text == "那农村的呢"
    assert a.answers == result
    assert engine.answer("城市低保多少钱", context=["那农村的呢"]).understood == ""


def test_personal_data_of_the_context_is_masked(engine) -> None:
    a = engine.assist("那退休的呢", context=["电话13812345678医保报销多少"])
    assert "13812345678" not in str(assist_json(a))


def test_hits_and_unanswered_questions_are_left_for_the_desk(engine) -> None:
    queue, feedback = UnansweredQueue(engine.store.engine, engine.bundle.embedder.name), Feedback(engine.store.engine)
    right = engine.answer("工地上试用期最长能定多久").answers[0].entry_id
    assert not engine.answer("火星移民怎么报名,我电话13812345678").answered
    engine.recorder.flush()
    assert feedback.hits()[right] >= 1
    assert "火星移民怎么报名,我电话[电话]" in [c.sample for c in queue.list(limit=1000)]


def test_a_gas_leak_goes_to_the_emergency_lines_first(engine) -> None:
    a = engine.assist("家里一股煤气味,怎么办")
    assert a.route.mode == "emergency"
    assert "119" in a.risk[0].handover
    assert a.route.ask == a.risk[0].ask_first


def test_two_requests_in_a_call_are_told_apart(engine) -> None:
    a = engine.assist("小区路灯不亮好几天了,另外楼下垃圾桶满了没人拉")
    assert [r.category.path[1] for r in a.requests] == ["0402", "0302"]


def test_the_street_decides_the_unit(engine) -> None:
    west = engine.assist("城西区路边大排档占道经营没人管")
    east = engine.assist("城东区路边大排档占道经营没人管")
    assert west.category.code == east.category.code
    assert {t.unit for t in west.route.targets} != {t.unit for t in east.route.targets}


def test_personal_data_is_masked_everywhere(engine) -> None:
    a = engine.assist("我叫王小明,电话13812345678,身份证630102199001011234,暖气不热,座机13800001234")
    body = str(assist_json(a))
    assert "13812345678" not in body
    assert "0001234" not in body
    assert "630102199001011234" not in body


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_an_empty_text_is_refused(engine, text: str) -> None:
    with pytest.raises(InputError, match="为空"):
        engine.assist(text)


def test_a_text_that_is_too_long_is_refused_with_both_lengths(engine) -> None:
    with pytest.raises(InputError, match=r"20000.*20001"):
        engine.assist("长" * 20_001)


def test_twenty_thousand_characters_are_read(engine) -> None:
    assert engine.assist("暖气不热" * 5000).category is not None


@pytest.mark.parametrize("text", ["?!。。。", "😀😀😀", "\x00\x01\x02", "hello, can anyone help me please", "12345"])
def test_there_is_an_honest_nothing_to_say(engine, text: str) -> None:
    a = engine.assist(text)
    assert a.note
    assert a.category is None
    assert not a.answers.answered


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=120))
def test_any_text_gives_a_row_or_a_clear_refusal(engine, text: str) -> None:
    try:
        row = assist_row(engine.assist(text))
    except InputError:
        return
    assert tuple(row) == ASSIST_COLUMNS
    assert all(isinstance(v, str) for v in row.values())


# -- behaviour: what must not change the outcome, and what must ---------------------------------------------------

CALLS = (
    "楼上漏水把我家天花板泡了",
    "路灯坏了一个多星期没人修",
    "老板拖欠我们三个月工资不给",
    "小区电梯老是坏,天天停",
    "饭店的油烟直接排到我家窗户",
    "公交车半天等不来一趟",
    "井盖响得睡不着",
    "医院看病乱收费",
)


def test_fillers_do_not_change_the_second_level(engine) -> None:
    kept = [
        engine.assist(c).category.path[1] == engine.assist(f"喂你好,那个,就是说,{c},嗯,谢谢啊").category.path[1]
        for c in CALLS
    ]
    assert sum(kept) >= len(kept) - 1


def test_swapping_the_place_seldom_changes_the_category(engine) -> None:
    districts = [p.name for p in engine.catalog.places if p.kind == "district"]
    kept = 0
    for call in CALLS:
        groups = Counter(engine.assist(d + call, record=False).category.path[1] for d in districts)
        kept += groups.most_common(1)[0][1]
    assert kept >= 0.9 * len(CALLS) * len(districts), f"{kept} of {len(CALLS) * len(districts)}"


def test_a_withdrawal_is_a_withdrawal(engine) -> None:
    assert engine.assist("昨天报的暖气不热的单子撤了吧,已经修好了").request_type == "撤单"


def test_a_corrected_place_is_the_place(engine) -> None:
    assert engine.assist("我在城东区,不对,说错了,是城北区,路灯不亮").places.district == "城北区"


def test_a_call_may_go_out_without_a_person_only_where_the_bundle_has_a_point_for_it(engine) -> None:
    texts = ("虎台街道的路灯不亮", "城西区虎台街道小区电梯坏了没人修", "城西区胜利路的井盖丢了")
    plain = [engine.assist(t, record=False) for t in texts]
    assert not any(a.automatic for a in plain)
    call = next(a for a in plain if a.route.mode == "direct" and len(a.requests) == 1)
    sure = call.requests[0].category.probabilities[-1]
    other = copy.copy(engine)

    def at(threshold: float, text: str = call.text) -> bool:
        manifest = {**engine.bundle.manifest, "operating_point": {"threshold": threshold}}
        other.bundle = replace(engine.bundle, manifest=manifest)
        return other.assist(text, record=False).automatic

    assert at(sure - 0.01)
    assert not at(sure + 0.01)
    assert not at(0.0, "家里着火了浓烟往外冒快来救人")
