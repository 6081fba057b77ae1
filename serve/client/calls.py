"""Every call of the interface. Written by docs/generate.py from OpenAPI; do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from serve.client.transport import Caller, part


class Alternative(TypedDict):
    """Another leaf that may be meant."""

    code: str
    """末级代码"""
    name: str
    """末级名称"""
    probability: float
    """概率"""


class AnswerEntry(TypedDict):
    """An entry that may answer; below the threshold only its title."""

    entry_id: str
    """条目编号"""
    question: str
    """标准问"""
    confidence: float
    """答得对的概率(已校准)"""
    answer: NotRequired[str]
    """可以读出的答复;没有把握时不给"""
    highlight: NotRequired[str]
    """与来电最贴近的一句"""
    basis: NotRequired[str]
    """依据(文号)"""
    department: NotRequired[str]
    """主管部门"""
    effective_from: NotRequired[str]
    """生效日"""
    effective_to: NotRequired[str]
    """失效日"""
    verification: NotRequired[str]
    """核定情况"""
    warnings: NotRequired[list[str]]
    """读出前要留意的事"""


class AnswerOut(TypedDict):
    """Answers with versions."""

    answered: bool
    """第一条是否有把握读出"""
    entries: list[AnswerEntry]
    """按把握从高到低"""
    understood: NotRequired[str | None]
    """追问连同上文补全成的整句;不是追问则没有"""
    versions: Versions
    """版本"""


class Answers(TypedDict):
    """Answers to a question."""

    answered: bool
    """第一条是否有把握读出"""
    entries: list[AnswerEntry]
    """按把握从高到低"""
    understood: NotRequired[str | None]
    """追问连同上文补全成的整句;不是追问则没有"""


class AsideOut(TypedDict):
    """A row that was set aside, as it stands in the file that was sent, so that it can be mended and sent again."""

    row: int
    """第几行;表头是第 1 行"""
    cells: dict[str, str]
    """这一行各列的内容"""
    reason: str
    """为什么搁置(已脱敏)"""


class AssistOut(TypedDict):
    """Everything put in front of the operator."""

    text: str
    """来电文字(规范化、已脱敏)"""
    note: str
    """没有可说的时为何;否则为空"""
    answers: Answers
    """政策答复"""
    category: CategoryOut | None
    """第一件诉求的分类"""
    request_type: RequestTypeOut
    """诉求类型"""
    requests: list[RequestOut]
    """来电里的各件诉求"""
    risk: list[RiskOut]
    """风险,正在发生的在前"""
    places: PlacesOut
    """地点"""
    route: RouteOut
    """派单"""
    similar: list[SimilarOut]
    """相似的往例"""
    timings: dict[str, float]
    """各步毫秒"""
    versions: Versions
    """版本"""
    automatic: bool
    """是否够得上模型包选定的自动派单门槛(一件诉求、没有险情、直派、把握够);没有选定时为 false"""


class AuditLine(TypedDict):
    """A line of the audit trail."""

    seq: int
    """行号"""
    at: str
    """时间(UTC)"""
    who: str
    """谁"""
    what: str
    """做了什么"""
    object: str
    """对象"""
    detail: str
    """细节(JSON)"""
    request_id: str
    """请求编号"""
    hash: str
    """校验值"""


class AuditPage(TypedDict):
    """A page of the audit trail."""

    items: list[AuditLine]
    """按行号"""
    next: str | None
    """下一页的游标;没有更多时为空"""


class BatchLine(TypedDict):
    """A line of the reply to a batch: a result or an error, with the number of the line it belongs to."""

    line: int
    """输入的第几行,从 1 起"""
    id: NotRequired[str]
    """输入行里的 id,原样返回"""
    assist: NotRequired[AssistOut | None]
    """结果"""
    error: NotRequired[str]
    """这一行为何没有结果"""


class Breakdown(TypedDict):
    """Tickets by a dimension."""

    title: str
    """按什么分"""
    rows: list[Share]
    """件数多的在前,最多 20 类"""


class BundleChanged(TypedDict):
    """The bundle in use after a change."""

    version: str
    """现在使用的版本"""
    told: str
    """比较与启用的说明"""


class BundleEvent(TypedDict):
    """A change of the bundle in use."""

    at: str
    """何时(UTC)"""
    what: str
    """promote 启用 / rollback 退回 / refused 未予启用"""
    version: str
    """到哪一版"""
    who: str
    """谁"""
    why: str
    """为什么"""
    reasons: list[str]
    """未予启用的理由"""


class BundleList(TypedDict):
    """The bundles of this installation."""

    items: list[BundleOut]
    """旧的在前;shipped 为随程序附带的"""
    events: list[BundleEvent]
    """最近 20 次变更,旧的在前"""


class BundleOut(TypedDict):
    """A bundle of this installation."""

    version: str
    """版本"""
    made_at: str
    """何时训练"""
    rows: int | None
    """用了多少件工单"""
    accuracy: list[float]
    """留出工单上各级的准确率,从一级起"""
    current: bool
    """是否正在使用"""


class Call(TypedDict):
    """What is sent: the words so far, and what the operator already knows."""

    text: str
    """来电文字,最多 20000 字"""
    district: NotRequired[str]
    """已知的区县名"""
    context: NotRequired[list[str]]
    """本通电话此前说过的话,从早到晚;追问(如“那退休的呢”)据此理解"""
    on: NotRequired[str | None]
    """按哪一天的有效条目答复;默认今天"""
    returned_by: NotRequired[list[Returned]]
    """此前退回本单的单位;派单不再提出它们"""
    final: NotRequired[bool]
    """说完了没有;边打字边查时填 false,不计入条目命中与未答队列"""


class Candidate(TypedDict):
    """An entry that was found."""

    entry_id: str
    """条目编号"""
    question: str
    """标准问"""
    score: float
    """向量余弦"""


class CaseOut(TypedDict):
    """A ticket as a sample."""

    id: str
    """工单编号"""
    day: str
    """受理日"""
    text: str
    """内容(已脱敏)"""
    code: str
    """分类代码"""
    unit: str
    """承办单位"""
    district: str
    """区县"""
    reason: str
    """退回或改派的原因"""


class CategoryOut(TypedDict):
    """The category of a request, from level 1 to the leaf."""

    code: str
    """末级代码"""
    names: list[str]
    """一级到末级的名称"""
    path: list[str]
    """一级到末级的代码"""
    probabilities: list[float]
    """每一级的概率(已校准)"""
    depth: int
    """可信到第几级;0 = 哪一级都不够"""
    confidence: float
    """可信那一级的概率"""
    words: list[str]
    """支持此分类的字词,最强的在前"""
    alternatives: list[Alternative]
    """其他可能的末级"""


class Cause(TypedDict):
    """Why tickets were returned or passed on."""

    reason: str
    """原因"""
    count: int
    """件数"""


class CellOut(TypedDict):
    """A season in one place: this week's count against its history."""

    place: str
    """小区、社区或街道"""
    count: int
    """本周件数"""
    callers: int
    """已知的不同来电人"""
    expected: float
    """历史每周的均值"""
    upper: int
    """历史所能解释的界限"""
    probability: float
    """历史照旧时,出现这么多或更多的概率"""
    weeks: int
    """历史有几周;0 = 没有历史,不判突增"""
    alert: bool
    """是否突增"""
    cases: list[CaseOut]
    """其中的工单,最多 10 件"""


