"""Advantage: how sure it is that more of a restaurant's diners say something than of others', from two counts."""

from functools import lru_cache

import numpy as np

GRID = 4001
REMEMBERED = 4096  # counts: one restaurant has those of another, and every stage asks for them again


@lru_cache(maxsize=REMEMBERED)
def sure(here: int, of_here: int, there: int, of_there: int) -> float:
    """Return the probability that the share `here` / `of_here` comes from a higher one than `there` / `of_there`.

    Both shares have Jeffreys' prior, Beta(1/2, 1/2), under which an interval for a proportion is right on average also
    for three observations (Brown, Cai and DasGupta, "Interval estimation for a binomial proportion", 2001); the
    posterior probability that one is higher is that of Altham ("Exact Bayesian analysis of a 2 x 2 contingency table",
    1969). With p = sin^2(t) the prior is even in t, over which the product is summed.
    """
    t = (np.arange(GRID) + 0.5) * (np.pi / 2 / GRID)
    sin, cos = np.log(np.sin(t)), np.log(np.cos(t))

    def posterior(count: int, total: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        log = 2 * count * sin + 2 * (total - count) * cos
        weights = np.exp(log - log.max())
        return np.asarray(weights / weights.sum())

    own, others = posterior(here, of_here), posterior(there, of_there)
    return float(own @ (others.cumsum() - others / 2))
