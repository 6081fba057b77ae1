"""Splitting a call: joints make pieces, and pieces that are too short do not count."""

from hypothesis import given
from hypothesis import strategies as st

from models.requests import propose


def test_a_call_with_joints_is_split() -> None:
    assert propose("路灯不亮好几天了,另外小区垃圾没人拉") == ["路灯不亮好几天了", "小区垃圾没人拉"]


def test_a_call_without_joints_stays_whole() -> None:
    assert propose("路灯不亮,黑灯瞎火的,老人摔了一跤") == ["路灯不亮,黑灯瞎火的,老人摔了一跤"]


def test_a_counted_list_is_split() -> None:
    assert len(propose("第一个是路灯不亮,第二个是垃圾没人拉,还有一个事情物业乱收费")) == 3


@given(st.text(max_size=200))
def test_any_text_gives_at_least_one_piece(text: str) -> None:
    assert propose(text)
