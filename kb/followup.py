"""Follow-up questions (追问, "那退休的呢"): told by their words, and made whole from the question before; no models."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kb.likeness import CONTRASTS
from models.text import strip_fillers

LONGEST = 16
"""Characters up to which an utterance can be a follow-up."""

_LINK = re.compile(r"^(?:那么?|还有|另外|再就是|要是|如果|假如|换成|换作|或者|哦|噢|好的?|行|对了|[,，、\s])+")
_TAIL = re.compile(
    r"(?:的话)?(?:又|也|都)?(?:呢|咋办|怎么办|怎么算|怎么弄|行吗|行不行|可以吗|可不可以|能吗|能不能|一样吗|一样不|是不是也?一样"
    r"|有吗|有没有|算吗|是多少|多少|多少钱|几个点)?[呀啊呢吗嘛吧]?[??。.!!\s]*$"
)
_TOPIC_TAIL = re.compile(r"呢[呀啊]?[??。.!!\s]*$")
_ASKS_ON = re.compile(
    r"^(?:那|还|都|又|大概|一共|总共|最多|最少|最快)*(?:"
    r"(?:需要|要|得|用)?(?:带|准备|提供|交|拿)?(?:什么|哪些|啥)(?:材料|证件|手续|资料|条件|东西)?"
    r"|(?:去|到|在|上)?(?:哪|哪儿|哪里|啥地方|什么地方)(?:去)?(?:办理?|交|领|申请|查|看)?"
    r"|(?:要|需要|得)?(?:多久|多长时间|几天|几个月|多少天|多少时间)(?:能)?(?:办好|办完|办下来|下来|到账|拿到|出来)?"
    r"|(?:要|需要|收|得|交)?(?:多少钱|钱|费用?|收费)"
    r"|(?:网上|手机上?|线上|代)?(?:能|可以)?(?:办|代办|网上办|自己办)"
    r"|(?:几点|什么时候|啥时候|哪天)(?:上班|下班|开门|关门|到期|截止|开始|结束)?"
    r"|(?:打)?(?:哪个|什么)?电话(?:是)?(?:多少|几)?|怎么(?:办理?|申请|交|领|查|弄)|有(?:什么|啥)(?:条件|要求|限制)"
    r")(?:的)?[呀啊呢吗嘛吧]*[??。.!!\s]*$"
)
_OWN_PREDICATE = re.compile(r"[不没坏漏断停]|[了着过]$|有人|我家|我们|小区")


def is_follow_up(text: str) -> bool:
    """Whether a masked utterance leaves out what it is about, so that it needs the question before."""
    text = strip_fillers(text).strip()
    if not text or len(text) > LONGEST:
        return False
    rest = _LINK.sub("", text)
    if _ASKS_ON.fullmatch(rest):
        return True
    linked = rest != text
    topic = _TAIL.sub("", rest)
    if not linked and not _TOPIC_TAIL.search(rest):
        return False
    if rest == topic and not rest.endswith("的"):
        return False
    if _TOPIC_TAIL.search(rest):
        return 0 < len(topic) <= 10 and not _OWN_PREDICATE.search(topic.removesuffix("的"))
    return 0 < len(topic) <= 6 and not _OWN_PREDICATE.search(topic) and (topic.endswith("的") or _in_contrast(topic))


def whole_question(text: str, context: Sequence[str]) -> str:
    """Return `text`, made whole from the earlier utterances of the call (the oldest first) when it is a follow-up.

    A word that stands against one of the earlier question (退休 against 在职) takes its place; anything else is
    put in front of it.
    """
    base = topic = ask = ""
    for utterance in [*context, text]:
        utterance = utterance.strip()
        if not base or not is_follow_up(utterance):
            base, topic, ask = utterance or base, "", ""
            continue
        rest = _LINK.sub("", strip_fillers(utterance).strip())
        if _ASKS_ON.fullmatch(rest):
            ask = rest
        else:
            topic, ask = _TAIL.sub("", rest).removesuffix("的") or rest, ""
    if not text.strip():
        return text
    return f"{_about(topic, base)} {ask}".strip()


def _about(topic: str, question: str) -> str:
    """Return `question` asked about `topic` instead."""
    for group in CONTRASTS:
        new = next((w for w in group if w in topic), None)
        old = next((w for w in group if w in question), None)
        if new and old:
            return question if new == old else question.replace(old, topic)
    return f"{topic},{question}" if topic else question


def _in_contrast(topic: str) -> bool:
    return any(word in topic for group in CONTRASTS for word in group)
