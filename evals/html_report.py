"""The report of an evaluation as one HTML file: tables, and plots drawn as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .25rem .75rem; border-bottom: 1px solid #8888; text-align: right; }
th:first-child, td:first-child { text-align: left; }
svg { width: 100%; max-width: 36rem; height: auto; background: Canvas; }
svg text { font-size: 12px; fill: CanvasText; }
.axis { stroke: CanvasText; } .grid { stroke: #8884; }
li { margin: .4rem 0; }
"""
_COLORS = ("#0b6e8f", "#b4490f", "#5b3fa0", "#3a7d2c")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 560, 320, 48, 40


def html_report(report: dict[str, Any], title: str) -> str:
    """The page for what `python -m bot eval` measured (the same data as its JSON)."""
    body = [f"<h1>{escape(title)}</h1>", f"<p>{escape(report.get('about', ''))}</p>"]
    answers = report.get("answers")
    if answers:
        body += ["<h2>Answers</h2>", _columns(answers["systems"])]
        curves = {name: points for name, points in answers["risk_coverage"].items() if points}
        body += [
            "<h3>Risk and coverage</h3>",
            "<p>As the bot answers more questions (to the right), the share of answers whose first"
            " passage is not one that answers (upwards).</p>",
            line_plot(curves, "share of questions answered", "share wrong"),
            "<h3>Scores of the best passage</h3>",
            histogram(answers["scores"], "answerability score"),
            "<h3>By kind of question</h3>",
            _columns(answers["by_kind"]),
            f"<h3>The {len(answers['worst'])} worst cases</h3><ol>",
            *(f"<li>{escape(line)}</li>" for line in answers["worst"]),
            "</ol>",
        ]
    for name in ("medquad", "ablation"):
        if name in report:
            body += [f"<h2>{name.title()}</h2>", _columns(report[name]["systems"])]
    if "safety" in report:
        parts = {n: p for n, p in report["safety"].items() if isinstance(p, dict) and "rate" in p}
        sizes = {n: {"as labelled": p["rate"], "messages": p["n"]} for n, p in parts.items()}
        misses = [f"{n}: {miss}" for n, p in parts.items() for miss in p["misses"]]
        body += ["<h2>Safety</h2>", _columns(sizes), "<h3>Misses</h3><ol>"]
        body += [*(f"<li>{escape(miss)}</li>" for miss in misses), "</ol>"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><body>{''.join(body)}</body></html>"
    )


def _columns(systems: dict[str, dict[str, Any]]) -> str:
    """One row a measure, one column a system."""
    names = list(systems)
    keys = list(dict.fromkeys(key for values in systems.values() for key in values))
    head = "".join(f'<th scope="col">{escape(n)}</th>' for n in names)
    rows = "".join(
        f'<tr><th scope="row">{escape(key)}</th>'
        + "".join(f"<td>{_shown(systems[n].get(key))}</td>" for n in names)
        + "</tr>"
        for key in keys
    )
    return f"<table><tr><td></td>{head}</tr>{rows}</table>"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else escape(str(value))


def line_plot(curves: dict[str, Sequence[tuple[float, float]]], x_label: str, y_label: str) -> str:
    """Curves over the unit square, one color and one legend line each."""
    parts = [*_axes(x_label, y_label, 1.0)]
    for n, (name, points) in enumerate(curves.items()):
        color = _COLORS[n % len(_COLORS)]
        path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts.append(_legend(n, name, color))
    return _svg(parts, f"{y_label} against {x_label}")


def histogram(groups: dict[str, Sequence[float]], x_label: str, bins: int = 20) -> str:
    """Shares of scores (0 to 1) in equal bins, one color a group."""
    shares = {}
    for name, scores in groups.items():
        counts = [0] * bins
        for score in scores:
            counts[min(bins - 1, max(0, int(score * bins)))] += 1
        shares[name] = [count / max(1, len(scores)) for count in counts]
    top = max((share for found in shares.values() for share in found), default=1.0) or 1.0
    parts = [*_axes(x_label, "share", top)]
    each = 1 / bins / max(1, len(shares))
    for n, (name, found) in enumerate(shares.items()):
        color = _COLORS[n % len(_COLORS)]
        for k, share in enumerate(found):
            left = _x(k / bins + n * each)
            height = _y(0) - _y(share / top)
            parts.append(
                f'<rect x="{left:.1f}" y="{_y(share / top):.1f}" height="{height:.1f}"'
                f' width="{(_WIDTH - _LEFT) * each:.1f}" fill="{color}"/>'
            )
        parts.append(_legend(n, name, color))
    return _svg(parts, f"Distribution of the {x_label}")


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - 8)


def _y(share: float) -> float:
    return 8 + (1 - share) * (_HEIGHT - _BOTTOM - 8)


def _axes(x_label: str, y_label: str, top: float) -> list[str]:
    parts = []
    for n in range(6):
        share = n / 5
        parts += [
            f'<line class="grid" x1="{_x(0)}" x2="{_x(1)}" y1="{_y(share)}" y2="{_y(share)}"/>',
            f'<text x="{_LEFT - 6}" y="{_y(share) + 4}" text-anchor="end">{share * top:.2f}</text>',
            f'<text x="{_x(share)}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">'
            f"{share:.1f}</text>",
        ]
    return [
        *parts,
        f'<line class="axis" x1="{_x(0)}" x2="{_x(1)}" y1="{_y(0)}" y2="{_y(0)}"/>',
        f'<line class="axis" x1="{_x(0)}" x2="{_x(0)}" y1="{_y(0)}" y2="{_y(1)}"/>',
        f'<text x="{_x(0.5)}" y="{_HEIGHT - 4}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text x="{_x(0) + 6}" y="18">{escape(y_label)}</text>',
    ]


def _legend(n: int, name: str, color: str) -> str:
    y = 34 + 18 * n
    return (
        f'<rect x="{_LEFT + 14}" y="{y - 9}" width="12" height="4" fill="{color}"/>'
        f'<text x="{_LEFT + 32}" y="{y - 3}">{escape(name)}</text>'
    )


def _svg(parts: Sequence[str], label: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )
