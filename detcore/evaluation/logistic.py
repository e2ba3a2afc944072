"""Logistic regression by Newton's method, with a penalty that keeps small samples from saying too much."""

from __future__ import annotations

import numpy as np

from detcore.types import BoolArray, FloatArray, IntArray

_ROUNDS = 30
_STEP = 2.0  # Newton may overshoot where nearly all rows are of one kind
_DONE = 1e-6
_LOWEST_SLOPE = 0.02  # a higher score never speaks against


def logit(share: FloatArray) -> FloatArray:
    """Logarithm of the odds; shares of 0 and 1 are drawn in a little."""
    inside = np.clip(share, 1e-5, 1 - 1e-5)
    return np.log(inside / (1 - inside))


def sigmoid(value: FloatArray) -> FloatArray:
    return 1 / (1 + np.exp(-np.clip(value, -60, 60)))


def fit_logistic(
    features: FloatArray,
    right: BoolArray | FloatArray,
    *,
    penalty: float = 1.0,
    counts: FloatArray | None = None,
) -> FloatArray:
    """(F + 1,) weights of the features (N, F) and, last, of a constant 1. All but the last are penalised.
    ``right`` (N,) is yes or no, or how probably yes; ``counts`` (N,) how many rows each stands for."""
    times = np.ones(len(features)) if counts is None else counts
    columns = np.column_stack([features, np.ones(len(features))])
    keep = np.full(columns.shape[1], penalty)
    keep[-1] = 1e-3
    weights = np.zeros(columns.shape[1])
    for _ in range(_ROUNDS):
        share = sigmoid(columns @ weights)
        slope = columns.T @ (times * (right - share)) - keep * weights
        curvature = (columns * (times * share * (1 - share))[:, None]).T @ columns + np.diag(keep)
        step = np.clip(np.linalg.solve(curvature, slope), -_STEP, _STEP)
        weights += step
        if np.abs(step).max() < _DONE:
            break
    return weights


def predict_logistic(features: FloatArray, weights: FloatArray) -> FloatArray:
    """(N,) probabilities."""
    return sigmoid(features @ weights[:-1] + weights[-1])


def calibrate(
    values: FloatArray, right: BoolArray, label: IntArray, *, classes: int, fitted: BoolArray | None = None
) -> FloatArray:
    """(N,) log odds of being right, a line of ``values`` (N,) for each class (Platt's scaling, rising).

    ``label`` (N,) in 0..classes-1. The lines of classes with few rows stay near that of all. ``fitted`` (N,)
    marks the rows to learn from.
    """
    chosen = np.arange(len(values)) if fitted is None else np.flatnonzero(fitted)
    x, k = values[chosen], label[chosen]
    y = right[chosen]
    slope, constant = fit_logistic(x[:, None], y)
    a, b = np.full(classes, constant), np.full(classes, slope)
    for _ in range(_ROUNDS):
        share = sigmoid(a[k] + b[k] * x)
        spread, rest = share * (1 - share), y - share

        def total(column: FloatArray) -> FloatArray:
            return np.bincount(k, weights=column, minlength=classes).astype(np.float64)

        g_a, g_b = total(rest) - (a - constant), total(rest * x) - (b - slope)
        h_aa, h_ab, h_bb = total(spread) + 1, total(spread * x), total(spread * x * x) + 1
        determinant = h_aa * h_bb - h_ab * h_ab
        step_a = np.clip((h_bb * g_a - h_ab * g_b) / determinant, -_STEP, _STEP)
        step_b = np.clip((h_aa * g_b - h_ab * g_a) / determinant, -_STEP, _STEP)
        a, b = a + step_a, b + step_b
        if max(np.abs(step_a).max(), np.abs(step_b).max()) < _DONE:
            break
    b = np.maximum(b, _LOWEST_SLOPE)
    return a[label] + b[label] * values