class Choices(TypedDict):
    """Fixed choices of the panel."""

    city: str
    """城市"""
    levels: list[str]
    """分类各级的名称"""
    districts: list[str]
    """区县"""
    request_types: list[str]
    """诉求类型"""


class ClassifyOut(TypedDict):
    """Only the category and the request type."""

    category: CategoryOut | None
    """第一件诉求的分类"""
    request_type: RequestTypeOut
    """诉求类型"""
    requests: list[RequestOut]
    """来电里的各件诉求"""
    note: str
    """没有分类时为何"""
    versions: Versions
    """版本"""


class Comparison(TypedDict):
    """What differs between two versions."""

    before: int
    """前一版的修订号"""
    after: int
    """后一版的修订号"""
    differences: list[Difference]
    """不同的各列"""


class Corrected(TypedDict):
    """A call whose category the operator has chosen."""

    text: str
    """来电文字"""
    code: str
    """坐席选定的分类代码,任意一级"""
    district: NotRequired[str]
    """已知的区县名"""


class Count(TypedDict):
    """A name and how many."""

    name: str
    """名称"""
    count: int
    """件数"""


class DaysOut(TypedDict):
    """A period and its length."""

    start: str
    """第一天"""
    end: str
    """最后一天"""
    days: int
    """天数"""


class Difference(TypedDict):
    """A column that differs."""

    field: str
    """哪一列"""
    before: str
    """前一版"""
    after: str
    """后一版"""


class Drift(TypedDict):
    """Model drift: this period's calls against those of the period before."""

    definition: str
    """怎样算、怎样判"""
    calls: int
    """本期来电"""
    calls_before: int
    """上期来电"""
    bundles: list[str]
    """本期用过的模型包版本"""
    measures: list[DriftMeasure]
    """各项度量"""


class DriftMeasure(TypedDict):
    """How much one measure of the calls moved."""

    name: str
    """度量名"""
    title: str
    """度量的中文名"""
    index: float | None
    """群体稳定性指数;件数不足时空"""
    verdict: Literal["件数不足", "平稳", "留意", "已漂移"]
    """判断"""


class EntryCells(TypedDict):
    """An entry as its file holds it: every value is text, several values are joined by `;`, dates are YYYY-MM-DD."""

    id: NotRequired[str]
    """编号;以路径里的为准"""
    question: NotRequired[str]
    """标准问"""
    aliases: NotRequired[str]
    """别的问法,用 ; 隔开"""
    answer: NotRequired[str]
    """可以照读的答复"""
    basis: NotRequired[str]
    """依据(文号、条款)"""
    department: NotRequired[str]
    """主管部门"""
    category: NotRequired[str]
    """分类代码"""
    region: NotRequired[str]
    """只适用的区县;空 = 全市"""
    effective_from: NotRequired[str]
    """生效日"""
    effective_to: NotRequired[str]
    """失效日"""
    keywords: NotRequired[str]
    """关键词,用 ; 隔开"""
    status: NotRequired[str]
    """状态;存时一律为草稿"""
    verification: NotRequired[str]
    """核定情况"""
    verified_at: NotRequired[str]
    """核定日"""
    reviewer: NotRequired[str]
    """审核人;由发布者决定,写了不算"""
    source: NotRequired[str]
    """来源"""


class EntryIn(TypedDict):
    """New content of an entry."""

    who: NotRequired[str]
    """操作人;启用密钥后以密钥的主人为准,不必写"""
    why: str
    """原因;存前脱敏"""
    expected: NotRequired[int | None]
    """改的是哪个修订;0 = 新条目;也可用 If-Match 给出"""
    entry: EntryCells
    """条目的各列"""


class EntryOut(TypedDict):
    """An entry as the store holds it."""

    entry: EntryCells
    """条目的各列"""
    revision: int
    """修订号,也是 ETag"""
    author: str
    """当前内容由谁起草"""
    live: int | None
    """正在据以答复的修订;没有则为空"""
    changed_at: str
    """何时改的(UTC)"""


class EntryPage(TypedDict):
    """A page of entries."""

    items: list[EntryOut]
    """按编号"""
    next: str | None
    """下一页的游标;没有更多时为空"""
    count: int
    """符合条件的共几条"""


class EventOut(TypedDict):
    """A proposal to merge tickets into one event."""

    kind: Literal["common", "repeat"]
    """common 多人同一事由 / repeat 同一人重复"""
    place: str
    """地点"""
    code: str
    """分类代码"""
    name: str
    """分类的名称"""
    why: str
    """为什么提议"""
    count: int
    """件数"""
    cases: list[CaseOut]
    """其中的工单,最多 50 件"""


class EventsOut(TypedDict):
    """Proposals; nothing is merged until a person says so."""

    items: list[EventOut]
    """件数多的在前"""


class EvidenceOut(TypedDict):
    """Why a unit is proposed."""

    kind: str
    """clause 职责 / rule 规则 / place 地点 / history 历史 / returned 退回 / risk 风险"""
    text: str
    """可读的理由"""
    reference: str
    """出处代码"""


class Excluded(TypedDict):
    """A unit left out."""

    unit: str
    """单位"""
    why: str
    """为何排除"""


class FaultOut(TypedDict):
    """What is wrong in a row of a file."""

    row: int
    """第几行;表头是第 1 行"""
    column: str
    """哪一列"""
    expected: str
    """应为什么"""
    found: str
    """实为什么(已脱敏)"""


