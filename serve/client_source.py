"""The source of serve/client/calls.py, from our OpenAPI description: a method a route, a typed dictionary a schema."""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

_HEAD = '''"""Every call of the interface. Written by docs/generate.py from OpenAPI; do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from serve.client.transport import Caller, part

'''
_SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_VERBS = {"GET": "get_", "PUT": "put_", "DELETE": "delete_", "POST": ""}


def name_of(method: str, path: str) -> str:
    """Return the name of a call: `POST /v1/entries/import`: entries_import, `GET /v1/entries/{entry_id}`: get_entry."""
    words: list[str] = []
    for piece in path.removeprefix("/v1").strip("/").split("/"):
        if piece.startswith("{"):
            words[-1] = _one(words[-1])
        else:
            words.append(piece.replace("-", "_"))
    return _VERBS[method] + "_".join(words)


def _one(word: str) -> str:
    return word[:-3] + "y" if word.endswith("ies") else word.removesuffix("s")


def source(description: Mapping[str, Any]) -> str:
    """Return calls.py for an OpenAPI description."""
    schemas = description["components"]["schemas"]
    shapes = [_shape(name, schema) for name, schema in sorted(schemas.items()) if schema.get("type") == "object"]
    methods = [
        _method(verb.upper(), path, route)
        for path, verbs in description["paths"].items()
        for verb, route in verbs.items()
        if path.startswith("/v1/") and not _is_stream(route)
    ]
    calls = '\n\nclass Client(Caller):\n    """The calls; `where` is an address, or what sends (see transport)."""\n'
    text = _HEAD + "\n\n".join(shapes) + calls + "".join(methods)
    command = [sys.executable, "-m", "ruff", "format", "-q", "--line-length=120", "--stdin-filename", "calls.py", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def _is_stream(route: Mapping[str, Any]) -> bool:
    return "text/event-stream" in route["responses"].get("200", {}).get("content", {})


def _shape(name: str, schema: Mapping[str, Any]) -> str:
    required = set(schema.get("required", ()))
    lines = [f"class {_class(name)}(TypedDict):", f'    """{_line(schema.get("description", name))}"""', ""]
    for field, value in schema.get("properties", {}).items():
        if not field.isidentifier() or keyword.iskeyword(field):
            raise ValueError(f"{name}.{field}: expected a name that Python allows")
        kind = _type(value)
        lines.append(f"    {field}: {kind if field in required else f'NotRequired[{kind}]'}")
        if meaning := value.get("description", ""):
            lines.append(f'    """{_line(meaning)}"""')
    return "\n".join(lines)


def _class(name: str) -> str:
    return re.sub(r"\W", "", name)


def _line(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace('"', "'")


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _class(schema["$ref"].rsplit("/", 1)[1])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(s) for s in schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema.get('enum', [schema.get('const')])))}]"
    kind = schema.get("type")
    if kind == "array":
        return f"list[{_type(schema.get('items', {}))}]"
    if kind == "object":
        more = schema.get("additionalProperties", True)
        return f"dict[str, {_type(more) if isinstance(more, Mapping) else 'Any'}]"
    if kind == "string" and schema.get("format") == "binary":
        return "bytes"
    return _SIMPLE.get(kind or "", "Any")


def _method(verb: str, path: str, route: Mapping[str, Any]) -> str:
    given = [p for p in route.get("parameters", ()) if p["in"] != "cookie"]
    where = {"path": [], "query": [], "header": []}  # type: dict[str, list[tuple[str, str, str]]]
    needed, others = ["self"], []
    for p in given:
        argument = p["name"].replace("-", "_").lower()
        kind = _type(p["schema"]).replace(" | None", "")
        where[p["in"]].append((p["name"], argument, kind))
        if p.get("required"):
            needed.append(f"{argument}: {kind}")
        else:
            others.append(f"{argument}: {kind} | None = None")
    content = route.get("requestBody", {}).get("content", {})
    more = ""
    if content:
        media, body = next(iter(content.items()))
        needed.append(f"body: {_type(body['schema']) if media == 'application/json' else 'bytes'}")
        more += ", body=body" + ("" if media == "application/json" else f', kind="{media}"')
    for place, argument in (("query", "query"), ("header", "headers")):
        if where[place]:
            pairs = ", ".join(f'"{name}": {argument_}' for name, argument_, _ in where[place])
            more += f", {argument}={{{pairs}}}"
    target = re.sub(r"\{(\w+)\}", r"{part(\1)}", path)
    quoted = f'f"{target}"' if "{" in target else f'"{target}"'
    arguments = ", ".join([*needed, *(["*", *others] if others else [])])
    told = [_line(route.get("summary", "") or name_of(verb, path)) + "。"]
    if meaning := route.get("description", ""):
        told += ["", *textwrap.wrap(_line(meaning), 100)]
    said = "\n".join(f"        {line}".rstrip() for line in told).lstrip()
    back = " | ".join(dict.fromkeys(_answers(route)))
    returned = "" if back == "None" else "return "
    return (
        f"\n    def {name_of(verb, path)}({arguments}) -> {back}:\n"
        f'        """{said}\n        """\n        {returned}self._call("{verb}", {quoted}{more})\n'
    )


def _answers(route: Mapping[str, Any]) -> Iterator[str]:
    for status, response in route["responses"].items():
        if status.startswith("2"):
            content = response.get("content", {})
            if not content and status != "204":
                yield "Any"
            elif not content:
                yield "None"
            else:
                json = content.get("application/json")
                yield (
                    _type(json["schema"])
                    if json and json.get("schema")
                    else "bytes"
                    if len(content) > 1 or not json
                    else "Any"
                )
