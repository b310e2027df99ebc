"""How many parts of a take are worked on beside each other."""

from apps.generations import workers

# Where no worker has signed yet: enough for a laptop, and a worker that joins later helps with the next take.
FEWEST_LANES = 2


def lanes_of(model: str) -> int:
    """As many as steps of this model can run at once."""
    return max(workers.pool_of(model, workers.present_or_none() or []).slots, FEWEST_LANES)