class FeedbackIn(TypedDict):
    """What the operator says about a proposal."""

    call_id: NotRequired[str]
    """来电或工单编号"""
    text: NotRequired[str]
    """来电文字;存前脱敏"""
    field: Literal["category", "route", "answer", "request_type"]
    """对哪一项的反馈"""
    verdict: Literal["accept", "correct", "unsure"]
    """accept 采纳 / correct 改正 / unsure 拿不准"""
    proposed: NotRequired[str]
    """系统给的值"""
    value: NotRequired[str]
    """坐席认定的值;改正时必填"""
    note: NotRequired[str]
    """说明;存前脱敏"""


class FeedbackOut(TypedDict):
    """Stored feedback."""

    call_id: NotRequired[str]
    """来电或工单编号"""
    text: NotRequired[str]
    """来电文字;存前脱敏"""
    field: Literal["category", "route", "answer", "request_type"]
    """对哪一项的反馈"""
    verdict: Literal["accept", "correct", "unsure"]
    """accept 采纳 / correct 改正 / unsure 拿不准"""
    proposed: NotRequired[str]
    """系统给的值"""
    value: NotRequired[str]
    """坐席认定的值;改正时必填"""
    note: NotRequired[str]
    """说明;存前脱敏"""
    id: str
    """编号"""
    who: str
    """谁"""
    at: str
    """何时(UTC)"""
    bundle: str
    """当时的模型包版本"""
    kb: str
    """当时的知识库修订号"""


class FeedbackPage(TypedDict):
    """A page of feedback."""

    items: list[FeedbackOut]
    """按存入先后"""
    next: str | None
    """下一页的游标;没有更多时为空"""


class FigureDay(TypedDict):
    """A figure on one day."""

    day: str
    """日期"""
    part: float
    """分子;计数的指标同 whole"""
    whole: int
    """分母;计数的指标即件数"""


class FigureOut(TypedDict):
    """A figure with its definition and the numbers it comes from."""

    name: str
    """指标名,`/v1/insight/rows` 的 figure"""
    title: str
    """指标的中文名"""
    definition: str
    """怎样算出来"""
    kind: Literal["count", "share"]
    """count 件数 / share 比率"""
    value: float | None
    """件数,或 0 至 1 的比率;分母为 0 时空"""
    part: float
    """分子"""
    whole: int
    """分母"""
    before: float | None
    """上期(紧邻的等长期间)的值"""
    year_before: float | None
    """去年同期(往前 52 周)的值"""
    days: list[FigureDay]
    """按日"""


class FindingOut(TypedDict):
    """Something about an entry that wants to be looked at."""

    kind: str
    """哪一种"""
    name: str
    """这一种的中文名"""
    entry_id: str
    """条目编号"""
    question: str
    """题目"""
    detail: str
    """说明"""
    other: str
    """另一个条目,如果有"""


class FoundList(TypedDict):
    """What a search of the catalogue found."""

    results: list[FoundOut]
    """最像的在前,最多 60 项"""


class FoundOut(TypedDict):
    """A category or a unit."""

    code: str
    """代码"""
    name: str
    """名称"""
    level: int
    """第几级"""
    names: list[str]
    """从第一级到它的各级名称"""
    path: list[str]
    """从第一级到它的各级代码"""


class HTTPValidationError(TypedDict):
    """HTTPValidationError"""

    detail: NotRequired[list[ValidationError]]


class Handling(TypedDict):
    """What is done with an unanswered question."""

    action: Literal["assign", "close"]
    """assign 领走 / close 关闭"""
    who: NotRequired[str]
    """操作人;启用密钥后不必写"""
    assignee: NotRequired[str]
    """由谁写条目;空 = 操作人"""
    entry_id: NotRequired[str]
    """为它写的条目"""
    note: NotRequired[str]
    """关闭而没有条目时的说明"""


class HealthOut(TypedDict):
    """What is wrong with the published entries."""

    counts: list[KindCount]
    """每一种几条"""
    items: list[FindingOut]
    """最多 1000 条"""


class Heard(TypedDict):
    """The transcript after a piece."""

    session: str
    """通话编号"""
    sequence: int
    """第几次推送"""
    text: str
    """到此为止的全文"""


class HitTestIn(TypedDict):
    """Questions to try on the entries that are answered from now."""

    questions: list[HitTestQuestion]
    """一次最多 200 问"""
    on: NotRequired[str | None]
    """按哪一天;默认今天"""
    district: NotRequired[str]
    """来电区县"""


class HitTestOut(TypedDict):
    """How all questions did."""

    items: list[HitTested]
    """按送来的次序"""
    totals: dict[str, Any]
    """合计:hit@1、hit@3、hit@5、mrr@5、answered 等"""


class HitTestQuestion(TypedDict):
    """A question to try."""

    question: str
    """问题"""
    expected: NotRequired[str]
    """期望条目;空 = 不该答"""


class HitTested(TypedDict):
    """How one question did."""

    question: str
    """问题(已脱敏)"""
    expected: str
    """期望条目"""
    rank: int
    """期望条目排第几;0 = 前五里没有"""
    answered: bool
    """会不会作答"""
    confidence: float
    """第一条的把握"""
    top: list[Candidate]
    """前五条"""


class ImportOut(TypedDict):
    """What an import did, or would do."""

    rows: int
    """共几行"""
    new: int
    """新增几条"""
    changed: int
    """修改几条"""
    unchanged: int
    """未变几条"""
    set_aside: int
    """搁置几行"""
    faults: list[FaultOut]
    """每一处错误,按行;最多 2000 处"""
    ignored: list[str]
    """没有用到的列"""
    headings: list[str]
    """文件的各列"""
    aside: list[AsideOut]
    """搁置的行,供修改后再导入;最多 2000 行,只回给发送者,不保存"""
    dry_run: bool
    """是否只检查、未入库"""


class KindCount(TypedDict):
    """How many findings of a kind there are."""

    kind: str
    """哪一种"""
    name: str
    """中文名"""
    count: int
    """几条"""


class MonthOut(TypedDict):
    """A month's rates beside those of the month before."""

    totals: TotalsOut
    """合计"""
    rates: dict[str, RateOut]
    """closed_rate、response_rate、solved_rate、satisfied_rate"""
    change: dict[str, float | None]
    """各率较上月的百分点;没有上月时空"""
    verdict: str
    """响应率、解决率、满意率较上月的升降"""


