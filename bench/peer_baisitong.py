"""Answers a collection's questions with the retrieval of the package baisitong; run by the Python of its environment.

Reads {"texts": [...], "questions": [...]} as JSON from standard input and writes for each question the places of the
texts found, best first. Texts are cut, scored and fused as the package does without a key for a language model.
"""

import json
import sys

from baisitong.services.documents import chunk_text
from baisitong.services.retriever import HybridRetriever, rewrite_query

PIECES = 30
"""Pieces taken a question, so that ten different texts can be among them."""


def main() -> None:
    """Answer what standard input holds."""
    given = json.load(sys.stdin)
    rows = []
    for place, text in enumerate(given["texts"]):
        for piece in chunk_text(text) or [text]:
            row = {"chunk_id": len(rows), "document_id": place, "content": piece}
            rows.append({**row, "doc_title": "", "embedding_json": None})
    retriever = HybridRetriever()
    retriever.rebuild(rows)
    found = []
    for question in given["questions"]:
        asked = rewrite_query(question, None)
        hits = retriever.search(asked, retriever._tfidf.transform(asked), top_k=PIECES)
        found.append(list(dict.fromkeys(h.document_id for h in hits)))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
