"""The router: who is left out, what stands above a rule, and what is said about it."""

import pytest

from models.catalog import Catalog, load_catalog
from models.locations import catalog_dir
from models.places import Location
from models.plan import RoutePlan
from models.risk import RiskRules
from models.router import History, Router

WEST = Location(district="城西区")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(catalog_dir())


@pytest.fixture(scope="module")
def router(catalog: Catalog) -> Router:
    return Router(catalog)


def units(plan: RoutePlan) -> set[str]:
    return {t.unit for t in (*plan.targets, *plan.alternatives)}


def test_a_unit_that_returned_this_ticket_is_not_proposed_again_and_is_named(router: Router) -> None:
    first = router.route([("0301010101", 1.0)], "夜市烧烤把路占了", WEST).leads[0].unit
    plan = router.route([("0301010101", 1.0)], "夜市烧烤把路占了", WEST, returned_by=[(first, "不属本单位职责")])
    assert first not in units(plan)
    assert plan.excluded == ((first, "不属本单位职责"),)
    told = [e for t in plan.leads for e in t.evidence if e.kind == "returned"]
    assert plan.leads == () or any(first in e.text and "不属本单位职责" in e.text for e in told)


def test_with_another_unit_left_the_evidence_says_who_gave_the_ticket_back(catalog: Catalog) -> None:
    leaf = "0301010101"
    own = Router(catalog).route([(leaf, 1.0)], "夜市占道", WEST).leads[0].unit
    other = next(u.name for u in catalog.units.values() if u.name != own and u.level == 2)
    plan = Router(catalog, History({leaf: {other: 3.0}}, {})).route(
        [(leaf, 1.0)], "夜市占道", WEST, returned_by=[(own, "管辖不符")]
    )
    assert plan.leads[0].unit == other
    assert any(e.kind == "returned" and own in e.text and "管辖不符" in e.text for e in plan.leads[0].evidence)
    assert any(e.kind == "history" for e in plan.leads[0].evidence)


def test_a_pattern_of_returns_moves_the_probability(catalog: Catalog) -> None:
    leaf = "0301010101"
    own = Router(catalog).route([(leaf, 1.0)], "夜市占道", WEST).leads[0].unit
    other = next(u.name for u in catalog.units.values() if u.name != own and u.level == 2)
    calm = Router(catalog, History({leaf: {other: 2.0}}, {})).route([(leaf, 1.0)], "夜市占道", WEST)
    often = Router(catalog, History({leaf: {other: 2.0}}, {leaf: {own: 12.0}})).route([(leaf, 1.0)], "夜市占道", WEST)
    assert calm.leads[0].unit == own
    assert often.leads[0].unit == other


def test_danger_to_life_now_makes_it_an_emergency_whatever_a_rule_says(catalog: Catalog, router: Router) -> None:
    text = "小区里面的路灯不亮,旁边配电箱着火了火苗往上窜"
    risks = RiskRules(catalog.risks, catalog.triggers).find(text)
    calm = router.route([("0201010104", 1.0)], text, WEST)
    plan = router.route([("0201010104", 1.0)], text, WEST, risks)
    assert calm.mode == "direct"
    assert plan.mode == "emergency"
    assert plan.leads[0].evidence[0].kind == "risk"
    assert "119" in plan.leads[0].evidence[0].text
    assert plan.ask == risks[0].ask_first


def test_a_rule_that_overrules_the_duty_list_says_so(catalog: Catalog, router: Router) -> None:
    found = []
    for rule in catalog.rules:
        for branch in rule.branches:
            leaf = next((c for c in rule.scope if c in catalog.leaves), "")
            own = {d.function for d in catalog.duties.get(leaf, ()) if d.role == "lead"}
            if leaf and branch.lead and branch.cues and not branch.leaf and not own & set(branch.lead):
                plan = router.route([(leaf, 1.0)], branch.cues[0], WEST)
                found += [e for t in plan.leads for e in t.evidence if "按规则改派" in e.text]
    assert len(found) >= 10, "rules exist because duties alone mislead"


def test_the_question_asked_first_is_the_one_that_narrows_the_route_most(router: Router) -> None:
    plan = router.route([("0402010101", 0.5), ("0201010104", 0.5)], "灯不亮", Location())
    assert plan.questions
    assert plan.ask == plan.questions[0].text
    assert [q.gain for q in plan.questions] == sorted((q.gain for q in plan.questions), reverse=True)


def test_with_place_and_words_known_nothing_is_asked(router: Router) -> None:
    plan = router.route([("0402010101", 1.0)], "马路上整条街路灯不亮", WEST)
    assert plan.ask == ""
    assert plan.mode == "direct"
