"""Bearer tokens of an OIDC issuer: signature, issuer, audience and time checked, the role read from a claim."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import HTTPException

from models.text import storable
from serve.permissions import ROLES, Principal
from serve.settings import Settings

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "EdDSA")
"""Only asymmetric ones: the issuer's public key must never serve as a shared secret."""


class TokenVerifier:
    """Verifies tokens of the issuer in the settings; its keys are fetched once and when an unknown one appears.

    Raises ImportError with what to install when the `oidc` extra is missing.
    """

    def __init__(self, settings: Settings) -> None:
        try:
            import jwt
        except ImportError as error:
            raise ImportError("YOUSU_OIDC_ISSUER: 需要 pip install 'yousu[oidc]'") from error
        self._jwt = jwt
        self._settings = settings
        self._one = asyncio.Semaphore(1)  # an issuer that hangs must not take every thread: writes need them too
        address = settings.oidc_jwks or settings.oidc_issuer.rstrip("/") + "/.well-known/jwks.json"
        self._keys = jwt.PyJWKClient(address, timeout=5, lifespan=300)

    async def principal(self, token: str) -> Principal:
        """Return who the token says it is; raises 401 for a token that does not hold, 403 for one without a role."""
        async with self._one:
            claims = await asyncio.to_thread(self._claims, token)
        given = claims.get(self._settings.oidc_role_claim, [])
        roles = [given] if isinstance(given, str) else given if isinstance(given, list) else []
        role = next((r for r in reversed(ROLES) if r in roles), "")
        if not role:
            raise HTTPException(403, f"令牌的 {self._settings.oidc_role_claim}: 应含 {'、'.join(ROLES)} 之一")
        return Principal(storable(f"oidc:{claims['sub']}"[:100]), role, self._settings.default_rate)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            return self._jwt.decode(
                token, key.key, algorithms=list(ALGORITHMS), audience=self._settings.oidc_audience,
                issuer=self._settings.oidc_issuer, options={"require": ["exp", "sub", "iss", "aud"]}, leeway=30,
            )  # fmt: skip
        except (self._jwt.PyJWTError, OSError, ValueError) as error:  # the last two: what the issuer did or said
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise HTTPException(401, f"令牌无效:{type(error).__name__}", challenge) from error
