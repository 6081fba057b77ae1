"""Who may do what: permissions of each role and of each route; a route that is not in the table is for admins only."""

from __future__ import annotations

from dataclasses import dataclass

ROLES = ("operator", "editor", "reviewer", "engineer", "auditor", "admin")
ROLE_NAMES = {
    "operator": "坐席",
    "editor": "编辑",
    "reviewer": "审核",
    "engineer": "工程师",
    "auditor": "审计",
    "admin": "管理员",
}


@dataclass(frozen=True)
class Principal:
    """Who asks."""

    who: str
    role: str
    rate: int = 0
    """Calls a minute; 0 = no limit."""


PUBLIC = ""
"""The permission of routes that need no key."""

_ASSIST = frozenset({"assist", "similar", "session", "entries:read", "entries:test", "feedback:write"})
"""Whoever may use the panel may also say what it got wrong."""
GRANTS: dict[str, frozenset[str]] = {
    "operator": _ASSIST,
    "editor": _ASSIST | {"entries:write", "entries:move", "entries:export"},
    "reviewer": _ASSIST | {"entries:review", "entries:move", "entries:export", "feedback:read", "quality"},
    "engineer": _ASSIST
    | {
        "batch",
        "tickets:write",
        "tickets:read",
        "feedback:read",
        "bundles:read",
        "bundles:write",
        "metrics",
        "quality",
    },
    "auditor": frozenset(
        {"session", "audit:read", "entries:read", "feedback:read", "bundles:read", "metrics", "quality"}
    ),
}

_ROUTES: tuple[tuple[str, str, str], ...] = (
    ("GET", "/", PUBLIC),
    ("GET", "/kb", PUBLIC),
    ("GET", "/insight", PUBLIC),
    ("GET", "/vendor/plotly.min.js", PUBLIC),
    ("GET", "/docs", PUBLIC),
    ("GET", "/openapi.json", PUBLIC),
    ("GET", "/static/*", PUBLIC),
    ("GET", "/healthz", PUBLIC),
    ("GET", "/readyz", PUBLIC),
    ("GET", "/metrics", "metrics"),
    ("GET", "/v1/version", PUBLIC),
    ("POST", "/v1/session", PUBLIC),
    ("GET", "/v1/session", "session"),
    ("DELETE", "/v1/session", "session"),
    ("POST", "/v1/assist", "assist"),
    ("POST", "/v1/answer", "assist"),
    ("POST", "/v1/classify", "assist"),
    ("POST", "/v1/route", "assist"),
    ("POST", "/v1/similar", "similar"),
    ("POST", "/v1/batch", "batch"),
    ("POST", "/v1/feedback", "feedback:write"),
    ("GET", "/v1/feedback", "feedback:read"),
    ("POST", "/v1/tickets", "tickets:write"),
    ("POST", "/v1/tickets/bulk", "tickets:write"),
    ("GET", "/v1/tickets", "tickets:read"),
    ("POST", "/v1/outcomes", "tickets:write"),
    ("GET", "/v1/insight/*", "quality"),
    ("GET", "/v1/audit", "audit:read"),
    ("GET", "/v1/sessions/*", "assist"),
    ("POST", "/v1/sessions/*", "assist"),
    ("GET", "/v1/catalog/*", "assist"),
    ("POST", "/v1/catalog/*", "assist"),
    ("GET", "/v1/entries/export", "entries:export"),
    ("POST", "/v1/entries/import", "entries:write"),
    ("POST", "/v1/entries/hit-test", "entries:test"),
    ("GET", "/v1/desk/*", "entries:read"),
    ("PUT", "/v1/desk/unanswered/{number}", "entries:write"),
    ("GET", "/v1/entries*", "entries:read"),
    ("PUT", "/v1/entries/{entry_id}/status", "entries:move"),
    ("PUT", "/v1/entries*", "entries:write"),
    ("GET", "/v1/bundles", "bundles:read"),
    ("POST", "/v1/bundles/promote", "bundles:write"),
    ("POST", "/v1/bundles/rollback", "bundles:write"),
)


def permission_of(method: str, path: str) -> str | None:
    """Return the permission that a route's method and path template need; None when the table has no row for it."""
    method = "GET" if method == "HEAD" else method
    for verb, pattern, permission in _ROUTES:
        if verb == method and (pattern == path or (pattern.endswith("*") and path.startswith(pattern[:-1]))):
            return permission
    return None


def allows(role: str, permission: str | None) -> bool:
    """Whether a role has a permission; admins have all, everybody has `PUBLIC`."""
    return role == "admin" or permission == PUBLIC or (permission is not None and permission in GRANTS.get(role, ()))
