"""Which things go with which, from what many did: three classical answers, on few items and many rows."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RIDGE = 100.0  # of EASE, in rows
FACTORS, SWEEPS, SURER, ALS_RIDGE = 4, 8, 2.0, 10.0


def cosine(x: Array) -> Array:
    """Cosines between columns, 0 with themselves: the weights of item-kNN with all items as neighbours.

    Args:
        x: What each row did of each item, not negative, shape (rows, items).
    """
    length = np.sqrt((x**2).sum(axis=0))
    alike = (x.T @ x) / np.maximum(np.outer(length, length), 1e-12)
    np.fill_diagonal(alike, 0.0)
    return np.asarray(alike)


def ease(x: Array, ridge: float = RIDGE) -> Array:
    """EASE: B = I - P diag(P)^-1 with P = (X'X + ridge I)^-1, whose diagonal is 0 (Steck 2019, equation 8)."""
    p = np.linalg.inv(x.T @ x + ridge * np.eye(x.shape[1]))
    b = -p / np.diag(p)
    np.fill_diagonal(b, 0.0)
    return np.asarray(b)


def als_factors(x: Array, k: int = FACTORS, seed: int = 7) -> Array:
    """Item factors of implicit ALS, shape (items, k): whether something was done, surer the more of it.

    Confidence is 1 + SURER x (Hu, Koren and Volinsky 2008, "Collaborative filtering for implicit feedback datasets").
    """
    k = max(min(k, x.shape[1] - 1), 1)
    y = np.random.default_rng(seed).normal(0, 0.1, (x.shape[1], k))
    for _ in range(SWEEPS if len(x) else 0):
        y = _solve(x.T, _solve(x, y))
    return y


def als_scores(x: Array, factors: Array) -> Array:
    """What the factors say of each row and item, near 1 for what is likely, shape (rows, items)."""
    return np.asarray(_solve(x, factors) @ factors.T)


def _solve(x: Array, y: Array) -> Array:
    """The factors of rows, given those of columns: (Y'Y + SURER Y'XY + ridge I)^-1 Y'(1 + SURER x)[x > 0]."""
    outer = np.einsum("ia,ib->iab", y, y).reshape(len(y), -1)
    a = (y.T @ y + ALS_RIDGE * np.eye(y.shape[1])).reshape(-1) + SURER * (x @ outer)
    b = ((x > 0) * (1 + SURER * x)) @ y
    k = y.shape[1]
    return np.asarray(np.linalg.solve(a.reshape(-1, k, k), b[:, :, None])[:, :, 0])
