"""What the interface takes and gives, typed and described; the field names are a contract with other systems."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from serve.api.incoming import Incoming

Short = Annotated[str, StringConstraints(max_length=200)]
Text = Annotated[str, StringConstraints(max_length=20_000)]
RequestType = Literal["", "咨询", "求助", "投诉", "举报", "建议", "表扬", "撤单", "无效"]


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Returned(Incoming):
    """A unit that gave this ticket back."""

    unit: str = Field(min_length=1, max_length=100, description="退回本单的单位全称")
    reason: str = Field("", max_length=500, description="退回理由")


class Call(Incoming):
    """What is sent: the words so far, and what the operator already knows."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "我家暖气不热,城西区的", "district": "城西区"}]}
    )
    text: str = Field(description="来电文字,最多 20000 字", json_schema_extra={"maxLength": 20_000})
    district: str = Field("", description="已知的区县名")
    context: list[str] = Field(
        default_factory=list, max_length=200, description="本通电话此前说过的话,从早到晚;追问(如“那退休的呢”)据此理解"
    )
    on: datetime.date | None = Field(None, description="按哪一天的有效条目答复;默认今天")
    returned_by: list[Returned] = Field(
        default_factory=list, max_length=50, description="此前退回本单的单位;派单不再提出它们"
    )
    final: bool = Field(True, description="说完了没有;边打字边查时填 false,不计入条目命中与未答队列")