class MonthsOut(TypedDict):
    """Months something is known of."""

    items: list[str]
    """YYYY-MM,最近的在前"""


class Move(TypedDict):
    """From which unit to which tickets moved."""

    first_unit: str
    """首派单位"""
    unit: str
    """现承办单位"""
    count: int
    """件数"""


class MoveIn(TypedDict):
    """A step of the workflow."""

    who: NotRequired[str]
    """操作人;启用密钥后以密钥的主人为准,不必写"""
    why: str
    """原因;存前脱敏"""
    expected: NotRequired[int | None]
    """改的是哪个修订;0 = 新条目;也可用 If-Match 给出"""
    action: Literal["submit", "return", "publish", "retire", "reopen"]
    """submit 送审 / return 退回 / publish 发布 / retire 停用 / reopen 重开"""


class OutcomeIn(TypedDict):
    """What became of a ticket."""

    ticket_id: str
    """工单编号"""
    caller: NotRequired[str]
    """来电人代号,如平台给的号码散列;不可是号码"""
    community: NotRequired[str]
    """小区或社区"""
    first_unit: NotRequired[str]
    """首派单位"""
    reason: NotRequired[str]
    """退回或改派的原因"""
    closed_at: NotRequired[str | None]
    """办结时间"""
    contacted: NotRequired[bool | None]
    """承办单位是否联系过诉求人"""
    solved: NotRequired[bool | None]
    """诉求人认为是否解决"""
    satisfaction: NotRequired[Literal["", "满意", "基本满意", "不满意"]]
    """满意程度"""


class OutcomesIn(TypedDict):
    """Outcomes of several tickets."""

    outcomes: list[OutcomeIn]
    """一次最多 1000 件"""


class OutcomesStored(TypedDict):
    """What was stored and what was not."""

    stored: int
    """存入件数"""
    rejected: list[RejectedOutcome]
    """搁置的及其原因"""


class OverviewOut(TypedDict):
    """What the dashboard shows first."""

    period: DaysOut
    """期间"""
    figures: list[FigureOut]
    """指标"""
    breakdowns: dict[str, Breakdown]
    """受理量按 category 一级分类、leaf 末级分类、district 区县、unit 承办单位、type 诉求类型"""
    causes: list[Cause]
    """退单改派的原因"""
    moves: list[Move]
    """改派从哪里到哪里"""
    drift: Drift
    """模型漂移"""


class PeriodOut(TypedDict):
    """Days in the city's time, both included."""

    start: str
    """第一天"""
    end: str
    """最后一天"""


class Piece(TypedDict):
    """A piece of a transcript, as speech recognition gives it."""

    text: str
    """这一句的文字;未定稿的会被下一次推送替换"""
    final: NotRequired[bool]
    """这一句是否已定稿"""


class PlacesOut(TypedDict):
    """Where it happens."""

    district: NotRequired[str]
    """区县"""
    street: NotRequired[str]
    """街道或镇"""
    community: NotRequired[str]
    """社区或村"""
    road: NotRequired[str]
    """路"""
    landmark: NotRequired[str]
    """小区、地标或园区"""
    house_number: NotRequired[str]
    """门牌号"""
    candidates: NotRequired[list[str]]
    """还分不清时可能的区县"""
    ask: NotRequired[str]
    """为弄清地点该问的一句"""


class Problem(TypedDict):
    """An error, as every route returns it."""

    type: NotRequired[str]
    """问题类型"""
    title: str
    """一句话说是什么问题"""
    status: int
    """HTTP 状态码"""
    detail: str
    """应为什么、实为什么"""
    instance: NotRequired[str]
    """出错的路径"""
    request_id: NotRequired[str]
    """请求编号,报障时请附上"""


class PromoteIn(TypedDict):
    """Which bundle to take into use."""

    who: NotRequired[str]
    """操作人;启用密钥后不必写"""
    why: str
    """为什么;存前脱敏"""
    version: str
    """版本"""
    new_taxonomy: NotRequired[bool]
    """允许换成另一套分类体系(无法逐件比较)"""


class QuestionOut(TypedDict):
    """A question that may be asked."""

    text: str
    """问句"""
    about: str
    """risk / place / rule / category"""
    gain: float | None
    """问清后派单不确定性预计减少的比特数;风险必问的为空"""


class RateOut(TypedDict):
    """A rate in percent."""

    name: str
    """名称"""
    title: str
    """中文名"""
    value: float | None
    """百分数:有件数就由件数算,否则是来源所给的"""
    formula: str
    """公式"""
    stated: float | None
    """来源所给的百分数"""
    note: str
    """所给的与件数不符、或无从核对时说明"""


class RejectedOutcome(TypedDict):
    """An outcome that was set aside."""

    ticket_id: str
    """工单编号"""
    reason: str
    """应为什么、实为什么"""


class RejectedTicket(TypedDict):
    """A ticket that was set aside."""

    id: str
    """工单编号"""
    reason: str
    """应为什么、实为什么"""


class RequestOut(TypedDict):
    """One request of a call."""

    text: str
    """这件诉求的文字"""
    category: CategoryOut | None
    """它的分类"""


class RequestTypeOut(TypedDict):
    """Why the citizen calls."""

    name: str
    """诉求类型"""
    confidence: float
    """概率(已校准)"""


class Rerouted(TypedDict):
    """The route under the category that the operator chose."""

    route: RouteOut
    """派单"""


class RestoreIn(TypedDict):
    """Which version becomes a draft again."""

    who: NotRequired[str]
    """操作人;启用密钥后以密钥的主人为准,不必写"""
    why: str
    """原因;存前脱敏"""
    expected: NotRequired[int | None]
    """改的是哪个修订;0 = 新条目;也可用 If-Match 给出"""
    revision: int
    """修订号"""


class Returned(TypedDict):
    """A unit that gave this ticket back."""

    unit: str
    """退回本单的单位全称"""
    reason: NotRequired[str]
    """退回理由"""


class RiskOut(TypedDict):
    """A danger the words reveal."""

    risk: str
    """风险代码"""
    name: str
    """风险名称"""
    severity: int
    """严重程度"""
    active: bool
    """是否可能正在发生"""
    handover: list[str]
    """应立即转接的线路,如 119"""
    words: str
    """依据的字词"""
    why: str
    """理由"""
    ask_first: str
    """先问的一句"""
    advice: str
    """可以告知市民的话"""
    do_not: str
    """不要做的事"""
    after: str
    """转接之后做什么"""


