"""Who may do what: keys, roles, sessions, tokens and rates, denied unless the table allows it."""

import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from sqlalchemy import select

from serve.keys import KeyFaultError, KeyRing
from serve.permissions import PUBLIC, ROLES, allows, permission_of
from serve.records import FeedbackRow
from serve.running import BindError, check_binding
from tests.serve.conftest import renewed

CALL = {"text": "路灯不亮"}


def key_for(client, role: str, **more):
    keys: KeyRing = client.app.state.runtime.keys
    return keys.create(f"{role} 一号", role, rate=more.pop("rate", 6000), **more)


def with_key(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_every_route_stands_in_the_permission_table(client) -> None:
    paths = client.app.openapi()["paths"]
    missing = [
        (verb, path) for path, verbs in paths.items() for verb in verbs if permission_of(verb.upper(), path) is None
    ]
    assert not missing


def test_a_route_that_is_not_in_the_table_is_for_admins_only() -> None:
    assert [role for role in ROLES if allows(role, permission_of("POST", "/v1/unheard-of"))] == ["admin"]


def test_without_any_key_everybody_on_this_machine_is_admin(client) -> None:
    assert client.post("/v1/assist", json=CALL).status_code == 200
    assert client.get("/v1/session").json()["role"] == "admin"


def test_with_the_first_key_everything_is_denied_by_default(client) -> None:
    _, secret = key_for(client, "operator")
    assert client.post("/v1/assist", json=CALL).status_code == 401
    assert client.get("/metrics").status_code == 401
    assert client.get("/healthz").status_code == 200
    reply = client.post("/v1/assist", json=CALL, headers=with_key(secret))
    assert reply.status_code == 200
    assert client.post("/v1/assist", json=CALL, headers={"X-API-Key": secret}).status_code == 200


def test_access_control_that_is_on_denies_even_before_the_first_key(client_of) -> None:
    assert client_of(auth="on").post("/v1/assist", json=CALL).status_code == 401


@pytest.mark.parametrize(
    ("role", "allowed", "denied"),
    [
        ("operator", ("POST", "/v1/assist"), ("GET", "/v1/feedback")),
        ("auditor", ("GET", "/v1/audit"), ("POST", "/v1/assist")),
        ("engineer", ("GET", "/v1/tickets"), ("GET", "/v1/audit")),
        ("reviewer", ("GET", "/v1/feedback"), ("POST", "/v1/tickets")),
        ("editor", ("POST", "/v1/similar"), ("GET", "/metrics")),
        ("admin", ("GET", "/v1/audit"), None),
    ],
)
def test_a_role_may_do_its_own_work_and_no_more(client, role, allowed, denied) -> None:
    headers = with_key(key_for(client, role)[1])
    verb, path = allowed
    assert client.request(verb, path, json=CALL if verb == "POST" else None, headers=headers).status_code == 200
    if denied:
        verb, path = denied
        reply = client.request(verb, path, json=CALL if verb == "POST" else None, headers=headers)
        assert reply.status_code == 403
        assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("secret", ["", "ys_", "ys_00000000_x", "nonsense", "ys_%s_wrong", "a.b.c", "ys__"])
def test_a_wrong_secret_opens_nothing(client, secret: str) -> None:
    key, _ = key_for(client, "admin")
    secret = secret.replace("%s", key.id)
    assert client.post("/v1/assist", json=CALL, headers={"X-API-Key": secret}).status_code == 401


def test_the_secret_is_nowhere_in_the_database(client, tmp_path) -> None:
    _, secret = key_for(client, "admin")
    client.post("/v1/assist", json=CALL, headers=with_key(secret))
    stored = b"".join(p.read_bytes() for p in tmp_path.glob("yousu.db*"))
    assert b"argon2id" in stored
    assert secret.encode() not in stored
    assert secret.split("_", 2)[2].encode() not in stored


def test_a_revoked_key_stops_at_once_here_and_at_the_next_look_elsewhere(client) -> None:
    runtime = client.app.state.runtime
    key, secret = key_for(client, "operator")
    assert client.post("/v1/assist", json=CALL, headers=with_key(secret)).status_code == 200
    KeyRing(runtime.records).revoke(key.id)
    runtime.look()
    assert client.post("/v1/assist", json=CALL, headers=with_key(secret)).status_code == 401


def test_rotation_keeps_the_old_key_for_the_grace_and_no_longer(client) -> None:
    keys = client.app.state.runtime.keys
    key, old = key_for(client, "operator")
    renewed_key, new = keys.rotate(key.id, grace_hours=1)
    assert renewed_key.role == "operator"
    for secret in (old, new):
        assert client.post("/v1/assist", json=CALL, headers=with_key(secret)).status_code == 200
    keys.rotate(renewed_key.id, grace_hours=0)
    assert client.post("/v1/assist", json=CALL, headers=with_key(new)).status_code == 401


def test_an_expired_key_opens_nothing(client) -> None:
    _, secret = key_for(client, "operator", days=0)
    assert client.post("/v1/assist", json=CALL, headers=with_key(secret)).status_code == 401


def test_an_unknown_role_is_refused_with_the_roles_that_exist(client) -> None:
    with pytest.raises(KeyFaultError, match="operator"):
        client.app.state.runtime.keys.create("x", "king", rate=1)


def test_a_key_above_its_rate_is_told_when_to_come_again(client) -> None:
    headers = with_key(key_for(client, "operator", rate=1)[1])
    first, second = (client.get("/v1/session", headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 429)
    assert int(second.headers["retry-after"]) >= 1


def test_a_panel_session_needs_the_csrf_token_for_writes(client) -> None:
    _, secret = key_for(client, "operator")
    login = client.post("/v1/session", json={"key": secret})
    assert login.status_code == 200
    cookie = login.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/v1/session").json()["who"].startswith("operator")
    assert client.post("/v1/assist", json=CALL).status_code == 403
    assert client.post("/v1/assist", json=CALL, headers={"X-CSRF-Token": "x"}).status_code == 403
    token = {"X-CSRF-Token": login.json()["csrf"]}
    assert client.post("/v1/assist", json=CALL, headers=token).status_code == 200
    assert client.delete("/v1/session", headers=token).status_code == 204
    assert client.get("/v1/session").status_code == 401


def test_the_cookie_goes_into_frames_only_where_platforms_are_listed_and_tls_is_there(client_of) -> None:
    listed = "https://hotline.example"
    for settings, framed in (
        ({"embed_origins": listed}, False),
        ({"cookie_secure": True}, False),
        ({"embed_origins": listed, "cookie_secure": True}, True),
    ):
        client = client_of(**settings)
        _, secret = key_for(client, "operator")
        cookie = client.post("/v1/session", json={"key": secret}).headers["set-cookie"].lower()
        assert ("samesite=none" in cookie, "; partitioned" in cookie) == (framed, framed)
        assert ("samesite=strict" in cookie) is not framed
        assert ("; secure" in cookie) is settings.get("cookie_secure", False)


def test_another_site_cannot_write_from_the_users_browser(client) -> None:
    reply = client.post("/v1/assist", json=CALL, headers={"Origin": "https://evil.example"})
    assert reply.status_code == 403
    assert client.post("/v1/assist", json=CALL, headers={"Origin": "http://127.0.0.1"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]:80", "a b", "["])
def test_a_page_whose_name_leads_here_is_nobody_while_everybody_here_is_admin(client_of, host: str) -> None:
    client = client_of()
    page = {"Host": host, "Origin": f"http://{host}"}
    assert client.get("/v1/audit", headers=page).status_code == 403
    assert client.post("/v1/assist", json=CALL, headers=page).status_code == 403
    for own in ("127.0.0.1:8345", "localhost", "[::1]:8345", "panel.localhost"):
        assert client.get("/v1/audit", headers={"Host": own}).status_code == 200
    _, secret = key_for(client, "operator")
    assert client.post("/v1/assist", json=CALL, headers=page | with_key(secret)).status_code == 200


def test_who_turns_access_control_off_may_call_the_service_what_he_likes(client_of) -> None:
    assert client_of(auth="off").get("/v1/audit", headers={"Host": "hotline.example"}).status_code == 200


def test_an_outside_address_is_refused_while_everybody_is_admin(engine, tmp_path) -> None:
    other = renewed(engine, tmp_path, host="0.0.0.0")
    with pytest.raises(BindError, match="key create"):
        check_binding(other.settings)
    KeyRing(other.records).create("a", "admin", rate=60)
    check_binding(other.settings)


# -- OIDC ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def issuer():
    """A local issuer: its address and a function that signs claims."""
    jwt = pytest.importorskip("jwt")
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key()))
    keys = json.dumps({"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(keys)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"

    def sign(key=private, algorithm="RS256", **claims: object) -> str:
        standard = {"iss": address, "aud": "yousu", "sub": "li", "exp": datetime.now(UTC) + timedelta(minutes=5)}
        return jwt.encode({**standard, **claims}, key, algorithm=algorithm, headers={"kid": "one"})

    yield address, sign
    server.shutdown()


def test_a_token_of_the_issuer_opens_what_its_role_may(client_of, issuer) -> None:
    address, sign = issuer
    client = client_of(auth="on", oidc_issuer=address)
    headers = with_key(sign(roles=["operator", "other"]))
    assert client.post("/v1/assist", json=CALL, headers=headers).status_code == 200
    assert client.get("/v1/session", headers=headers).json()["who"] == "oidc:li"
    assert client.get("/v1/audit", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": datetime(2020, 1, 1, tzinfo=UTC)},
        {"aud": "another"},
        {"iss": "http://evil.example"},
        {"key": "a shared secret that is long enough for HS256", "algorithm": "HS256"},
    ],
)
def test_a_token_that_does_not_hold_opens_nothing(client_of, issuer, claims) -> None:
    address, sign = issuer
    client = client_of(auth="on", oidc_issuer=address)
    token = sign(roles=["admin"], **claims)
    assert client.post("/v1/assist", json=CALL, headers=with_key(token)).status_code == 401


def test_a_name_in_a_token_is_stored_and_logged_as_text(client_of, issuer) -> None:
    address, sign = issuer
    client = client_of(auth="on", oidc_issuer=address)
    headers = with_key(sign(roles=["operator"], sub="li\x00\ud800\n"))
    told = client.post("/v1/feedback", json={**CALL, "field": "category", "verdict": "accept"}, headers=headers)
    assert told.status_code == 201
    with client.app.state.runtime.records.read() as session:
        assert [row.who for row in session.scalars(select(FeedbackRow))] == ["oidc:li  \n"]


def test_tokens_of_strangers_stop_no_write_while_the_issuer_hangs(client_of) -> None:
    jwt = pytest.importorskip("jwt")
    with socket.create_server(("127.0.0.1", 0), backlog=100) as issuer:
        client = client_of(auth="on", oidc_issuer=f"http://127.0.0.1:{issuer.getsockname()[1]}", max_in_flight=100)
        _, secret = key_for(client, "operator")
        assert client.get("/v1/session", headers=with_key(secret)).status_code == 200
        token = jwt.encode({"sub": "x"}, "a secret that is long enough for HS256", headers={"kid": "none"})
        done: list[int] = []
        strangers = [
            threading.Thread(target=lambda: done.append(client.get("/v1/session", headers=with_key(token)).status_code))
            for _ in range(40)
        ]
        for stranger in strangers:
            stranger.start()
        said = client.post(
            "/v1/feedback", json={**CALL, "field": "category", "verdict": "accept"}, headers=with_key(secret)
        )
        waiting = len(strangers) - len(done)
    for stranger in strangers:
        stranger.join()
    assert said.status_code == 201
    assert waiting >= len(strangers) - 1
    assert set(done) == {401}


def test_a_token_without_a_role_of_ours_is_told_so(client_of, issuer) -> None:
    address, sign = issuer
    client = client_of(auth="on", oidc_issuer=address)
    assert client.post("/v1/assist", json=CALL, headers=with_key(sign(roles=["root"]))).status_code == 403


def test_what_is_public_is_little() -> None:
    from serve import permissions

    public = {path for _, path, need in permissions._ROUTES if need == PUBLIC}
    assert not any(p.startswith("/v1/") for p in public - {"/v1/version", "/v1/session"})
