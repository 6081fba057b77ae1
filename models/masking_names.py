"""Names of persons in a call, by the words around them and by what names are made of; streets and shops keep theirs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from models.masking_marks import GONE, Found

with Path(__file__).with_name("masking_names.toml").open("rb") as _file:
    _DATA: dict[str, str] = tomllib.load(_file)

_SURNAMES = frozenset(_DATA["surnames"]) - {"\n"}
_WEAK = frozenset(_DATA["weak_surnames"]) - {"\n"}
_UNCOMMON = frozenset(_DATA["uncommon_surnames"]) - {"\n"} - _SURNAMES
_DOUBLE = frozenset(_DATA["double_surnames"].split())
_RARE = _DOUBLE - {"东方", "百里", "南宫", "长孙"}
"""Surnames that are no words."""
_GIVEN = frozenset(_DATA["given"]) - {"\n"}
_GIVEN_ONLY = frozenset(_DATA["given_only"]) - {"\n"}
_GIVEN_FIRST = _GIVEN | (frozenset(_DATA["given_first"]) - {"\n"})
_HUI = frozenset(_DATA["hui"].split())
_TIBETAN = frozenset(_DATA["tibetan"].split())
_CLOSING = _DATA["tibetan_closing"]
_STARTERS = _SURNAMES | {name[0] for name in _DOUBLE | _HUI | _TIBETAN}
_CUE_ENDS = frozenset("叫是为:名人户署主伴")
_WORDS = frozenset(_DATA["words"].split())
_WORDS_BEFORE = frozenset(_DATA["words_before"].split())

_HAN = re.compile(r"[\u4e00-\u9fff]")
_END = rf"[,。.!?;:、()\s\"“”'《》/{GONE}]"

_PAUSED = rf"{_END}|$"
_PAUSE = re.compile(_PAUSED)

_PERSON = (
    r"老板娘?|司机|医生|大夫|护士|老师|班主任|校长|园长|教练|经理|店长|主任|队长|所长|科长|局长|书记|村长|社长|组长|班长|房东|中介|"
    r"包工头|工头|邻居|业主|户主|住户|房主|车主|机主|店主|负责人|法人(?:代表)?|法定代表人|保安|网格员|民警|辅警|法官|律师|会计|客服|销售|"
    r"顾问|站长|院长|同学|学生|孩子|女儿|儿子|父亲|母亲|丈夫|妻子|老公|老婆|爸爸|妈妈|我爸|我妈|爷爷|奶奶|外公|外婆|哥哥|弟弟|姐姐|妹妹|"
    r"患者|病人|老人|本人|村民|居民|市民|员工|工人|职工|同事|联系人|当事人|申请人|投诉人|举报人|来电人|反映人|被举报人|被投诉人|"
    r"经办人|收件人|收款人|死者|伤者|租客|租户|承租人|出租人|债务人|被执行人|原告|被告|阿訇|师傅|工作人员|管家|主管|老乡|男子|女子|"
    r"妇女|大爷|大妈|爱人|老伴|老汉|婆婆|公公|岳父|岳母|儿媳妇?|女婿|舅舅|叔叔|嫂子|店员|服务员|快递员|外卖员|保姆|董事长|股东|"
    r"委托人|代理人|受益人|监护人|家长|孙子|孙女|侄子|外甥|表哥|表弟|堂哥|堂弟|亲戚|朋友|男朋友|女朋友|对象"
)
_CALLED = re.compile(
    rf"(?:(?:我|他|她|本人|人|者|员|的|个|一位|{_PERSON})(?:的?(?:名字|姓名|全名|真名))?(?:叫做?|名叫|是叫)|名叫|叫做|"
    rf"(?:姓名|名字|全名|真名|联系人|当事人|申请人|投诉人|举报人|来电人|反映人|收件人|收款人|户主|经办人|法定代表人|署名)"
    rf"(?:的?(?:姓名|名字))?(?:就?是|叫|为|[::])?)[ ]?$"
)
"""Words after which a name must follow."""
_SURELY_CALLED = re.compile(r"(?:我|本人|名字|姓名|联系人|名|[:：])(?:叫做?|是|为|[::])[ ]?$")
_UNKNOWN = re.compile(rf"[\u4e00-\u9fff]{{2,4}}?(?={_END}|$|的|今年|身份证|电话|手机|住|是)")
_ROLE = re.compile(rf"(?:{_PERSON}|我是|姓名)(?:是|就是|为|[::])?[ ]?$")
_JOINT = re.compile(
    rf"(?:^|{_END}|举报|投诉|反映|起诉|控告|联系|转给|[我是叫找让被和跟与由给向对问说把请等名位个就的因为替帮里上员人])$"
)
"""Places where a name may begin."""
_NO_NAME = re.compile(
    r"什么|啥|不|你|您|他|她|它|我|人|车|苦|了|着|来|去|板|醒|出|天|谁|别|停|走|开|一|这|那|个|救|外卖|大家|老|小|爸|妈|他们|"
    r"家里|自己|物业|警察|保安|师傅|司机|滴滴|出租|号|法|骂|喊|唤|嚣|价|卖|好|做|到|错"
)
_NO_GIVEN = re.compile(r"[我你您他她它不了着什啥谁这那个来去吗吧呢啊的过得]")
_TITLE = (
    r"先生|女士|小姐|太太|老师|医生|大夫|师傅|经理|主任|阿訇|书记|校长|院长|所长|队长|局长|科长|处长|站长|镇长|乡长|县长|区长|市长|"
    r"村长|社长|组长|班长|店长|园长|部长|会计|律师|教练|老板|护士|法官|警官|主管|助理|顾问|管家|大爷|大妈|大叔|大姐|大哥|阿姨|奶奶|爷爷|"
    r"同志|总监|总(?![是共之部裁体结得会算公局行站工金价量数想要能有闸线务负])|工(?=[,。说]|$)|某(?=[,。说]|$)"
)
_TITLED = re.compile(rf"(?:{_TITLE})")
_CONTACT = re.compile(rf"[,:( ]?(?:{GONE}|的?(?:电话|手机|身份证|联系电话|联系方式|微信)|[男女](?=[,)]))")
_VERB = re.compile(
    rf"{_END}|$|反映|投诉|来电|举报|表示|称|说|讲|骂|打|欠|住|拖|把|将|在|的|是|和|与|跟|及|一直|拒|不|没|已|于|今年|现年|被|从|给|让|"
    r"又|也|还|就|到|去|来|要|收|开|拿|承诺|答应|因|为|态度|办|签|卖|租|借|转|威胁|推|私|乱|经常|多次|向|对|家|名下|两口|夫妻|夫妇|[两二三四五六]人|有|想|"
    r"他|她|我|你|处|等|当|都|这|那|现在|目前|昨|前|上"
)
_ORGANISATION = re.compile(
    r"(?![把在的是到去给和跟与不从被将欠让说叫要拿占拖])(?:[\u4e00-\u9fff](?<![把在的是到去给和跟与不从被将欠开走跑让堵养放种喝])){0,2}?"
    r"(?:家[山城岭坪滩坡崖泉咀嘴]|路(?!边|上)|街|巷(?!子)|大道|区|县|镇|乡|村|庄|寨|湾|沟|桥|寺|小区|花园|家园|苑|广场|大厦|公司|集团|超市|"
    r"商店|商行|餐|饭|面馆|拉面|牛肉面|酒店|宾馆|诊所|牙科|口腔|药房|药店|烧烤|火锅|理发|美发|美容|工作室|麻辣|鸭|店|厂|幼儿园|学校|"
    r"小学|中学|医院|纪念|故居|公园|景区|水库|水电|项目|工程|品牌|牌(?!照)|社区|街道|市场|商城|驾校|培训|教育|健身|"
    r"汽修|建材|烤|火车|机场|德勒|花(?![了钱费光掉])|茶|馍|羊|牛)"
)
_SHOP = re.compile(
    r"[\u4e00-\u9fff]{0,2}(?:馆|[餐饭面粉]店|店铺|拉面|超市|烧烤|火锅|诊所|口腔|理发|美发|美容|烘焙|蛋糕|培训班|工作室|熟食|包子|凉皮)"
)
"""黄师傅拉面馆 is a shop, not a person."""
_VILLAGE = re.compile(r"家[山城岭坪滩坡崖泉咀嘴沟湾庄寨台窑墩营堡店桥河]")
"""李家山 is a place named after a family."""
_SURNAME_ALONE = re.compile(rf"(?:^|{_END})我是[老小]?([\u4e00-\u9fff])(?={_PAUSED})")
_SURNAME_SAID = re.compile(
    rf"(?:免贵|(?<![百同贵老])(?=姓))姓({'|'.join(sorted(_DOUBLE))}|[\u4e00-\u9fff])(?={_END}|$|叫|的|名|先生|女士)"
)


def names(text: str) -> list[Found]:
    """Return the names of persons in `text`; of a surname with a title (王先生) only the surname."""
    found: list[Found] = []
    position = 0
    while position < len(text):
        end = _name(text, position) if _may_begin(text, position) else 0
        if end:
            found.append((position, end, "姓名"))
            position = end
        else:
            position += 1
    found += [
        (*m.span(1), "姓名") for m in _SURNAME_SAID.finditer(text) if m.group(1) in _DOUBLE or m.group(1) in _SURNAMES
    ]
    found += [(*m.span(1), "姓名") for m in _SURNAME_ALONE.finditer(text) if m.group(1) in _SURNAMES - {"党"}]
    return found


def _may_begin(text: str, position: int) -> bool:
    """Reject cheaply: most characters begin no name."""
    character = text[position]
    if character in _STARTERS:
        return True
    return text[max(0, position - 2) : position].rstrip(" ")[-1:] in _CUE_ENDS and bool(_HAN.match(character))


def _name(text: str, start: int) -> int:
    """Return the end of the name that begins at `start`, or 0."""
    before = text[max(0, start - 12) : start]
    called = bool(_CALLED.search(before))
    end = _tibetan(text, start, called, before) or _hui(text, start, called)
    if end:
        return 0 if _organisation(text, end) and not called else end
    surname = _surname_length(text, start)
    if not surname and text[start] in _UNCOMMON and (called or _ROLE.search(before)):
        surname = 1
    if surname:
        end = _chinese(text, start, surname, called, before)
    if end or not called:
        return end
    return _anything(text, start)


def _surname_length(text: str, start: int) -> int:
    if text[start : start + 2] in _DOUBLE:
        return 2
    return 1 if text[start] in _SURNAMES else 0


def _chinese(text: str, start: int, surname: int, called: bool, before: str) -> int:
    """A surname and one or two more characters, or a surname and a title."""
    role = bool(_ROLE.search(before))
    joint = role or text[start : start + surname] in _RARE or bool(_JOINT.search(before))
    previous = text[start - 1 : start]
    inside = previous + text[start] in _WORDS_BEFORE and not role and previous not in {"小", "老"}
    if inside and not called:
        return 0
    after = start + surname
    title = _TITLED.match(text, after)
    if title and _SHOP.match(text, title.end()):
        return 0
    if title and not called and not (title.group() == "工" and text[start : start + 2] in _WORDS):
        weak = text[start] in _WEAK and surname == 1
        return after if not weak or joint else 0
    for given in (2, 1):
        end = after + given
        if end > len(text) or GONE in text[start:end] or not all(map(_HAN.match, text[after:end])):
            continue
        if _accept(text, start, after, end, called, role, joint):
            return end
    return 0


def _accept(text: str, start: int, after: int, end: int, called: bool, role: bool, joint: bool) -> bool:
    """Whether a surname and `text[after:end]` are a name, by the words before (called, role, joint) and after."""
    given = text[after:end]
    if not called and _VILLAGE.fullmatch(given):
        return False
    if text[start] in _UNCOMMON and (len(given) == 1 or text[start : start + 2] in _WORDS):
        return False
    known = given[-1] in _GIVEN and all(c in _GIVEN_FIRST for c in given)
    word = text[start : start + 2] in _WORDS
    titled = bool(_TITLED.match(text, end) or _CONTACT.match(text, end))
    ends = bool(_PAUSE.match(text, end))
    goes_on = bool(_VERB.match(text, end))
    if called and text[start] not in _UNCOMMON:
        return (
            not _NO_GIVEN.search(given)
            and not (word and end - start == 2)
            and (ends or titled or known or (goes_on and not word))
        )
    if word and not (role and len(given) == 2 and (titled or ends or given[-1] in _GIVEN_ONLY)):
        return False
    if not known or (_organisation(text, end) and not titled):
        return False
    if len(given) == 2 or end - start >= 3:
        weak = text[start] in _WEAK or text[start] in _UNCOMMON
        if role or called:
            return not weak or goes_on or titled
        if joint:
            return titled or (goes_on and not weak) or ends
        return titled and not weak
    return joint and (titled or (goes_on and text[start] not in _WEAK))


def _anything(text: str, start: int) -> int:
    """After 我叫 and the like: two to four characters up to a pause, whatever they are."""
    match = _UNKNOWN.match(text, start)
    if not match or _NO_NAME.match(match.group()) or match.group()[:2] in _WORDS:
        return 0
    return match.end() if _SURELY_CALLED.search(text[max(0, start - 6) : start]) else 0


def _tibetan(text: str, start: int, called: bool, before: str) -> int:
    end = _piece(text, start, _TIBETAN)
    if not end:
        return 0
    second = _piece(text, end, _TIBETAN)
    if second:
        return second
    if text[end : end + 1] in set(_CLOSING) and (_VERB.match(text, end + 1) or _TITLED.match(text, end + 1)):
        return end + 1
    near = called or _ROLE.search(before)
    if near and (_VERB.match(text, end) or _TITLED.match(text, end)):
        return end
    return end if _TITLED.match(text, end) and _JOINT.search(before) else 0


def _hui(text: str, start: int, called: bool) -> int:
    surname = 1 if text[start] in _SURNAMES else 0
    if not surname and not called:
        return 0
    end = _piece(text, start + surname, _HUI)
    if not end:
        return 0
    further = _piece(text, end, _HUI)
    return further or end


def _piece(text: str, start: int, names_: frozenset[str]) -> int:
    return next((start + n for n in (4, 3, 2) if start + n <= len(text) and text[start : start + n] in names_), 0)


def _organisation(text: str, end: int) -> bool:
    return bool(_ORGANISATION.match(text, end))
