"""How much of a very large table is embedded and measured by default; numbers only, so that a command loads nothing."""

EMBED_MOST = 30_000
"""Most training tickets whose vectors are computed: what two cores do in about five minutes."""
MEASURE_MOST = 6_000
"""Most held-out tickets that are measured: a share is then right within 1.3 points."""
