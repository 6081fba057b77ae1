"""What predicts: text preparation, encoder, classifier, router, places, risk and the bundle; knows nothing of storage or HTTP."""
