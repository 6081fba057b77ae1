"""How documents become pages: `make docs` reads the Markdown and the notebooks where they lie, without a network."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

from sphinx.search import SearchLanguage

ROOT = Path(__file__).resolve().parent.parent

project = "有诉 yousu"
author = "yousu"
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
language = "zh_CN"
html_search_language = "pairs"

extensions = ["myst_nb"]
include_patterns = [
    "docs/*.md", "README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/catalog/README.md",
    "models/bundle/MODEL_CARD.md", "notebooks/*.ipynb",
]  # fmt: skip
root_doc = "docs/index"
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 4
nb_execution_mode = "off"
"""The outputs are those that `make notebooks` stored."""
nb_merge_streams = True
suppress_warnings = ["myst.header", "misc.highlighting_failure"]

html_theme = "furo"
html_title = "有诉文档"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_search_summary = False
"""Excerpts are fetched, which a browser refuses to a page that is opened as a file."""
html_extra_path = ["front"]
html_static_path = ["style"]
html_css_files = ["pages.css"]
html_theme_options = {
    "light_css_variables": {"font-stack": "system-ui, 'Noto Sans CJK SC', 'WenQuanYi Micro Hei', sans-serif"},
}


class Pairs(SearchLanguage):
    """Search by pairs of neighbouring Chinese characters: any words of a page are found, however they would be cut.

    Sphinx's own `zh` cuts only the pages into words and not what is asked (and in 9.0 names a stemmer that its page
    does not have).
    """

    lang = "pairs"
    language_name = "Pairs"
    js_splitter_code = """
var splitQuery = (query) => (query.match(/[\u4e00-\u9fff]+|[A-Za-z0-9_]+/g) || []).flatMap((run) =>
  run < "\u4e00" || run.length < 2 ? [run] : [...run].slice(1).map((c, i) => run[i] + c));
"""

    def split(self, input: str) -> list[str]:
        """Return Latin words as they are, and of each Chinese run its characters and their neighbouring pairs."""
        words = re.findall("[A-Za-z0-9_]+", input)
        for run in re.findall("[\u4e00-\u9fff]+", input):
            words += [*run, *(a + b for a, b in pairwise(run))]
        return words


def setup(app: Any) -> None:
    """Make the search known to Sphinx."""
    app.add_search_language(Pairs)
