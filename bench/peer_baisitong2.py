"""Judges texts with the offline rules of the package baisitong2; run by the Python of its environment.

Reads {"texts": [...]} as JSON from standard input and writes for each text the category that its routing goes by: the
first of those its rules find, as the package does without a key for a language model.
"""

import json
import sys

from baisitong2.services.analyzer import rule_analyzer


def main() -> None:
    """Judge what standard input holds."""
    texts = json.load(sys.stdin)["texts"]
    json.dump([rule_analyzer.classify(text)[0] for text in texts], sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