class RollbackIn(TypedDict):
    """Why the bundle is changed."""

    who: NotRequired[str]
    """操作人;启用密钥后不必写"""
    why: str
    """为什么;存前脱敏"""


class RouteOut(TypedDict):
    """Where a call goes."""

    mode: Literal["direct", "parallel", "negotiate", "emergency"]
    """direct 直派 / parallel 并行 / negotiate 会商 / emergency 紧急转接"""
    ask: str
    """最该追问的一句"""
    targets: list[TargetOut]
    """主办在前,协办在后"""
    alternatives: list[TargetOut]
    """其他可能的主办"""
    questions: list[QuestionOut]
    """可追问的问题,最有用的在前"""
    excluded: list[Excluded]
    """排除的单位"""
    leaf: str
    """据以派单的末级代码"""


class RoutedOut(TypedDict):
    """Only the category and the route."""

    category: CategoryOut | None
    """第一件诉求的分类"""
    route: RouteOut
    """派单"""
    versions: Versions
    """版本"""


class RowOut(TypedDict):
    """A ticket, a call or an operator's choice behind a figure; what does not apply is left out."""

    seq: int
    """行号"""
    day: str
    """日期"""
    text: str
    """内容(已脱敏)"""
    name: str
    """分类的名称"""
    id: NotRequired[str]
    """工单编号"""
    at: NotRequired[str | None]
    """受理时间(UTC)"""
    code: NotRequired[str]
    """分类代码"""
    request_type: NotRequired[str]
    """诉求类型"""
    unit: NotRequired[str]
    """承办单位"""
    district: NotRequired[str]
    """区县"""
    returned: NotRequired[bool]
    """是否被退回"""
    community: NotRequired[str]
    """小区或社区"""
    first_unit: NotRequired[str]
    """首派单位"""
    reason: NotRequired[str]
    """退回或改派的原因"""
    closed_at: NotRequired[str | None]
    """办结时间(UTC)"""
    contacted: NotRequired[bool | None]
    """是否联系过诉求人"""
    solved: NotRequired[bool | None]
    """是否解决"""
    satisfaction: NotRequired[str]
    """满意程度"""
    answered: NotRequired[bool]
    """来电:知识库是否给出答复"""
    entry_id: NotRequired[str]
    """来电:答复的条目"""
    answer_confidence: NotRequired[float]
    """来电:答复的把握"""
    depth: NotRequired[int]
    """来电:有把握的级数"""
    category_confidence: NotRequired[float]
    """来电:分类的把握"""
    bundle: NotRequired[str]
    """来电:模型包版本"""
    field: NotRequired[str]
    """反馈:对哪一项"""
    verdict: NotRequired[str]
    """反馈:accept 采纳 / correct 改正"""
    proposed: NotRequired[str]
    """反馈:系统给的值"""
    value: NotRequired[str]
    """反馈:坐席认定的值"""


class RowsOut(TypedDict):
    """The rows behind a figure."""

    count: int
    """共几行"""
    items: list[RowOut]
    """最近的在前,最多 limit 行"""


class SeasonOut(TypedDict):
    """A seasonal matter that is on or begins within a month."""

    season: str
    """季节"""
    topic: str
    """事项"""
    why: str
    """缘由"""
    watch: str
    """预警看什么"""
    action: str
    """先办什么"""
    begins: bool
    """是否下月才开始"""
    week: int
    """本周件数"""
    week_before: int
    """上周件数"""
    forecast: float
    """下周预计件数"""
    forecast_upper: int
    """下周的上限"""
    cells: list[CellOut]
    """各地点,突增的在前,最多 50 处"""


class SeasonsOut(TypedDict):
    """The seasonal watch (未诉先办)."""

    period: PeriodOut
    """“本周”是哪七天"""
    bound: str
    """预期与界限怎样算"""
    alpha: float
    """误报的概率,设置 watch_alpha"""
    least: int
    """最少几件才报,设置 watch_least"""
    items: list[SeasonOut]
    """本月与下月的季节事项"""


class SessionIn(TypedDict):
    """A login."""

    key: str
    """密钥"""


class SessionOut(TypedDict):
    """Who is logged in."""

    who: str
    """名称"""
    role: str
    """角色"""
    guarded: bool
    """是否启用了访问控制"""
    csrf: NotRequired[str]
    """写操作要放在 X-CSRF-Token 里的令牌;只在登录时给出"""


class Share(TypedDict):
    """Tickets of one class of a breakdown."""

    key: str
    """代码或名称"""
    name: str
    """名称"""
    count: int
    """本期件数"""
    before: int | None
    """上期件数"""


class SimilarCall(TypedDict):
    """A search for earlier cases."""

    text: str
    """来电文字,最多 20000 字"""
    district: NotRequired[str]
    """已知的区县名"""
    context: NotRequired[list[str]]
    """本通电话此前说过的话,从早到晚;追问(如“那退休的呢”)据此理解"""
    on: NotRequired[str | None]
    """按哪一天的有效条目答复;默认今天"""
    returned_by: NotRequired[list[Returned]]
    """此前退回本单的单位;派单不再提出它们"""
    final: NotRequired[bool]
    """说完了没有;边打字边查时填 false,不计入条目命中与未答队列"""
    top: NotRequired[int]
    """最多几件"""


class SimilarCasesOut(TypedDict):
    """Earlier cases."""

    similar: list[SimilarOut]
    """最像的在前"""
    versions: Versions
    """版本"""


class SimilarOut(TypedDict):
    """An earlier case like the call."""

    text: str
    """当时的文字(已脱敏)"""
    code: str
    """末级代码"""
    name: str
    """末级名称"""
    likeness: float
    """向量余弦"""
    source: str
    """example 编写的例子 / ticket 受理的工单"""
    id: str
    """工单编号"""
    unit: str
    """承办单位"""
    returned: bool
    """是否被退回过"""
    outcome: str
    """怎样办结的:是否办结、解决、满意,退回的原因;不知道时空"""


class Stored(TypedDict):
    """A write that is in the database."""

    id: str
    """编号"""
    at: str
    """存入时间(UTC)"""


