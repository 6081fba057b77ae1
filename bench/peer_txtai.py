"""Answers a collection's questions with the hybrid search of the package txtai; run by the Python of its environment.

Reads {"texts": [...], "questions": [...], "encoder": FOLDER} as JSON from standard input and writes for each question
the places of the texts found, best first. txtai is given our encoder, which asks for a word before each text, and our
passages, since it cuts no text unasked; index, BM25, normalising and the even weights of the two are its own defaults.
"""

import json
import sys
from pathlib import Path

from txtai import Embeddings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kb.passages import passages
from models.embedder import OnnxEmbedder

PIECES = 100
"""Pieces taken a question, so that ten different texts can be among them."""


def main() -> None:
    """Answer what standard input holds."""
    given = json.load(sys.stdin)
    encoder = OnnxEmbedder(Path(given["encoder"]))

    def encode(texts):
        # txtai sets the word of `instructions` before the text; our encoder is told it apart and sets the same one
        parted = [text.partition(": ") for text in texts]
        return encoder.encode([text for _, _, text in parted], kind=parted[0][0])

    parts = [(place, part) for place, text in enumerate(given["texts"]) for part in passages(text) or [text]]
    instructions = {"query": "query: ", "data": "passage: "}
    found = Embeddings(method="external", transform=encode, hybrid=True, instructions=instructions)
    found.index((i, part, None) for i, (_, part) in enumerate(parts))
    hits = found.batchsearch(given["questions"], limit=PIECES)
    json.dump([list(dict.fromkeys(parts[i][0] for i, _ in one)) for one in hits], sys.stdout)


if __name__ == "__main__":
    main()
