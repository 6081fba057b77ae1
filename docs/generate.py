"""Writes from code, data and measurements: references, data card, tables of figures, client; `--check` compares."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HOME = "/YOUSU_HOME"
PLACES = {
    "bundle": "the promoted bundle in `home`, else the shipped one",
    "catalog": "`catalog/` in `data`",
    "data": "`data/` of the program",
    "home": "`var/` in a source checkout, else `$XDG_STATE_HOME/yousu`",
}
"""Defaults of settings that depend on the machine, in words."""
MADE = "<!-- Written by docs/generate.py from the code; change the code, not this file. -->"


def prepare() -> None:
    """Make defaults the same on every machine; call before `yousu` is imported."""
    for name in [n for n in os.environ if n.startswith("YOUSU_")]:
        del os.environ[name]
    os.environ["YOUSU_HOME"] = HOME
    sys.path.insert(0, str(ROOT))


def commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield (path, command) of every command that does something, in the order of `--help`."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, child in command.commands.items():
        yield from commands(child, (*path, name))


def shown(value: object) -> str:
    """Return a default as it is written in a table."""
    if value is None or value in ("", (), []) or callable(value):
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    text = str(value).replace(f"{ROOT}/", "").replace(HOME, "YOUSU_HOME")
    return f"`{text}`"


def cell(text: str) -> str:
    """Return text that cannot break out of a table cell."""
    return " ".join(text.split()).replace("|", "\\|")


def parameter(p: Any) -> tuple[str, str, str, str]:
    """Return (name, needed, default, meaning) of a parameter of a command."""
    if p.param_type_name == "argument":
        name = f"`{p.name.upper()}`"
    else:
        value = "" if p.is_flag else f" {p.name.upper()}"
        name = ", ".join(f"`{o}{value}`" for o in (*p.opts, *p.secondary_opts))
    return name, "yes" if p.required else "", shown(p.default), cell(getattr(p, "help", "") or "")


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return ["| " + " | ".join(row) + " |" for row in (head, tuple("---" for _ in head), *rows)]


def cli() -> str:
    """Return docs/cli.md."""
    from typer.main import get_command

    import yousu

    lines = [MADE, "", "# Commands", "", "Every command of `yousu`, with what `--help` says. `yousu train FILE …` is"]
    lines += [
        "short for `yousu train run FILE …`. A command that fails says why on standard error and ends with 1.",
        "",
    ]
    whole = get_command(yousu.app)
    found = list(commands(whole, ("yousu",)))
    lines += overview(whole, [path for path, _ in found])
    for path, command in found:
        lines += ["", f"## {' '.join(path)}", "", cell(command.help or "")]
        rows = [parameter(p) for p in command.params if p.name != "help"]
        if rows:
            lines += ["", *table(("parameter", "needed", "default", "meaning"), rows)]
    return "\n".join(lines) + "\n"


def overview(whole: Any, paths: list[tuple[str, ...]]) -> list[str]:
    """Return the lines of a table with a row for each group of commands, each command a link to its section."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for path in paths:
        groups.setdefault(path[:-1], []).append(f"[{path[-1]}](#{'-'.join(path)})")
    rows = []
    for group, links in groups.items():
        about = whole.commands[group[1]].help if len(group) > 1 else whole.help
        rows.append((f"`{' '.join(group)}`", cell(about or ""), ", ".join(links)))
    return table(("command", "about", "sub-commands"), rows)


def settings() -> str:
    """Return docs/settings.md."""
    from serve.settings import Settings

    rows = []
    for name, field in Settings.model_fields.items():
        default = PLACES.get(name) or shown(field.get_default(call_default_factory=True)) or "empty"
        if field.annotation is bool:
            default = f"`{str(field.default).lower()}`"
        rows.append((f"`YOUSU_{name.upper()}`", default, cell(field.description or "")))
    lines = [MADE, "", "# Settings", ""]
    lines += ["Read from the environment, then from the TOML file that `YOUSU_CONFIG` names (`yousu.toml` in the home"]
    lines += ["folder when it names none); in the file a setting is written in lower case without the prefix, as in"]
    lines += ["`port = 8345`. `yousu settings` shows the values in force.", ""]
    return "\n".join([*lines, *table(("variable", "default", "meaning"), rows)]) + "\n"


def client() -> str:
    """Return serve/client/calls.py."""
    from serve.app import interface
    from serve.client_source import source

    return source(interface())


def data_card() -> str:
    """Return docs/data-card.md."""
    from docs.data_card import card

    return card(ROOT, MADE)


def operations() -> str:
    """Return docs/operations.md with its sizing tables."""
    from docs.sizing import sized

    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    return sized(page, ROOT / "docs" / "measured.json", table)


def readme(name: str, language: str) -> str:
    """Return a README with its table of figures."""
    from docs import figures

    page = (ROOT / name).read_text(encoding="utf-8")
    says = {"english": figures.ENGLISH, "chinese": figures.CHINESE}[language]
    return figures.figured(page, says, ROOT / "models" / "bundle", ROOT / "docs" / "measured.json", table)


def main() -> int:
    """Write the files, or with `--check` return 1 when one differs."""
    prepare()
    stale = 0
    made = (
        ("docs/cli.md", cli()),
        ("docs/settings.md", settings()),
        ("docs/data-card.md", data_card()),
        ("docs/operations.md", operations()),
        ("README.md", readme("README.md", "english")),
        ("README.zh-CN.md", readme("README.zh-CN.md", "chinese")),
        ("serve/client/calls.py", client()),
    )
    for name, text in made:
        file = ROOT / name
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if "--check" in sys.argv:
            print(f"{file}: differs from the code; run python docs/generate.py")
        else:
            file.write_text(text, encoding="utf-8")
            print(f"{file}: written")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