class TargetOut(TypedDict):
    """A unit proposed for the call."""

    unit: str
    """单位名称"""
    code: str
    """派单目录代码;未定到单位时为空"""
    path: list[str]
    """派单目录里的各级名称"""
    role: str
    """lead 主办 / co 协办"""
    probability: float
    """概率"""
    function: str
    """职能"""
    evidence: list[EvidenceOut]
    """理由"""


class TicketIn(TypedDict):
    """An accepted ticket."""

    id: str
    """工单编号;再送一次即更新"""
    text: str
    """诉求内容;存前脱敏"""
    code: NotRequired[str]
    """末级代码"""
    request_type: NotRequired[Literal["", "咨询", "求助", "投诉", "举报", "建议", "表扬", "撤单", "无效"]]
    """诉求类型"""
    unit: NotRequired[str]
    """承办单位"""
    district: NotRequired[str]
    """区县"""
    returned: NotRequired[bool]
    """是否被承办单位退回"""
    accepted_at: NotRequired[str | None]
    """受理时间;默认现在"""


class TicketOut(TypedDict):
    """A stored ticket."""

    id: str
    """工单编号"""
    text: str
    """诉求内容(已脱敏)"""
    code: str
    """末级代码"""
    request_type: str
    """诉求类型"""
    unit: str
    """承办单位"""
    district: str
    """区县"""
    returned: bool
    """是否被退回"""
    accepted_at: str
    """受理时间(UTC)"""


class TicketPage(TypedDict):
    """A page of tickets."""

    items: list[TicketOut]
    """按存入先后"""
    next: str | None
    """下一页的游标;没有更多时为空"""


class TicketsIn(TypedDict):
    """Many tickets."""

    tickets: list[TicketIn]
    """一次最多 1000 件"""


class TicketsStored(TypedDict):
    """The outcome of a bulk write."""

    stored: int
    """存入件数"""
    rejected: list[RejectedTicket]
    """搁置的及其原因"""


class TopicOut(TypedDict):
    """A cluster of like tickets."""

    name: str
    """热点的名称:分类名加最有区别的词"""
    code: str
    """分类代码"""
    count: int
    """本期件数"""
    before: int
    """上期件数"""
    growth: float | None
    """较上期增长的倍数减 1;上期没有时空"""
    callers: int
    """已知的不同来电人;不知道时 0"""
    districts: list[Count]
    """区县,件数多的在前"""
    samples: list[CaseOut]
    """最有代表性的几件"""


class TopicsOut(TypedDict):
    """Hot topics."""

    period: PeriodOut
    """期间"""
    items: list[TopicOut]
    """比上期多出得多的在前"""


class TotalsOut(TypedDict):
    """A month as counted; empty = not known."""

    month: str
    """月份,YYYY-MM"""
    received: int
    """受理件"""
    closed: int
    """办结件"""
    followed: int | None
    """回访有效件"""
    contacted: int | None
    """已联系件"""
    solved: int | None
    """已解决件"""
    satisfied: int | None
    """满意"""
    partly: int | None
    """基本满意"""
    dissatisfied: int | None
    """不满意"""
    closed_rate: float | None
    """来源所给的办结率,百分数"""
    response_rate: float | None
    """来源所给的响应率"""
    solved_rate: float | None
    """来源所给的解决率"""
    satisfied_rate: float | None
    """来源所给的满意率"""
    source: str
    """来源"""


class UnansweredList(TypedDict):
    """The queue of unanswered questions."""

    items: list[UnansweredOut]
    """问得多的在前"""


class UnansweredOut(TypedDict):
    """A cluster of like questions that were not answered."""

    id: int
    """簇的编号"""
    sample: str
    """其中最近的一问(已脱敏)"""
    asked: int
    """问过几次"""
    first_at: str
    """最早(UTC)"""
    last_at: str
    """最近(UTC)"""
    status: Literal["open", "assigned", "closed"]
    """open 待领 / assigned 在写 / closed 已关闭"""
    assignee: str
    """谁在写"""
    entry_id: str
    """为它写的条目"""
    note: str
    """关闭的说明"""
    handled_by: str
    """谁最后处理"""
    entry_status: Literal["", "draft", "review", "published", "retired", "missing"]
    """那个条目的状态;missing 条目已不在"""


class ValidationError(TypedDict):
    """ValidationError"""

    loc: list[str | int]
    msg: str
    type: str
    input: NotRequired[Any]
    ctx: NotRequired[dict[str, Any]]


class VersionList(TypedDict):
    """The versions of an entry."""

    items: list[VersionOut]
    """新的在前"""


class VersionOut(TypedDict):
    """A version of an entry."""

    revision: int
    """修订号"""
    action: str
    """create / edit / import / restore / submit / return / publish / retire / reopen"""
    who: str
    """谁"""
    why: str
    """为什么"""
    at: str
    """何时(UTC)"""
    entry: EntryCells
    """那一版的各列"""


class Versions(TypedDict):
    """Versions of what a result came from."""

    bundle: str
    """模型包版本"""
    catalog: str
    """目录版本"""
    kb: str
    """知识库修订号"""


