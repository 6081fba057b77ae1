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


def test_words_that_count_or_set_apart_within_one_story_are_no_joints() -> None:
    for text in (
        "肉是昨天买的,第二天就臭了,超市不给退",
        "省第四人民医院门口天天堵,第三方检测又要三百",
        "第一次说少一份复印件,第二次说照片不对",
        "我家老二是前年生的,能不能上这个学校",
        "学校让先交钱再说,这到底合不合理",
        "这条路修好以后也还反映了大家的意见,挺好",
        "他们另外要一笔钱,说是加压的",
        "听不懂就对了,我就说这公告谁看得懂",
        "最后一个班车五点就没了,接不上火车",
    ):
        assert propose(text) == [text]


def test_words_that_begin_another_request_are_joints() -> None:
    for text in (
        "第一,楼道灯不亮,第二,门禁坏了",
        "主要两个问题,一是路口没有红绿灯,二是公交站太远",
        "暖气不热物业不管,再说楼道的灯也坏着没人换",
        "成立业委会怎么弄,对了电梯里的广告费归谁",
        "水管漏了没人修,另外还有个事,楼下烧烤到半夜",
        "来电人称楼道三周没人拖地,同时反映门禁坏了两个月",
        "咨询公办园报名的时间,另询问低收入家庭能不能减免",
        "一是路面有坑,其二,桥上的护栏断了一截",
        "路灯坏了,最后一个问题,医保卡在哪里补",
    ):
        assert len(propose(text)) > 1


@given(st.text(max_size=200))
def test_any_text_gives_at_least_one_piece(text: str) -> None:
    assert propose(text)