class SimilarCall(Call):
    """A search for earlier cases."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "我家暖气不热", "top": 5}]})
    top: int = Field(10, ge=1, le=50, description="最多几件")


class Versions(_Out):
    """Versions of what a result came from."""

    bundle: str = Field(description="模型包版本")
    catalog: str = Field(description="目录版本")
    kb: str = Field(description="知识库修订号")


class AnswerEntry(_Out):
    """An entry that may answer; below the threshold only its title."""

    entry_id: str = Field(description="条目编号")
    question: str = Field(description="标准问")
    confidence: float = Field(ge=0, le=1, description="答得对的概率(已校准)")
    answer: str = Field("", description="可以读出的答复;没有把握时不给")
    highlight: str = Field("", description="与来电最贴近的一句")
    basis: str = Field("", description="依据(文号)")
    department: str = Field("", description="主管部门")
    effective_from: str = Field("", description="生效日")
    effective_to: str = Field("", description="失效日")
    verification: str = Field("", description="核定情况")
    warnings: list[str] = Field([], description="读出前要留意的事")


class Answers(_Out):
    """Answers to a question."""

    answered: bool = Field(description="第一条是否有把握读出")
    entries: list[AnswerEntry] = Field(description="按把握从高到低")
    understood: str | None = Field(None, description="追问连同上文补全成的整句;不是追问则没有")


class Alternative(_Out):
    """Another leaf that may be meant."""

    code: str = Field(description="末级代码")
    name: str = Field(description="末级名称")
    probability: float = Field(description="概率")


class CategoryOut(_Out):
    """The category of a request, from level 1 to the leaf."""

    code: str = Field(description="末级代码", examples=["0401010101"])
    names: list[str] = Field(description="一级到末级的名称")
    path: list[str] = Field(description="一级到末级的代码")
    probabilities: list[float] = Field(description="每一级的概率(已校准)")
    depth: int = Field(description="可信到第几级;0 = 哪一级都不够")
    confidence: float = Field(description="可信那一级的概率")
    words: list[str] = Field(description="支持此分类的字词,最强的在前")
    alternatives: list[Alternative] = Field(description="其他可能的末级")


class RequestTypeOut(_Out):
    """Why the citizen calls."""

    name: str = Field(description="诉求类型", examples=["投诉"])
    confidence: float = Field(description="概率(已校准)")


class RequestOut(_Out):
    """One request of a call."""

    text: str = Field(description="这件诉求的文字")
    category: CategoryOut | None = Field(description="它的分类")


class RiskOut(_Out):
    """A danger the words reveal."""

    risk: str = Field(description="风险代码")
    name: str = Field(description="风险名称")
    severity: int = Field(description="严重程度")
    active: bool = Field(description="是否可能正在发生")
    handover: list[str] = Field(description="应立即转接的线路,如 119")
    words: str = Field(description="依据的字词")
    why: str = Field(description="理由")
    ask_first: str = Field(description="先问的一句")
    advice: str = Field(description="可以告知市民的话")
    do_not: str = Field(description="不要做的事")
    after: str = Field(description="转接之后做什么")


class PlacesOut(_Out):
    """Where it happens."""

    district: str = Field("", description="区县")
    street: str = Field("", description="街道或镇")
    community: str = Field("", description="社区或村")
    road: str = Field("", description="路")
    landmark: str = Field("", description="小区、地标或园区")
    house_number: str = Field("", description="门牌号")
    candidates: list[str] = Field([], description="还分不清时可能的区县")
    ask: str = Field("", description="为弄清地点该问的一句")


class EvidenceOut(_Out):
    """Why a unit is proposed."""

    kind: str = Field(description="clause 职责 / rule 规则 / place 地点 / history 历史 / returned 退回 / risk 风险")
    text: str = Field(description="可读的理由")
    reference: str = Field(description="出处代码")


class TargetOut(_Out):
    """A unit proposed for the call."""

    unit: str = Field(description="单位名称")
    code: str = Field(description="派单目录代码;未定到单位时为空")
    path: list[str] = Field(description="派单目录里的各级名称")
    role: str = Field(description="lead 主办 / co 协办")
    probability: float = Field(description="概率")
    function: str = Field(description="职能")
    evidence: list[EvidenceOut] = Field(description="理由")


class QuestionOut(_Out):
    """A question that may be asked."""

    text: str = Field(description="问句")
    about: str = Field(description="risk / place / rule / category")
    gain: float | None = Field(description="问清后派单不确定性预计减少的比特数;风险必问的为空")


class Excluded(_Out):
    """A unit left out."""

    unit: str = Field(description="单位")
    why: str = Field(description="为何排除")


class RouteOut(_Out):
    """Where a call goes."""

    mode: Literal["direct", "parallel", "negotiate", "emergency"] = Field(
        description="direct 直派 / parallel 并行 / negotiate 会商 / emergency 紧急转接"
    )
    ask: str = Field(description="最该追问的一句")
    targets: list[TargetOut] = Field(description="主办在前,协办在后")
    alternatives: list[TargetOut] = Field(description="其他可能的主办")
    questions: list[QuestionOut] = Field(description="可追问的问题,最有用的在前")
    excluded: list[Excluded] = Field(description="排除的单位")
    leaf: str = Field(description="据以派单的末级代码")


class SimilarOut(_Out):
    """An earlier case like the call."""

    text: str = Field(description="当时的文字(已脱敏)")
    code: str = Field(description="末级代码")
    name: str = Field(description="末级名称")
    likeness: float = Field(description="向量余弦")
    source: str = Field(description="example 编写的例子 / ticket 受理的工单")
    id: str = Field(description="工单编号")
    unit: str = Field(description="承办单位")
    returned: bool = Field(description="是否被退回过")
    outcome: str = Field(description="怎样办结的:是否办结、解决、满意,退回的原因;不知道时空")


class AssistOut(_Out):
    """Everything put in front of the operator."""

    text: str = Field(description="来电文字(规范化、已脱敏)")
    note: str = Field(description="没有可说的时为何;否则为空")
    answers: Answers = Field(description="政策答复")
    category: CategoryOut | None = Field(description="第一件诉求的分类")
    request_type: RequestTypeOut = Field(description="诉求类型")
    requests: list[RequestOut] = Field(description="来电里的各件诉求")
    risk: list[RiskOut] = Field(description="风险,正在发生的在前")
    places: PlacesOut = Field(description="地点")
    route: RouteOut = Field(description="派单")
    similar: list[SimilarOut] = Field(description="相似的往例")
    timings: dict[str, float] = Field(description="各步毫秒")
    versions: Versions = Field(description="版本")
    automatic: bool = Field(
        description="是否够得上模型包选定的自动派单门槛(一件诉求、没有险情、直派、把握够);没有选定时为 false"
    )


class AnswerOut(Answers):
    """Answers with versions."""

    versions: Versions = Field(description="版本")


class ClassifyOut(_Out):
    """Only the category and the request type."""

    category: CategoryOut | None = Field(description="第一件诉求的分类")
    request_type: RequestTypeOut = Field(description="诉求类型")
    requests: list[RequestOut] = Field(description="来电里的各件诉求")
    note: str = Field(description="没有分类时为何")
    versions: Versions = Field(description="版本")


class RoutedOut(_Out):
    """Only the category and the route."""

    category: CategoryOut | None = Field(description="第一件诉求的分类")
    route: RouteOut = Field(description="派单")
    versions: Versions = Field(description="版本")


class SimilarCasesOut(_Out):
    """Earlier cases."""

    similar: list[SimilarOut] = Field(description="最像的在前")
    versions: Versions = Field(description="版本")


class BatchLine(_Out):
    """A line of the reply to a batch: a result or an error, with the number of the line it belongs to."""

    line: int = Field(description="输入的第几行,从 1 起")
    id: str = Field("", description="输入行里的 id,原样返回")
    assist: AssistOut | None = Field(None, description="结果")
    error: str = Field("", description="这一行为何没有结果")


class FeedbackIn(Incoming):
    """What the operator says about a proposal."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "call_id": "20261124-0031", "text": "我家暖气不热", "field": "category", "verdict": "correct",
                    "proposed": "0402010101", "value": "0401010101", "note": "说的是供热",
                }
            ]
        },
    )  # fmt: skip
    call_id: Annotated[str, StringConstraints(max_length=64)] = Field("", description="来电或工单编号")
    text: Text = Field("", description="来电文字;存前脱敏")
    field: Literal["category", "route", "answer", "request_type"] = Field(description="对哪一项的反馈")
    verdict: Literal["accept", "correct", "unsure"] = Field(description="accept 采纳 / correct 改正 / unsure 拿不准")
    proposed: Short = Field("", description="系统给的值")
    value: Short = Field("", description="坐席认定的值;改正时必填")
    note: Annotated[str, StringConstraints(max_length=1000)] = Field("", description="说明;存前脱敏")


