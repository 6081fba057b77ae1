"""Plates, e-mail, WeChat and QQ accounts, personal documents and last digits, known by a word or a form."""

import re

from models.masking_marks import AMOUNT_AFTER, SPOKEN, Found

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_SAID = f"0-9{SPOKEN}"
_LINK = r"(?:号码|号|证号|卡号|编号|账号|ID|id)?[ ]?(?:就?是|为|叫|[::=])?[ ]?"

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}(?:@| ?(?:艾特|at) ?)[A-Za-z0-9-]{1,63}"
    r"(?:[ ]?(?:\.|点)[ ]?[A-Za-z0-9-]{1,63}){1,4}"
)


def emails(text: str) -> list[Found]:
    """E-mail addresses, also with 艾特 and 点 said."""
    return [(*m.span(), "邮箱") for m in _EMAIL.finditer(text)]


_WRITTEN = "(?:[A-Za-z0-9][ ,]?){4,5}[A-Za-z0-9挂学警港澳领](?![A-Za-z0-9])"
_PLATE = re.compile(
    rf"(?<![A-Za-z])[{_PROVINCES}] ?[A-HJ-NP-Za-hj-np-z][ ·.,•・-]?"
    rf"(?:{_WRITTEN}|(?:[A-Za-z{_SAID}][ ,]?){{4,5}}[A-Za-z{_SAID}挂学警港澳领](?![A-Za-z{_SAID}]))"
)
_ARMED = re.compile(
    r"(?<![A-Za-z])WJ[ ]?[\d京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]{1,2}[·.]?\d{4,5}(?!\d)"
)
_CUED_PLATE = re.compile(
    rf"(?:车牌照?|牌照|车号|号牌)(?:号码|号)?[ ]?(?:就?是|为|[::])?[ ]?"
    rf"((?:[{_PROVINCES}] ?)?(?:[A-Za-z{_SAID}][ ,·-]?){{4,7}}[A-Za-z{_SAID}])(?![A-Za-z{_SAID}])"
)


def plates(text: str) -> list[Found]:
    """Number plates, also of new-energy vehicles and with the digits said; after 车牌 also without the province."""
    found = [m.span() for p in (_PLATE, _ARMED) for m in p.finditer(text)]
    found += [m.span(1) for m in _CUED_PLATE.finditer(text) if not AMOUNT_AFTER.match(text, m.end())]
    return [(a, b, "车牌") for a, b in found if sum(c in f"0123456789{SPOKEN}" for c in text[a:b]) >= 3]


_DOCUMENTS = re.compile(
    r"(护照|通行证|军官证|士兵证|军人证|警官证|社会保障|社保|医保|学生证|学籍|学|工作证|工|员工|职工|警|胸牌|准考证|残疾人?证|"
    r"驾驶证|驾照|驾驶员证|老年证|优待证|低保证|居住证|户口[本簿]|出生证明?|出生医学证明|执业证|教师资格证|毕业证|就诊卡|病历|"
    r"住院|门诊)"
    rf"(号码|号|证号|卡号|编号|档案编?号|[::])?[ ]?(?:就?是|为|叫|[::])?[ ]?"
    rf"((?:[A-Za-z]{{0,4}}[-]?(?:\d[ -]?){{3,19}}[A-Za-z\d])|[{SPOKEN}]{{5,20}}|"
    r"[\u4e00-\u9fff]字第[ ]?\d{4,12}号)(?![A-Za-z\d])"
)
_LETTERS_FIRST = re.compile(r"[A-Za-z]{1,3}\d{6,9}$")


def cued_documents(text: str) -> list[Found]:
    """Numbers of passports, military, social-security, student and staff documents, after the word that names them."""
    found: list[Found] = []
    for match in _DOCUMENTS.finditer(text):
        cue, link, number = match.groups()
        if AMOUNT_AFTER.match(text, match.end()) or (
            not link and not _LETTERS_FIRST.match(number) and "字" not in number
        ):
            continue
        if cue in {"学", "工", "警"} and link not in {"号", "号码", "编号"}:
            continue
        found.append((*match.span(3), "证件号"))
    return found


_SOCIAL = re.compile(
    r"(?:微信|威信|薇信|[Vv]信|(?<![A-Za-z])(?:[Vv][Xx]|[Ww][Xx]|[Qq][Qq])|企鹅|扣扣|加[Vv])(?!群|公众|小程序|支付|视频)"
    rf"{_LINK}[,]?[ ]?([A-Za-z][A-Za-z0-9_-]{{4,19}}|\d{{5,12}}|[{SPOKEN}]{{6,12}})(?![A-Za-z0-9_])"
)


def social_accounts(text: str) -> list[Found]:
    """WeChat and QQ accounts, after the word that names them."""
    return [
        (*m.span(1), "微信")
        for m in _SOCIAL.finditer(text)
        if not AMOUNT_AFTER.match(text, m.end()) and m.group(1) not in {"12345", "12315", "12333", "95598", "10086"}
    ]


_TAIL = re.compile(
    r"(?:尾号|后[三四五六346]位)(?:数字?)?(?:后[三四346]位)?(?:就?是|为|[::])?[ ]?"
    rf"((?=[A-Za-z]?[{_SAID}]{{2}})[A-Za-z{_SAID}]{{3,6}})(?![A-Za-z{_SAID}])"
)


_THING = re.compile(r"(?:编号|单号|工单|订单|受理号|文号|合同号?|发票号?|条码)的?$")


def tails(text: str) -> list[Found]:
    """Last digits of a telephone, card, plate or identity card, after 尾号 or 后四位."""
    found: list[Found] = []
    for match in _TAIL.finditer(text):
        if AMOUNT_AFTER.match(text, match.end()):
            continue
        before = re.split(r"[。!?;]", text[max(0, match.start() - 12) : match.start()])[-1]
        if _THING.search(before):
            continue
        after = text[match.end() : match.end() + 6]
        found.append((*match.span(1), _tail_kind(before, after)))
    return found


def _tail_kind(before: str, after: str) -> str:
    for words, kind in ((r"车|牌|[青甘藏陕川][A-Z]", "车牌"), (r"卡|账", "银行卡"), (r"身份|证件", "身份证")):
        if re.search(words, before):
            return kind
    for words, kind in ((r"车", "车牌"), (r"卡|账", "银行卡")):
        if re.search(words, after):
            return kind
    return "电话"
