"""Follow-ups: told from whole questions by their words, and made whole from the question before."""

import pytest

from kb.followup import is_follow_up, whole_question


@pytest.mark.parametrize(
    "text",
    [
        "那退休的呢", "那孩子呢", "那老人呢?", "要是外地户口呢", "还有农村的呢", "如果是灵活就业的呢",
        "那二套房呢", "退休的呢", "那在职的怎么办", "要带什么材料", "那要多少钱", "去哪办", "多久能办好",
        "那网上能办吗", "需要啥手续", "几点上班", "那居民的也一样吗", "那租房的可以吗", "嗯,那退休的呢",
    ],
)  # fmt: skip
def test_what_leaves_out_its_subject_is_a_follow_up(text: str) -> None:
    assert is_follow_up(text)


@pytest.mark.parametrize(
    "text",
    [
        "那我家暖气不热怎么办", "要是暖气坏了怎么办", "身份证丢了怎么补办", "那小区电梯停了呢", "还有路灯不亮",
        "职工医保报销比例是多少", "那你们管不管", "如果老板不给工资怎么办", "养老金什么时候涨", "谢谢",
        "好的", "不是这个意思", "城西区的", "那就这样吧", "", "我想问一下高龄补贴多少钱",
        "供暖什么时候开始", "公积金要带什么材料",
    ],
)  # fmt: skip
def test_what_says_its_subject_stands_alone(text: str) -> None:
    assert not is_follow_up(text)


@pytest.mark.parametrize(
    ("context", "text", "whole"),
    [
        (["在职职工医保报销多少"], "那退休的呢", "退休职工医保报销多少"),
        (["医保报销多少"], "那退休的呢", "退休,医保报销多少"),
        (["医保报销多少", "那退休的呢"], "那孩子呢", "孩子,医保报销多少"),
        (["医保报销多少", "那孩子呢"], "要带什么材料", "孩子,医保报销多少 要带什么材料"),
        (["城市低保多少钱"], "那农村的呢", "农村低保多少钱"),
        (["居住证怎么办"], "要带什么材料", "居住证怎么办 要带什么材料"),
        (["居住证怎么办"], "暖气不热找谁", "暖气不热找谁"),
        ([], "那退休的呢", "那退休的呢"),
        (["", " "], "那退休的呢", "那退休的呢"),
    ],
)
def test_the_question_before_makes_it_whole(context: list[str], text: str, whole: str) -> None:
    assert whole_question(text, context) == whole
