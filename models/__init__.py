"""What predicts: text, encoder, classifier, router, places, risk, bundle; knows nothing of storage or HTTP."""
