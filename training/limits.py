"""How much of a very large table is used, which sizes are timed; numbers only, so that a command loads nothing."""

EMBED_MOST = 15_000
"""Most training tickets whose vectors are computed: what two cores do in about three minutes. Of 10,000
synthetic tickets 2,500 were enough: estimating the others lost nothing on the tickets that were measured."""
MEASURE_MOST = 4_000
"""Most held-out tickets that are measured: a share is then right within 1.6 points."""
LEAVES, MANY_LEAVES = (100, 300, 1_000), (5_000,)
TICKETS, MANY_TICKETS = (1_000, 3_000, 10_000), (100_000,)
"""Sizes that `yousu bench growth` measures, and those it measures only with --long."""
BESIDE = 5_000
"""Tickets while the leaves grow."""
TRAININGS, MANY_TRAININGS = (1_000, 10_000), (100_000,)
"""Numbers of tickets that `yousu bench training` trains on, and that which it takes only with --long."""
LEAST = {"classify": 2, "route": 5}
"""Rows that a label needs to be measured by each bench."""
