"""Splitting a call into its separate requests by the joints people put between them; it only proposes pieces."""

import re

_JOINT = re.compile(
    r"(?:第[一二三四五六1-6]个?(?:事情?|问题|是|呢)?|[一二三四]是(?=[^一-龥]*[^，。]{4})|还有(?:一个|个|一)?(?:事情?|问题|就是)|"
    r"另外(?:一个|还有|再)?(?:事|问题)?|再一个(?:就是)?|再(?:有|就是|说)(?=[,，我你他小楼路])|顺便(?:问|说|反映)(?:一下|下)?|"
    r"对了[,，]?(?:我|还|那)?|其次|最后一个)"
)
_ENOUGH = 4


def propose(text: str) -> list[str]:
    """Return the pieces of prepared `text` between joints, each with at least four characters; at least one piece."""
    starts = [0] + [m.start() for m in _JOINT.finditer(text) if m.start() > 0]
    pieces = [text[a:b].strip(" ,，。;；") for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    pieces = [_JOINT.sub("", p, count=1).strip(" ,，。:：") if _JOINT.match(p) else p for p in pieces]
    kept = [p for p in pieces if len(p) >= _ENOUGH]
    return kept if len(kept) > 1 else [text]