class Client(Caller):
    """The calls; `where` is an address, or what sends (see transport)."""

    def assist(self, body: Call) -> AssistOut:
        """坐席辅助:答复、分类、类型、风险、地点、派单、往例。

        Return everything at once.
        """
        return self._call("POST", "/v1/assist", body=body)

    def answer(self, body: Call) -> AnswerOut:
        """政策答复。

        Return only the answers.
        """
        return self._call("POST", "/v1/answer", body=body)

    def classify(self, body: Call) -> ClassifyOut:
        """诉求分类与类型。

        Return only the category and the request type.
        """
        return self._call("POST", "/v1/classify", body=body)

    def route(self, body: Call) -> RoutedOut:
        """派单。

        Return only the category and the route.
        """
        return self._call("POST", "/v1/route", body=body)

    def similar(self, body: SimilarCall) -> SimilarCasesOut:
        """相似的往例。

        Return earlier cases like the call.
        """
        return self._call("POST", "/v1/similar", body=body)

    def batch(self, body: bytes) -> bytes:
        """批量:JSON Lines 进,JSON Lines 出。

        Answer every line in order; a line that cannot be worked on gets an `error` and the rest go on.
        """
        return self._call("POST", "/v1/batch", body=body, kind="application/x-ndjson")

    def feedback(self, body: FeedbackIn, *, idempotency_key: str | None = None) -> Stored:
        """反馈:采纳、改正或拿不准。

        Store feedback; when this returns 201 it survives a kill of the process.
        """
        return self._call("POST", "/v1/feedback", body=body, headers={"idempotency-key": idempotency_key})

    def get_feedback(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        field: Literal["", "category", "route", "answer", "request_type"] | None = None,
    ) -> FeedbackPage:
        """查看反馈。

        Return a page of feedback; looking is noted in the audit trail.
        """
        return self._call("GET", "/v1/feedback", query={"cursor": cursor, "limit": limit, "field": field})

    def tickets(self, body: TicketIn, *, idempotency_key: str | None = None) -> Stored:
        """存入一件工单。

        Store a ticket; one with the same id is replaced.
        """
        return self._call("POST", "/v1/tickets", body=body, headers={"idempotency-key": idempotency_key})

    def get_tickets(self, *, cursor: str | None = None, limit: int | None = None) -> TicketPage:
        """查看已存入的工单。

        Return a page of tickets as `{items, next}`; looking is noted in the audit trail.
        """
        return self._call("GET", "/v1/tickets", query={"cursor": cursor, "limit": limit})

    def tickets_bulk(self, body: TicketsIn, *, idempotency_key: str | None = None) -> TicketsStored:
        """存入多件工单。

        Store tickets; faulty ones are set aside with the reason, the rest are stored all together.
        """
        return self._call("POST", "/v1/tickets/bulk", body=body, headers={"idempotency-key": idempotency_key})

    def entries_import(
        self,
        name: str,
        why: str,
        body: bytes,
        *,
        who: str | None = None,
        dry_run: bool | None = None,
        accept_near: bool | None = None,
        map: list[str] | None = None,
        encoding: Literal["utf-8", "gb18030", "gbk"] | None = None,
        idempotency_key: str | None = None,
    ) -> ImportOut:
        """导入条目文件。

        Store the good rows as drafts, all together; faulty rows are told and set aside. The body is the
        file itself.
        """
        return self._call(
            "POST",
            "/v1/entries/import",
            body=body,
            kind="application/octet-stream",
            query={
                "name": name,
                "why": why,
                "who": who,
                "dry_run": dry_run,
                "accept_near": accept_near,
                "map": map,
                "encoding": encoding,
            },
            headers={"idempotency-key": idempotency_key},
        )

    def get_entries_export(
        self,
        *,
        status: Literal["", "draft", "review", "published", "retired"] | None = None,
        format: Literal["csv", "xlsx", "jsonl"] | None = None,
    ) -> bytes:
        """导出条目。

        Return a file of entries; the same entries give the same bytes. Who exported is in the audit trail.
        """
        return self._call("GET", "/v1/entries/export", query={"status": status, "format": format})

    def entries_hit_test(self, body: HitTestIn) -> HitTestOut:
        """命中测试。

        Return at which rank each expected entry is found, and whether it would be answered; nothing is
        recorded.
        """
        return self._call("POST", "/v1/entries/hit-test", body=body)

    def get_entries(
        self,
        *,
        q: str | None = None,
        status: Literal["", "draft", "review", "published", "retired"] | None = None,
        category: str | None = None,
        department: str | None = None,
        region: str | None = None,
        author: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> EntryPage:
        """条目列表。

        Return a page of working copies by id.
        """
        return self._call(
            "GET",
            "/v1/entries",
            query={
                "q": q,
                "status": status,
                "category": category,
                "department": department,
                "region": region,
                "author": author,
                "cursor": cursor,
                "limit": limit,
            },
        )

    def get_entry(self, entry_id: str, *, if_none_match: str | None = None) -> EntryOut:
        """一个条目。

        Return the working copy; its revision is the ETag.
        """
        return self._call("GET", f"/v1/entries/{part(entry_id)}", headers={"if-none-match": if_none_match})

    def put_entry(
        self, entry_id: str, body: EntryIn, *, if_match: str | None = None, idempotency_key: str | None = None
    ) -> EntryOut:
        """存为草稿。

        Store new content as a draft; what is published stays in force until the draft is.
        """
        return self._call(
            "PUT",
            f"/v1/entries/{part(entry_id)}",
            body=body,
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def put_entry_status(
        self, entry_id: str, body: MoveIn, *, if_match: str | None = None, idempotency_key: str | None = None
    ) -> EntryOut:
        """送审、退回、发布、停用、重开。

        Take a step of the workflow; it holds here at once, on other replicas within seconds.
        """
        return self._call(
            "PUT",
            f"/v1/entries/{part(entry_id)}/status",
            body=body,
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def put_entry_restore(
        self, entry_id: str, body: RestoreIn, *, if_match: str | None = None, idempotency_key: str | None = None
    ) -> EntryOut:
        """把旧版恢复为草稿。

        Make a draft of an earlier version.
        """
        return self._call(
            "PUT",
            f"/v1/entries/{part(entry_id)}/restore",
            body=body,
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def get_entry_versions(self, entry_id: str) -> VersionList:
        """条目的各个版本。

        Return every version, the newest first.
        """
        return self._call("GET", f"/v1/entries/{part(entry_id)}/versions")

    def get_entry_compare(self, entry_id: str, before: int, after: int) -> Comparison:
        """比较两个版本。

        Return the columns that differ.
        """
        return self._call("GET", f"/v1/entries/{part(entry_id)}/compare", query={"before": before, "after": after})

    def get_bundles(self) -> BundleList:
        """模型包。

        Return the bundles of this installation and the latest changes.
        """
        return self._call("GET", "/v1/bundles")

    def bundles_promote(self, body: PromoteIn) -> BundleChanged:
        """启用一个模型包。

        Compare with the bundle in use and take the new one into use, unless the gate refuses it (409).
        """
        return self._call("POST", "/v1/bundles/promote", body=body)

    def bundles_rollback(self, body: RollbackIn) -> BundleChanged:
        """退回上一个模型包。

        Return to the bundle that was in use before.
        """
        return self._call("POST", "/v1/bundles/rollback", body=body)

    def get_session(self) -> SessionOut:
        """我是谁。

        Return the name and role of the caller.
        """
        return self._call("GET", "/v1/session")

    def session(self, body: SessionIn) -> SessionOut:
        """用密钥登录页面。

        Set the session cookie and return the CSRF token that every write must bring in X-CSRF-Token.
        """
        return self._call("POST", "/v1/session", body=body)

    def delete_session(self) -> None:
        """退出。

        End the session of the cookie.
        """
        self._call("DELETE", "/v1/session")

    def get_audit(self, *, cursor: str | None = None, limit: int | None = None, object: str | None = None) -> AuditPage:
        """审计记录。

        Return a page of the audit trail, oldest first.
        """
        return self._call("GET", "/v1/audit", query={"cursor": cursor, "limit": limit, "object": object})

    def get_version(self) -> Versions:
        """版本。

        Return the versions of bundle, catalogue and knowledge base.
        """
        return self._call("GET", "/v1/version")

    def get_insight_figures(
        self,
        *,
        start: str | None = None,
        end: str | None = None,
        days: int | None = None,
        category: str | None = None,
        district: str | None = None,
        unit: str | None = None,
    ) -> OverviewOut:
        """指标:定义、值、按日,与上期和去年同期。

        Return what the dashboard shows first.
        """
        return self._call(
            "GET",
            "/v1/insight/figures",
            query={"start": start, "end": end, "days": days, "category": category, "district": district, "unit": unit},
        )

    def get_insight_rows(
        self,
        figure: str,
        *,
        which: Literal["whole", "part", "rest"] | None = None,
        day: str | None = None,
        limit: int | None = None,
        start: str | None = None,
        end: str | None = None,
        days: int | None = None,
        category: str | None = None,
        district: str | None = None,
        unit: str | None = None,
    ) -> RowsOut:
        """一个指标背后的工单、来电或反馈。

        Return the newest rows and how many there are; looking is noted in the audit trail.
        """
        return self._call(
            "GET",
            "/v1/insight/rows",
            query={
                "figure": figure,
                "which": which,
                "day": day,
                "limit": limit,
                "start": start,
                "end": end,
                "days": days,
                "category": category,
                "district": district,
                "unit": unit,
            },
        )

    def get_insight_topics(
        self,
        *,
        start: str | None = None,
        end: str | None = None,
        days: int | None = None,
        category: str | None = None,
        district: str | None = None,
        unit: str | None = None,
    ) -> TopicsOut:
        """本期热点。

        Return clusters of like tickets, by how many they gained.
        """
        return self._call(
            "GET",
            "/v1/insight/topics",
            query={"start": start, "end": end, "days": days, "category": category, "district": district, "unit": unit},
        )

    def get_insight_events(
        self,
        *,
        start: str | None = None,
        end: str | None = None,
        days: int | None = None,
        category: str | None = None,
        district: str | None = None,
        unit: str | None = None,
    ) -> EventsOut:
        """可并为一个事件的工单。

        Return proposals; nothing is merged here.
        """
        return self._call(
            "GET",
            "/v1/insight/events",
            query={"start": start, "end": end, "days": days, "category": category, "district": district, "unit": unit},
        )

    def get_insight_seasons(self, *, end: str | None = None) -> SeasonsOut:
        """未诉先办:季节事项、预测与突增。

        Return the seasons of this and the next month, with the cells of the week that ends with `end`.
        """
        return self._call("GET", "/v1/insight/seasons", query={"end": end})

    def get_insight_months(self) -> MonthsOut:
        """有数的月份。

        Return the months, the newest first.
        """
        return self._call("GET", "/v1/insight/months")

    def get_insight_month(self, month: str) -> MonthOut:
        """一个月的比率与较上月的升降。

        Return totals, rates and the verdict such as 两升一降.
        """
        return self._call("GET", "/v1/insight/month", query={"month": month})

    def get_insight_report(self, month: str, *, format: Literal["html", "docx"] | None = None) -> bytes:
        """月报:网页(可打印)或 Word。

        Return the report as a page, whose style stands inside, or as a Word document with the same words.
        """
        return self._call("GET", "/v1/insight/report", query={"month": month, "format": format})

    def get_insight_export(
        self,
        *,
        start: str | None = None,
        end: str | None = None,
        days: int | None = None,
        category: str | None = None,
        district: str | None = None,
        unit: str | None = None,
    ) -> bytes:
        """看板导出为 Excel。

        Return the workbook; an export is noted in the audit trail.
        """
        return self._call(
            "GET",
            "/v1/insight/export",
            query={"start": start, "end": end, "days": days, "category": category, "district": district, "unit": unit},
        )

    def outcomes(self, body: OutcomesIn) -> OutcomesStored:
        """存入工单的结果。

        Store what became of tickets; faulty ones are set aside with the reason. Sending again replaces.
        """
        return self._call("POST", "/v1/outcomes", body=body)

    def get_desk_unanswered(
        self, *, status: Literal["", "open", "assigned", "closed"] | None = None, limit: int | None = None
    ) -> UnansweredList:
        """未答的问题,按簇。

        Return clusters of like questions, the most asked first, each with the state of the entry written
        for it.
        """
        return self._call("GET", "/v1/desk/unanswered", query={"status": status, "limit": limit})

    def put_desk_unanswered(self, number: int, body: Handling) -> UnansweredOut:
        """领走或关闭未答的问题。

        Assign or close a cluster; the act and its line in the audit trail stand or fall together.
        """
        return self._call("PUT", f"/v1/desk/unanswered/{part(number)}", body=body)

    def get_desk_health(self, *, days: int | None = None, kind: str | None = None) -> HealthOut:
        """知识库体检:过期、将到期、冲突、从未命中。

        Return what is wrong with the published entries, and how many of each kind.
        """
        return self._call("GET", "/v1/desk/health", query={"days": days, "kind": kind})

    def session_transcript(self, session: str, body: Piece) -> Heard:
        """推送通话转写。"""
        return self._call("POST", f"/v1/sessions/{part(session)}/transcript", body=body)

    def get_catalog_search(
        self, *, q: str | None = None, level: int | None = None, under: str | None = None, kind: str | None = None
    ) -> FoundList:
        """查分类或承办单位。"""
        return self._call("GET", "/v1/catalog/search", query={"q": q, "level": level, "under": under, "kind": kind})

    def get_catalog_choices(self) -> Choices:
        """固定的选项。"""
        return self._call("GET", "/v1/catalog/choices")

    def catalog_route(self, body: Corrected) -> Rerouted:
        """按选定的分类派单。"""
        return self._call("POST", "/v1/catalog/route", body=body)
