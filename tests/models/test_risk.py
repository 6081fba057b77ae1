"""Risk rules: danger now is handed over; denial, figurative use, the past and fear are not."""

import pytest

from models.catalog import load_catalog
from models.locations import catalog_dir
from models.risk import RiskRules
from models.text import normalise


@pytest.fixture(scope="module")
def rules() -> RiskRules:
    catalog = load_catalog(catalog_dir())
    return RiskRules(catalog.risks, catalog.triggers)


def active(rules: RiskRules, text: str) -> set[str]:
    return {r.risk for r in rules.find(normalise(text)) if r.active}


@pytest.mark.parametrize(
    ("said", "risk", "line"),
    [
        ("我们楼下着火了", "fire", "119"),
        ("家里一股煤气味", "gas", "119"),
        ("电梯把我困住了", "lift", "119"),
        ("有人要跳楼", "suicide", "110"),
        ("他们打起来了,拿着刀", "violence", "110"),
    ],
)
def test_danger_now_is_handed_over(rules: RiskRules, said: str, risk: str, line: str) -> None:
    found = rules.find(normalise(said))
    assert found[0].active
    assert risk in {r.risk for r in found}
    assert line in {n for r in found if r.risk == risk for n in r.handover}


@pytest.mark.parametrize(
    "said",
    ["笑死了", "今天热死了", "他家生意火爆得很", "水价跳水了", "气炸了我都", "隔壁吵死人了", "打电话打不通"],
)
def test_figurative_words_are_no_danger(rules: RiskRules, said: str) -> None:
    assert not active(rules, said)


@pytest.mark.parametrize(
    "said", ["没有闻到煤气味", "火已经扑灭了", "去年楼下着过火", "怕万一着火", "没有人被困在电梯里"]
)
def test_what_is_denied_over_or_feared_is_not_handed_over(rules: RiskRules, said: str) -> None:
    assert not active(rules, said)


def test_a_word_for_now_makes_it_active_again(rules: RiskRules) -> None:
    assert "fire" in active(rules, "去年就着过火,现在又着火了,还在烧")


def test_an_inactive_risk_names_no_line_and_says_why(rules: RiskRules) -> None:
    finding = next(r for r in rules.find("楼下着火了,已经扑灭了") if r.risk == "fire")
    assert not finding.active
    assert finding.handover == ()
    assert "但" in finding.why


def test_fillers_around_it_change_nothing(rules: RiskRules) -> None:
    for said in ("楼上着火了", "喂喂你好那个楼上着火了你们快一点嗯"):
        assert "fire" in active(rules, said)
