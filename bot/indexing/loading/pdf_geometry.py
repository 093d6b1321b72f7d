"""Plane geometry of a PDF page: matrices, points and the straight lines of its tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_THIN = 2.5
"""Points. A filled box thinner than this is drawn as a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A straight line, level where `y0 == y1`, upright where `x0 == x1`."""

    x0: float
    y0: float
    x1: float
    y1: float


def matrix(n: list[float]) -> Matrix:
    return (n[0], n[1], n[2], n[3], n[4], n[5])


def mult(a: Matrix, b: Matrix) -> Matrix:
    return (
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
        a[4] * b[0] + a[5] * b[2] + b[4],
        a[4] * b[1] + a[5] * b[3] + b[5],
    )


def point(m: Matrix, x: float, y: float) -> tuple[float, float]:
    return x * m[0] + y * m[2] + m[4], x * m[1] + y * m[3] + m[5]


def turned(degrees: int) -> Matrix:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (cos, sin, -sin, cos, 0.0, 0.0)


def box(m: Matrix, n: list[float]) -> tuple[float, float, float, float]:
    ax, ay = point(m, n[0], n[1])
    bx, by = point(m, n[0] + n[2], n[1] + n[3])
    return min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)


def rules(path: Iterable[tuple[str, Any]], *, stroked: bool) -> Iterator[Rule]:
    """The level and upright lines of a painted path. Thin filled shapes are lines as well."""
    shape: list[tuple[float, float]] = []
    for kind, value in (*path, ("m", (0.0, 0.0))):
        if kind == "re":
            yield from _rules_of_box(*value, stroked=stroked)
        elif kind == "l":
            shape.append(value)
        else:
            if len(shape) > 1:
                yield from _rules_of_shape(shape, stroked=stroked)
            shape = [value]


def _rules_of_box(x0: float, y0: float, x1: float, y1: float, *, stroked: bool) -> Iterator[Rule]:
    if y1 - y0 < _THIN:
        yield Rule(x0=x0, x1=x1, y0=y0, y1=y0)
    elif x1 - x0 < _THIN:
        yield Rule(x0=x0, x1=x0, y0=y0, y1=y1)
    elif stroked:
        for y in (y0, y1):
            yield Rule(x0=x0, x1=x1, y0=y, y1=y)
        for x in (x0, x1):
            yield Rule(x0=x, x1=x, y0=y0, y1=y1)


def _rules_of_shape(shape: list[tuple[float, float]], *, stroked: bool) -> Iterator[Rule]:
    if not stroked:
        xs, ys = [x for x, _ in shape], [y for _, y in shape]
        if max(ys) - min(ys) < _THIN or max(xs) - min(xs) < _THIN:
            yield from _rules_of_box(min(xs), min(ys), max(xs), max(ys), stroked=False)
        return
    for one, other in pairwise(shape):
        (ax, ay), (bx, by) = sorted((one, other))
        if abs(ay - by) < 1 or abs(ax - bx) < 1:
            yield from _rules_of_box(ax, min(ay, by), bx, max(ay, by), stroked=False)