class Stored(_Out):
    """A write that is in the database."""

    id: str = Field(description="编号")
    at: datetime.datetime = Field(description="存入时间(UTC)")


class FeedbackOut(FeedbackIn):
    """Stored feedback."""

    id: str = Field(description="编号")
    who: str = Field(description="谁")
    at: datetime.datetime = Field(description="何时(UTC)")
    bundle: str = Field(description="当时的模型包版本")
    kb: str = Field(description="当时的知识库修订号")


class FeedbackPage(_Out):
    """A page of feedback."""

    items: list[FeedbackOut] = Field(description="按存入先后")
    next: str | None = Field(description="下一页的游标;没有更多时为空")


class SessionIn(Incoming):
    """A login."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(description="密钥")


class SessionOut(_Out):
    """Who is logged in."""

    who: str = Field(description="名称")
    role: str = Field(description="角色")
    guarded: bool = Field(description="是否启用了访问控制")
    csrf: str = Field("", description="写操作要放在 X-CSRF-Token 里的令牌;只在登录时给出")


class AuditLine(_Out):
    """A line of the audit trail."""

    seq: int = Field(description="行号")
    at: str = Field(description="时间(UTC)")
    who: str = Field(description="谁")
    what: str = Field(description="做了什么")
    object: str = Field(description="对象")
    detail: str = Field(description="细节(JSON)")
    request_id: str = Field(description="请求编号")
    hash: str = Field(description="校验值")


class AuditPage(_Out):
    """A page of the audit trail."""

    items: list[AuditLine] = Field(description="按行号")
    next: str | None = Field(description="下一页的游标;没有更多时为空")
