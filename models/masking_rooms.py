"""Room numbers of homes; the estate, the house number and the floor stay, because they decide who is sent."""

import re

from models.masking_marks import SPOKEN, Found

_N = rf"(?:\d{{1,4}}|[{SPOKEN}十百]{{1,6}})"
_GAP = r"[ ,、\-—杠]?"
_COUNTED = (
    r"(?!\d|[-到至]\d|[a-zA-Z]|\.\d|[元块万平米㎡度年月天岁人名个家路次斤吨分千伏毫栋]|多|单元|号楼|号线|号院|"
    r"户(?:都|全|居民|人|没|停|业主|住户|的人))"
)
_NO_SHOP = r"(?!的?(?:商铺|门面|铺面|铺子|摊位|店|仓库|窗口))"
_DOOR = (
    rf"(?:(?:\d{{3,4}}|[{SPOKEN}]{{3,4}}|[{SPOKEN}]百[{SPOKEN}十]{{1,3}}|[A-Za-z]\d{{2,4}}){_COUNTED}"
    rf"(?:室|号房?间?|房间?|户)?{_NO_SHOP})"
)
_NUMBERED = rf"(?:{_N}(?:室|号房|房间|号(?![楼院线井门路表杆口栋库])))"
_ROOM = rf"(?:{_N}(?:室|号房|房间))"
_SIDE = r"(?:[东西中南北左右](?:手边|[边面手侧])?(?:的?那?[一]?(?:户|家|室|门)|手))"
_FLOOR = rf"(?:{_N}(?:楼|层){_GAP})"

_UNIT = re.compile(rf"{_N}单元{_GAP}(?:的|第)?{_FLOOR}?(?:{_DOOR}|{_NUMBERED}|{_SIDE})")
_BUILDING = re.compile(
    rf"(?:{_N}号楼|{_N}[栋幢座]|[A-Za-z][栋座幢]|\d{{1,3}}#楼?)(?:的)?{_GAP}"
    rf"({_FLOOR}?(?:{_DOOR}|{_ROOM}|{_SIDE})|\d{{1,2}}-\d{{1,2}}-\d{{3,4}}|\d{{1,2}}-\d{{3,4}}(?![\d元块]))"
)
_STOREY = re.compile(rf"({_FLOOR}(?:{_DOOR}|{_ROOM}))")
_HOUSE = re.compile(rf"{_N}号(?:院|附{_N}号)?{_GAP}({_FLOOR}?(?:\d{{3,4}}|[{SPOKEN}]{{3,4}})(?:室|房))")
_TRIPLE = re.compile(
    r"(?<![\d.\-A-Za-z])\d{1,3}(?:-|—|–|#|/)\d{1,2}(?:-|—|–|#|/)\d{3,4}(?![\d\-A-Za-z]|\.\d|号?商铺|号?门面)"
)
_SPOKEN_TRIPLE = re.compile(
    rf"(?<![{SPOKEN}\d])[{SPOKEN}十\d]{{1,3}}(?:杠|的|-)[{SPOKEN}\d]{{1,2}}(?:杠|的|-)[{SPOKEN}\d]{{3,4}}(?![{SPOKEN}\d])"
)
_PAIR = re.compile(
    r"(?:小区|花园|家园|苑|公寓|家属院|院|新村|华府|城|期|庭|府|住在?|家在|我家是?|房号[:是]?|门牌号?[:是]?)"
    r"[ ,:]?(\d{1,2}-\d{3,4}(?:室|号|户)?)(?![\d\-元块万年度平米个人])"
)
_PAIR_ROOM = re.compile(r"(?<![\d\-.])\d{1,2}-\d{3,4}室")
_THREE = rf"(?:\d{{3,4}}|[{SPOKEN}]{{3,4}})"
_HOMES = (
    re.compile(
        rf"(?:住在?的?|我家是?|家里是?|家在|宿舍楼?|公寓|小区|花园|家属院|苑)[ ]?({_FLOOR}?{_THREE}(?:室|房间?))"
    ),
    re.compile(
        rf"(?:房号|房间号|室号|门牌号?|户室号?)(?:[:是为]|就是)?[ ]?"
        rf"((?:\d{{1,2}}-)?\d{{3,4}}|[{SPOKEN}]{{3,4}})(?![\d{SPOKEN}路])"
    ),
    re.compile(
        rf"(?:楼上|楼下|对门|隔壁|对面|我家是?|邻居|我是|我们家?|我住在?)(?:的|住)?({_THREE}(?:室|房|号房|"
        r"号?(?=的?(?:那家|这家|那户|住户|邻居|业主|租户|人家|家里|家的|家,|家$))|(?=的(?!路|公交|车))))"
    ),
)
_PUBLIC = re.compile(
    r"(?:政务|政府|行政|大厅|医院|学校|大学|中学|小学|学院|法院|检察院|教学|办公|办事|(?:服务|市民|便民)中心|派出所|门诊|住院|实验|写字楼|"
    r"酒店|宾馆|商场|局|站|图书馆)[^。;!?,]{0,8}$"
)


def rooms(text: str) -> list[Found]:
    """Unit and room (2单元501, 3-2-501, 四零二室, 2单元三楼东户); not the building, not a floor or a unit alone."""
    found = [m.span() for p in (_UNIT, _TRIPLE, _SPOKEN_TRIPLE, _PAIR_ROOM) for m in p.finditer(text)]
    found += [m.span(1) for m in _PAIR.finditer(text)]
    for pattern in (_BUILDING, _STOREY, _HOUSE, *_HOMES):
        found += [m.span(1) for m in pattern.finditer(text) if not _public(text, m.start())]
    best = sorted(found, key=lambda span: (span[0], -span[1]))
    return [(a, b, "房号") for a, b in best]


def _public(text: str, start: int) -> bool:
    """Whether the words before name a public building, whose rooms are nobody's home."""
    return bool(_PUBLIC.search(text[max(0, start - 16) : start]))
