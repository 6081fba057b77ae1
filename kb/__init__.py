"""The knowledge base: entries, store, hybrid index and answering; knows nothing of categories' training or HTTP."""
