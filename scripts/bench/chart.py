"""The chart: a bar for each system and operation on a logarithmic scale, as SVG."""

from math import log10
from xml.sax.saxutils import escape

import table

_COLOURS = {"Orbital": "#1f6feb", "floor": "#8c959f", "seL4": "#2da44e", "Linux 6.1": "#d29922",
            "xv6": "#a371f7"}
_MUST, _AIM, _MISSED = "#cf222e", "#1a7f37", "#cf222e"
_LEFT, _WIDTH, _RIGHT = 400, 620, 130
_BAR, _GAP, _TOP = 15, 16, 112
_DECADES = 7
_TITLE = "What Orbital's operations cost, beside other kernels"
_CONDITIONS = [
    "Guest instructions, user and kernel together (QEMU 7.2 TCG, -icount shift=0,sleep=off, one CPU, "
    "-cpu max,-erms; release build), medians, logarithmic scale.",
    "Rows in another unit name it. Floor: hand-written paths without a kernel around them. Linux: the "
    "cheapest configuration and call. Shorter is better.",
]


def svg(results: dict) -> str:
    """Every budget that another system has a figure for as well."""
    shown = table.rows(results)
    rows = [row for row in shown if any(peer in row for peer in table.PEERS)]
    body, top = [], _TOP
    for row in rows:
        systems = {"Orbital": row["figure"], **_peers(row, results)}
        bottom = top + len(systems) * _BAR
        body.append(_text(_LEFT - 10, (top + bottom) / 2 + 4, row["what"].replace("`", ""), "end"))
        bars, figures = zip(*(_bar(system, figure, top + place * _BAR, table.missed(row, shown))
                              for place, (system, figure) in enumerate(systems.items())))
        marks = [_line(_x(row[limit]), top - 5, top + _BAR + 2, colour, 3)
                 for limit, colour in (("must", _MUST), ("aim", _AIM)) if row.get(limit)]
        body += [*bars, *marks, *figures]
        top = bottom + _GAP
    lines = [_text(20, 30, _TITLE, size=18, weight="bold")]
    lines += [_text(20, 50 + 17 * place, said, colour="#57606a") for place, said in enumerate(_CONDITIONS)]
    lines += _legend(88) + _grid(top)
    width, height = _LEFT + _WIDTH + _RIGHT, top + 24
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>', *lines, *body, "</svg>", "",
    ])


def _peers(row: dict, results: dict) -> dict:
    """What the others take: as measured in this run, or else as written down."""
    found = {}
    for peer in table.PEERS:
        figure = table.measured_here(peer, row, results)
        if figure is None:
            figure = row.get(peer)
        if figure is not None:
            found[peer] = figure
    return found


def _x(figure: float) -> float:
    """One at the left end; what is less has no bar."""
    return _LEFT + _WIDTH * log10(max(figure, 1)) / _DECADES


def _bar(system: str, figure: float, y: float, missed: bool) -> tuple[str, str]:
    """The bar and what stands behind it."""
    ours = system == "Orbital"
    return (
        f'<rect x="{_LEFT}" y="{y}" width="{_x(figure) - _LEFT:.1f}" height="{_BAR - 3}" '
        f'fill="{_COLOURS[system]}"/>',
        _text(_x(figure) + 6, y + _BAR - 5, f"{table.show(figure)}  {system}",
              colour=_MISSED if ours and missed else "#24292f", weight="bold" if ours else "normal"),
    )


def _legend(y: float) -> list[str]:
    """What the colours and the marks mean."""
    marks = [(colour, system, 8) for system, colour in _COLOURS.items()]
    marks += [(_MUST, "must not exceed (red figure: does)", 2), (_AIM, "aims at", 2)]
    parts, x = [], float(_LEFT)
    for colour, name, width in marks:
        parts.append(f'<rect x="{x:.0f}" y="{y - 10}" width="{width}" height="12" fill="{colour}"/>')
        parts.append(_text(x + width + 4, y, name))
        x += 30 + width + 6.2 * len(name)
    return parts


def _grid(bottom: float) -> list[str]:
    """A line for every power of ten."""
    lines = []
    for decade in range(_DECADES + 1):
        lines.append(_line(_x(10**decade), _TOP - 10, bottom - 4, "#d0d7de", 1))
        lines.append(_text(_x(10**decade), bottom + 12, f"{10**decade:,}", "middle", colour="#57606a"))
    return lines


def _line(x: float, top: float, bottom: float, colour: str, width: int) -> str:
    return (f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"/>')


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "#24292f",
          weight: str = "normal", size: int = 12) -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" '
            f'font-weight="{weight}" font-size="{size}" stroke="white" stroke-width="3" '
            f'paint-order="stroke">{escape(text)}</text>')
