"""Where a call goes, as the router says it: units with what speaks for them, the mode, and what to ask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """Why a target is proposed: `kind` is clause, rule, place, history, returned or risk; `text` can be read out."""

    kind: str
    text: str
    reference: str = ""


@dataclass(frozen=True)
class Target:
    """A unit proposed for the call."""

    unit: str
    """Name of the unit; the name of the function when the place does not yet decide the unit."""
    code: str
    """Code in the dispatch catalogue; empty when `unit` is only a function or a party outside it."""
    path: tuple[str, ...]
    """Names of the up to three levels of the dispatch catalogue."""
    role: str
    """`lead` or `co`."""
    probability: float
    function: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Question:
    """A question the operator may ask, with the expected fall of the routing entropy in bits."""

    text: str
    gain: float
    about: str
    """`risk`, `place`, `rule` or `category`."""


@dataclass(frozen=True)
class RoutePlan:
    """Where a call goes."""

    targets: tuple[Target, ...]
    """Leads and co-handlers, leads first, each by falling probability."""
    mode: str
    """`direct`, `parallel`, `negotiate` or `emergency`."""
    ask: str
    questions: tuple[Question, ...]
    alternatives: tuple[Target, ...] = ()
    """Other units that may be the lead, by falling probability."""
    excluded: tuple[tuple[str, str], ...] = ()
    """(unit, why) pairs that are left out because they returned this ticket."""
    leaf: str = ""
    """Leaf the route follows, after a rule may have moved it; empty when no category is known."""

    @property
    def leads(self) -> tuple[Target, ...]:
        """The units that must act: the most likely one, or all leads of a parallel dispatch."""
        return tuple(t for t in self.targets if t.role == "lead")

    @property
    def co(self) -> tuple[Target, ...]:
        """The units that help."""
        return tuple(t for t in self.targets if t.role == "co")
