"""From category and place to units: duty list, ambiguity rules, jurisdiction, history; every target says why."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from models.plan import Evidence, Question, RoutePlan, Target
from models.rules import Choice, choose

if TYPE_CHECKING:
    from models.catalog import Branch, Catalog, Rule
    from models.places import Location
    from models.risk import RiskFinding

K = TypeVar("K")


@dataclass(frozen=True)
class _Option:
    """One way to handle the call: the functions of a leaf or of a rule's branch, and how likely it is."""

    probability: float
    leaf: str
    leads: tuple[str, ...]
    co: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    rule: str = ""
    decided: bool = True


@dataclass(frozen=True)
class History:
    """What earlier tickets say: shares of accepted units by leaf, and units that returned this very ticket."""

    accepted: Mapping[str, Mapping[str, float]]
    """leaf -> unit name -> number of accepted tickets."""
    returned: Mapping[str, Mapping[str, float]]
    """leaf -> unit name -> number of returned tickets."""


NO_HISTORY = History({}, {})


class Router:
    """Routes a call with the catalogue's duties and rules.

    Parameters
    ----------
    catalog : Catalog
        The three lists and the rules, loaded and checked.
    history : History
        Accepted and returned tickets by leaf; the duty list counts as `prior` accepted tickets.
    prior : float
        Weight of the duty list against history, in tickets.
    default_share : float
        Probability that the duty list's own lead is right when a rule applies but no cue decides it.
    """

    def __init__(
        self,
        catalog: Catalog,
        history: History = NO_HISTORY,
        *,
        prior: float = 5.0,
        default_share: float = 0.6,
    ) -> None:
        self.catalog = catalog
        self.history = history
        self.prior = prior
        self.default_share = default_share
        self._rules: dict[str, list[Rule]] = defaultdict(list)
        for rule in catalog.rules:
            for leaf in catalog.leaves:
                ancestors = {node.code for node in catalog.path(leaf)}
                if ancestors & set(rule.scope):
                    self._rules[leaf].append(rule)

    def route(
        self,
        leaves: Sequence[tuple[str, float]],
        text: str,
        location: Location,
        risks: Sequence[RiskFinding] = (),
        returned_by: Iterable[tuple[str, str]] = (),
    ) -> RoutePlan:
        """Return the plan for a call.

        `leaves` are (code, probability) pairs, most likely first (at most five are looked at); `text` is
        normalised; `returned_by` are (unit, reason) pairs of this ticket's earlier returns.
        """
        top = [(c, p) for c, p in leaves[:5] if p > 0]
        total = sum(p for _, p in top)
        options = [o for code, p in top for o in self._options(code, p / total, text)] if total else []
        excluded = tuple(returned_by)
        units = self._units(options, location, {name for name, _ in excluded})
        active = [r for r in risks if r.active and r.handover]
        if not options:
            mode = "emergency" if active else "negotiate"
            return RoutePlan((), mode, self._first_question(active), (), excluded=excluded)
        best = self._best(options, units, location, top[0][0])
        leads, others = self._leads(best, options, units, location)
        mode = self._mode(best, leads, bool(active))
        leads = self._explained(leads, best.leaf, active, excluded)
        co = self._co(best, location, {t.unit for t in leads}, excluded)
        questions = self._questions(options, location, active, top)
        return RoutePlan(
            targets=(*leads, *co),
            mode=mode,
            ask=questions[0].text if questions else "",
            questions=tuple(questions),
            alternatives=tuple(others),
            excluded=excluded,
            leaf=best.leaf,
        )

    # -- options: duty list and rules ---------------------------------------------------------------------

    def _options(self, leaf: str, probability: float, text: str) -> list[_Option]:
        own = self._duty_option(leaf, probability)
        chosen = [(choose(rule, text), rule) for rule in self._rules[leaf]]
        decided = [(c, rule) for c, rule in chosen if c is not None and (c.branch.lead or c.branch.leaf)]
        if decided:
            # the clearest words win, then the longest cue, then the rule of the narrower scope, then the first
            decided.sort(key=lambda d: (-d[0].hits, -len(d[0].cue), -max(map(len, d[1].scope))))
            (choice, by), *rest = decided
            option = self._branch_option(by, choice.branch, choice.cue, leaf, probability)
            return [replace(option, evidence=(*option.evidence, *self._conflicts(option, choice, own, rest)))]
        undecided = [r for r in self._rules[leaf] if len(r.branches) > 1]
        if not undecided:
            return [own]
        rule = undecided[0]
        others = [b for b in rule.branches if b.lead and tuple(b.lead) != own.leads]
        if not others:
            return [own]
        share = probability * (1 - self.default_share) / len(others)
        open_ones = [replace(self._branch_option(rule, b, "", leaf, share), decided=False) for b in others]
        return [
            replace(own, probability=probability * self.default_share, rule=rule.rule, decided=False),
            *open_ones,
        ]

    def _conflicts(
        self, option: _Option, choice: Choice, own: _Option, others: Sequence[tuple[Choice, Rule]]
    ) -> list[Evidence]:
        """Return what else spoke: rules that point elsewhere, and the duty list where the rule overrules it."""
        found = [
            Evidence(
                "rule",
                f"规则“{other.topic}”因“{c.cue}”指向{'、'.join(c.branch.lead)},不如“{choice.cue}”明确",
                other.rule,
            )
            for c, other in others
            if c.branch.lead and tuple(c.branch.lead) != option.leads
        ]
        if own.leads and not set(own.leads) & set(option.leads):
            found.append(
                Evidence("clause", f"职责目录为{'、'.join(own.leads)},按规则改派{'、'.join(option.leads)}", own.leaf)
            )
        return found

    def _duty_option(self, leaf: str, probability: float) -> _Option:
        duties = self.catalog.duties[leaf]
        return _Option(
            probability=probability,
            leaf=leaf,
            leads=tuple(d.function for d in duties if d.role == "lead"),
            co=tuple(d.function for d in duties if d.role == "co"),
            evidence=tuple(Evidence("clause", d.clause, leaf) for d in duties if d.role == "lead" and d.clause)[:1],
        )

    def _branch_option(self, rule: Rule, branch: Branch, words: str, leaf: str, probability: float) -> _Option:
        moved = branch.leaf or leaf
        own = self._duty_option(moved, probability)
        reason = f"{rule.topic}:{branch.answer or rule.statement}" + (f"(话中提到“{words}”)" if words else "")
        return _Option(
            probability=probability,
            leaf=moved,
            leads=tuple(branch.lead) or own.leads,
            co=tuple(branch.co) or tuple(f for f in own.co if f not in branch.lead),
            evidence=(Evidence("rule", reason, rule.rule), *own.evidence),
            rule=rule.rule,
        )

    def _best(self, options: Sequence[_Option], units: Mapping[str, float], location: Location, named: str) -> _Option:
        """Return the option the plan follows: one that the likeliest lead belongs to, the named category first."""
        if not units:
            return options[0]
        unit = max(units, key=lambda name: units[name])
        fitting = [o for o in options if unit in {self._target(f, location, "lead", 0.0).unit for f in o.leads}]
        return max(fitting or options, key=lambda o: (o.leaf == named, o.probability))

    # -- units: jurisdiction and history ------------------------------------------------------------------

    def _target(self, function: str, location: Location, role: str, probability: float) -> Target:
        entry = self.catalog.functions[function]
        unit = self.catalog.function_unit(function, location.district or None, location.street or None)
        if unit is None:
            return Target(entry.function, "", (entry.function,), role, probability, function)
        place: tuple[Evidence, ...] = ()
        if entry.resolve in ("district", "street"):
            said = location.street if entry.resolve == "street" and location.street else location.district
            place = (Evidence("place", f"地点在{said}", unit.code),)
        return Target(unit.name, unit.code, self.catalog.unit_path(unit.code), role, probability, function, place)

    def _units(self, options: Sequence[_Option], location: Location, excluded: set[str]) -> dict[str, float]:
        """Probability of each unit being the lead, from duties and history, without the excluded units."""
        scores: dict[str, float] = defaultdict(float)
        for option in options:
            names = [self._target(f, location, "lead", 0.0).unit for f in option.leads]
            accepted = self.history.accepted.get(option.leaf, {})
            returned = self.history.returned.get(option.leaf, {})
            weights: dict[str, float] = {n: self.prior / (i + 1) for i, n in enumerate(names)}
            for name, count in accepted.items():
                weights[name] = weights.get(name, 0.0) + count
            for name, count in returned.items():
                if name in weights:
                    weights[name] *= (weights[name] + 1) / (weights[name] + count + 1)
            weights = {n: w for n, w in weights.items() if n not in excluded}
            total = sum(weights.values())
            for name, weight in weights.items():
                scores[name] += option.probability * weight / total
        return dict(scores)

    def _leads(
        self, best: _Option, options: Sequence[_Option], units: Mapping[str, float], location: Location
    ) -> tuple[list[Target], list[Target]]:
        """Return (leads to dispatch to, other units that may be right), each by falling probability."""
        known: dict[str, Target] = {}
        for option in sorted(options, key=lambda o: -o.probability):
            for function in option.leads:
                target = self._target(function, location, "lead", 0.0)
                if target.unit in units and target.unit not in known:
                    evidence = (*option.evidence, *target.evidence)
                    known[target.unit] = replace(target, probability=units[target.unit], evidence=evidence)
        for name, probability in units.items():
            known.setdefault(name, self._from_history(name, probability, best.leaf))
        ranked = sorted(known.values(), key=lambda t: -t.probability)
        wanted = [self._target(f, location, "lead", 0.0).unit for f in best.leads]
        together = [known[n] for n in dict.fromkeys(wanted) if n in known] if self._is_parallel(best) else []
        leads = together or ranked[:1]
        return leads, [t for t in ranked if t not in leads][:4]

    def _explained(
        self, leads: Sequence[Target], leaf: str, active: Sequence[RiskFinding], excluded: Sequence[tuple[str, str]]
    ) -> list[Target]:
        """Return the leads with what stands above rules: danger now, who returned this ticket, who often returns."""
        first = [Evidence("risk", f"{r.name}:先转{'、'.join(r.handover)},再派单", r.risk) for r in active[:1]]
        gone = [Evidence("returned", f"{unit}已退回本单" + (f":{why}" if why else ""), unit) for unit, why in excluded]
        out = []
        for target in leads:
            count = self.history.returned.get(leaf, {}).get(target.unit, 0)
            often = (Evidence("returned", f"同类工单曾被其退回{count:g}件", target.code),) if count else ()
            out.append(replace(target, evidence=(*first, *target.evidence, *often, *gone)))
        return out

    def _is_parallel(self, option: _Option) -> bool:
        return len(option.leads) > 1 and (bool(option.rule) or self.catalog.nodes[option.leaf].mode == "parallel")

    def _mode(self, best: _Option, leads: Sequence[Target], emergency: bool) -> str:
        mode = self.catalog.nodes[best.leaf].mode
        if emergency or (mode == "emergency" and best.probability >= 0.5):
            return "emergency"
        if len(leads) > 1:
            return "parallel"
        if mode == "negotiate" or not leads or (not best.decided and leads[0].probability < 0.5):
            return "negotiate"
        return "direct"

    def _from_history(self, name: str, probability: float, leaf: str) -> Target:
        count = self.history.accepted.get(leaf, {}).get(name, 0)
        evidence = (Evidence("history", f"同类工单曾由其办结{count:g}件", leaf),)
        unit = next((u for u in self.catalog.units.values() if u.name == name), None)
        if unit is None:
            return Target(name, "", (name,), "lead", probability, name, evidence)
        return Target(unit.name, unit.code, self.catalog.unit_path(unit.code), "lead", probability, name, evidence)

    def _co(
        self, best: _Option, location: Location, leads: set[str], excluded: Sequence[tuple[str, str]]
    ) -> list[Target]:
        gone = {name for name, _ in excluded}
        helpers = dict.fromkeys((*best.leads, *best.co))
        targets = [self._target(f, location, "co", best.probability) for f in helpers]
        unique = {t.unit: t for t in targets if t.unit not in gone and t.unit not in leads}
        return list(unique.values())

    # -- what to ask ---------------------------------------------------------------------------------------

    @staticmethod
    def _first_question(active: Sequence[RiskFinding]) -> str:
        return active[0].ask_first if active else "请问您要反映的具体是什么事、在什么地方?"

    def _questions(
        self,
        options: Sequence[_Option],
        location: Location,
        active: Sequence[RiskFinding],
        top: Sequence[tuple[str, float]],
    ) -> list[Question]:
        found: list[Question] = []
        by_lead = _shares((o.leads, o.probability) for o in options)
        now = _entropy(by_lead.values())
        for rule_name in {o.rule for o in options if not o.decided and o.rule}:
            rule = next(r for r in self.catalog.rules if r.rule == rule_name)
            mass = sum(o.probability for o in options if o.rule == rule_name)
            inside = _shares((o.leads, o.probability / mass) for o in options if o.rule == rule_name)
            found.append(Question(rule.question, mass * _entropy(inside.values()), "rule"))
        place_share = sum(o.probability for o in options if any(self._needs_place(f, location) for f in o.leads))
        if place_share > 0:
            districts = len(location.candidates) or len(self.catalog.districts)
            found.append(
                Question(
                    location.ask or "请问在哪个区、哪条街道?",
                    place_share * math.log2(max(districts, 2)),
                    "place",
                )
            )
        if len(top) > 1 and now > 0:
            first, second = (self.catalog.nodes[c] for c, _ in top[:2])
            by_leaf = _shares((o.leaf, o.probability) for o in options)
            gain = now - sum(
                p * _entropy(_shares((o.leads, o.probability / p) for o in options if o.leaf == leaf).values())
                for leaf, p in by_leaf.items()
            )
            if gain > 0.05:
                text = f"您说的主要是“{first.name}”,还是“{second.name}”?"
                found.append(Question(text, gain, "category"))
        found.sort(key=lambda q: -q.gain)
        if active:
            found.insert(0, Question(active[0].ask_first, math.inf, "risk"))
        return [q for q in found if q.text and q.gain > 0.05]

    def _needs_place(self, function: str, location: Location) -> bool:
        resolve = self.catalog.functions[function].resolve
        return (resolve == "district" and not location.district) or (resolve == "street" and not location.street)


def _shares(pairs: Iterable[tuple[K, float]]) -> dict[K, float]:
    total: dict[K, float] = defaultdict(float)
    for key, value in pairs:
        total[key] += value
    return dict(total)


def _entropy(probabilities: Iterable[float]) -> float:
    return -sum(p * math.log2(p) for p in probabilities if p > 0)
