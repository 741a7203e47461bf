"""The chart: one bar for each system and operation, on a logarithmic scale, as SVG."""

from math import log10
from xml.sax.saxutils import escape

import table

_COLOURS = {"Orbital": "#1f6feb", "floor": "#8c959f", "seL4": "#2da44e", "Linux 6.1": "#d29922",
            "xv6": "#cf222e"}
_LEFT, _WIDTH, _BAR, _GAP = 260, 560, 14, 18


def svg(results: dict) -> str:
    """Every operation that is counted in instructions and that others do as well."""
    rows = [row for row in table.rows(results)
            if row["unit"] == "instructions" and any(peer in row for peer in table.PEERS)]
    body, top = [], 60
    for row in rows:
        systems = [("Orbital", row["now"])] + [(peer, row[peer]) for peer in table.PEERS if peer in row]
        body.append(_text(_LEFT - 10, top + len(systems) * _BAR / 2 + 4, row["what"], "end"))
        body += _limit(row, top, len(systems))
        for place, (system, count) in enumerate(systems):
            y = top + place * _BAR
            body.append(f'<rect x="{_LEFT}" y="{y}" width="{_x(count) - _LEFT:.1f}" '
                        f'height="{_BAR - 2}" fill="{_COLOURS[system]}"/>')
            body.append(_text(_x(count) + 5, y + _BAR - 4, f"{table.show(count)}  {system}"))
        top += len(systems) * _BAR + _GAP
    title = "Instructions per operation, one emulated CPU (logarithmic; dashes: what it must not exceed)"
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 180}" height="{top + 10}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="20" y="30" font-size="16">{escape(title)}</text>', *body, "</svg>", "",
    ])


def _x(count: float) -> float:
    """Ten instructions at the left end, ten million at the right."""
    return _LEFT + _WIDTH * (log10(max(count, 10)) - 1) / 6


def _limit(row: dict, top: int, bars: int) -> list[str]:
    if "must" not in row:
        return []
    x = _x(row["must"])
    return [f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top - 4}" y2="{top + bars * _BAR + 2}" '
            'stroke="black" stroke-dasharray="4 3"/>']


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
