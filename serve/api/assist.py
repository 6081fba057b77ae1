"""Routes that look at a call: assist, answer, classify, route, similar."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from models.masking import mask
from models.text import normalise
from serve.api.deps import RuntimeOf, json_only
from serve.api.problems import replies
from serve.api.replies import reply
from serve.api.schemas import (
    AnswerOut,
    AssistOut,
    Call,
    ClassifyOut,
    RoutedOut,
    SimilarCall,
    SimilarCasesOut,
)
from serve.inputs import InputError
from serve.runtime import Runtime
from serve.views import answers_json, assist_json, category_json, route_json, similar_json

router = APIRouter(
    prefix="/v1", tags=["坐席辅助"], dependencies=[Depends(json_only)],
    responses=replies(400, 401, 403, 408, 413, 415, 422, 429, 504),
)  # fmt: skip


def checked_district(runtime: Runtime, district: str) -> str:
    """Return `district`; raises InputError when the catalogue has no such district."""
    known = runtime.engine.catalog.districts
    if district and district not in known:
        raise InputError(f"district: 应为 {'、'.join(known)},实为 {district[:50]}")
    return district


def returns(call: Call) -> list[tuple[str, str]]:
    """Return the (unit, reason) pairs of a call; what a person wrote as a reason is masked like everything else."""
    return [(r.unit, mask(normalise(r.reason))) for r in call.returned_by]


@router.post("/assist", summary="坐席辅助:答复、分类、类型、风险、地点、派单、往例", response_model=AssistOut)
async def assist(call: Call, runtime: RuntimeOf) -> Response:
    """Return everything at once."""
    district = checked_district(runtime, call.district)
    return reply(
        assist_json(
            await runtime.assist(
                call.text,
                on=call.on,
                district=district,
                context=call.context,
                record=call.final,
                returned_by=returns(call),
            )
        )
    )


@router.post("/answer", summary="政策答复", response_model=AnswerOut)
async def answer(call: Call, runtime: RuntimeOf) -> Response:
    """Return only the answers."""
    district = checked_district(runtime, call.district)
    result = await runtime.answer(call.text, on=call.on, district=district, context=call.context, record=call.final)
    return reply({**answers_json(result), "versions": runtime.engine.versions})


@router.post("/classify", summary="诉求分类与类型", response_model=ClassifyOut)
async def classify(call: Call, runtime: RuntimeOf) -> Response:
    """Return only the category and the request type."""
    district = checked_district(runtime, call.district)
    body = assist_json(
        await runtime.assist(call.text, on=call.on, district=district, context=call.context, record=call.final)
    )
    return reply({k: body[k] for k in ("category", "request_type", "requests", "note", "versions")})


@router.post("/route", summary="派单", response_model=RoutedOut)
async def route(call: Call, runtime: RuntimeOf) -> Response:
    """Return only the category and the route."""
    a = await runtime.assist(
        call.text,
        on=call.on,
        district=checked_district(runtime, call.district),
        context=call.context,
        record=call.final,
        returned_by=returns(call),
    )
    return reply({"category": category_json(a.category), "route": route_json(a.route), "versions": a.versions})


@router.post("/similar", summary="相似的往例", response_model=SimilarCasesOut)
async def similar(call: SimilarCall, runtime: RuntimeOf) -> Response:
    """Return earlier cases like the call."""
    engine = runtime.engine
    heard = await runtime.hear(engine, call.text, call.context)
    vectors = await runtime.encoder.encode(engine.bundle.embedder, [heard.prepared])
    found = engine.cases.search(vectors[0], call.top)
    return reply({"similar": similar_json(found), "versions": engine.versions})
