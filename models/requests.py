"""Splitting a call into its separate requests by the joints people put between them; it only proposes pieces."""

import re

_THING = r"(?:事情?|问题|情况|诉求)"
_JOINT = re.compile(
    # 第二个问题, 第二是, 第二, - but not 第二天, 第三方, 第四医院
    rf"第[一二三四五六1-6](?:[个件条点]?(?:{_THING}|就?是|呢)|[个件点]?(?=[,，、:：我你他]))|"
    r"(?<![老统单万唯第周期拜])[一二三四]是(?=[^一-龥]*[^，。]{4})|"
    rf"还有(?:一个|个|一)?(?:{_THING}|就是)|"
    # 另外还有个事, 另外小区里 - but not 另外一个标段, 另外请一家
    rf"另外(?:(?:还有|再)?(?:一[个件])?(?:{_THING}|就是)|还有|再|(?![一请要找盖付加收交买租还])(?=.))|"
    r"再一个(?:就是)?|再(?:有|就是)(?=[,，我你他小楼路])|(?<=[,，。;；!?！？\s])再说(?=[,，我你他小楼路])|"
    r"顺便(?:问|说|反映)(?:一下|下)?|(?<![就才比])对了(?=[,，]?(?:我|你|还|那))|"
    r"(?<=[,，。;；!?！？\s])对了(?=.)|"
    r"(?:同时|另)(?:又|还)?(?:反映|询问|咨询|投诉)|(?<=[,，。;；!?！？\s])还[想要](?:反映|问|咨询|投诉)|另一[件个](?:是|事)|(?<=[,，。;；!?！？\s])其[一二三四](?=[,，:：是])|"
    rf"其次|最后一个(?:{_THING}|就?是|(?=[,，]))"
)
"""What people put between two requests."""
_ENOUGH = 4


def propose(text: str) -> list[str]:
    """Return the pieces of prepared `text` between joints, each with at least four characters; at least one piece."""
    starts = [0] + [m.start() for m in _JOINT.finditer(text) if m.start() > 0]
    pieces = [text[a:b].strip(" ,，。;；") for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    pieces = [_JOINT.sub("", p, count=1).strip(" ,，。:：") if _JOINT.match(p) else p for p in pieces]
    kept = [p for p in pieces if len(p) >= _ENOUGH]
    return kept if len(kept) > 1 else [text]
