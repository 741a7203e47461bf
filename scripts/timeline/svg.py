"""A run as a picture: who had the CPU when, with names, a time axis and reasons as colours.

Plain SVG: a browser shows it, and the words behind a slice when the mouse rests on it. Where slices
are thinner than a pixel, one pixel stands for all of them.
"""

from collections.abc import Iterator
from itertools import groupby
from xml.sax.saxutils import escape

from .run import IDLE, Run, Slice

LEFT, WIDTH, TOP, LANE, BAR = 190, 1400, 78, 26, 18
MOST_ARROWS = 1500
COLOURS = {
    "yielded": "#4e79a7",
    "slice-used-up": "#f28e2b",
    "blocked": "#76b7b2",
    "exited": "#59a14f",
    "killed": "#e15759",
    "end": "#b07aa1",
    "idle": "#d7d7d7",
}
WAITS = {"ready": "#f1ce63", "blocked": "#e3e8e8"}
MEANINGS = {
    "yielded": "gave way",
    "slice-used-up": "slice used up",
    "blocked": "waited for something",
    "exited": "ended",
    "killed": "was ended",
    "end": "ran when the record ended",
    "idle": "nobody ran",
}


def write(run: Run, path: str) -> None:
    """Draws the whole run."""
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in _picture(run))


def _picture(run: Run) -> Iterator[str]:
    cpus = sorted({piece.cpu for piece in run.slices})
    lanes = [(f"CPU {cpu}", [p for p in run.slices if p.cpu == cpu]) for cpu in cpus]
    lanes += [(run.label(pid), track) for pid, track in run.tracks.items()]
    bottom = TOP + LANE * len(lanes)
    size = f'width="{LEFT + WIDTH + 20}" height="{bottom + 46}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    yield '<rect width="100%" height="100%" fill="white"/>'
    yield from _heading(run)
    yield from _axis(run, bottom)
    for number, (label, pieces) in enumerate(lanes):
        y = TOP + LANE * number
        yield f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(label)}</text>'
        for _, group in groupby(pieces, lambda piece: _bucket(run, piece)):
            yield _bar(run, y, list(group))
    yield from _arrows(run, {pid: number for number, pid in enumerate(run.tracks, len(cpus))})
    yield "</svg>"


def _heading(run: Run) -> Iterator[str]:
    lost = f", {run.lost_switches} earlier ones lost" if run.lost_switches else ""
    title = f"{len(run.switches)} switches in {_time(run.end)}{lost}"
    yield f'<text x="{LEFT}" y="20" font-size="15">{title}</text>'
    x = LEFT
    for why, meaning in MEANINGS.items():
        yield f'<rect x="{x}" y="32" width="12" height="12" fill="{COLOURS[why]}"/>'
        yield f'<text x="{x + 17}" y="42">{meaning}</text>'
        x += 30 + 7 * len(meaning)
    x = LEFT
    for state, meaning in (("ready", "ready, waits for the CPU"), ("blocked", "blocked")):
        yield f'<rect x="{x}" y="54" width="12" height="5" fill="{WAITS[state]}"/>'
        yield f'<text x="{x + 17}" y="61">{meaning}</text>'
        x += 30 + 7 * len(meaning)
    yield f'<path d="M{x} 56h14" stroke="#333" stroke-dasharray="2 2"/>'
    yield f'<text x="{x + 19}" y="61">started or woke</text>'


def _axis(run: Run, bottom: int) -> Iterator[str]:
    step = next(s * 10**e for e in range(12) for s in (1, 2, 5) if run.end / (s * 10**e) <= 12)
    for time in range(0, run.end + 1, step):
        x = _x(run, time)
        yield f'<path d="M{x:.1f} {TOP - 4}V{bottom + 4}" stroke="#eee"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{_time(time)}</text>'


def _bucket(run: Run, piece: Slice) -> tuple[bool, int]:
    """Equal for neighbours that share one pixel; a wider piece is alone with its start."""
    x, end = _x(run, piece.start), _x(run, piece.end)
    return (True, int(x)) if end - x < 1 else (False, piece.start)


def _bar(run: Run, y: int, pieces: list[Slice]) -> str:
    main = max(pieces, key=lambda piece: (piece.state == "running", piece.end - piece.start))
    x, end = _x(run, pieces[0].start), _x(run, pieces[-1].end)
    key = "idle" if main.pid == IDLE else main.why.split(":")[0]
    kind = main.state.split(":")[0]
    colour = COLOURS.get(key, "#999") if kind == "running" else WAITS[kind]
    height = BAR if kind == "running" else 5
    top = y if kind == "running" else y + (BAR - height) // 2
    what = f"{run.label(main.pid)}: {main.state} for {_time(main.end - main.start)}"
    if kind == "running":
        what += f", then {main.why} at {main.rip:#x} (switch {main.number})"
    if len(pieces) > 1:
        what = f"{len(pieces)} slices; {what}"
    place = f'x="{x:.2f}" y="{top}" width="{max(end - x, 0.3):.2f}" height="{height}"'
    return f'<rect {place} fill="{colour}"><title>{escape(what)}</title></rect>'


def _arrows(run: Run, lanes: dict[int, int]) -> Iterator[str]:
    arrows = run.arrows()
    for effect, source, target in arrows if len(arrows) <= MOST_ARROWS else []:
        begin = TOP + LANE * lanes.get(source.pid, source.cpu) + BAR // 2
        end = TOP + LANE * lanes[target.pid] + BAR // 2
        path = f"M{_x(run, effect.time):.1f} {begin}L{_x(run, target.start):.1f} {end}"
        by, on = run.label(effect.by), run.label(effect.on)
        yield f'<path d="{path}" fill="none" stroke="#333" stroke-width="0.7" stroke-dasharray="2 2">'
        yield f"<title>{escape(f'{by}: {on} {effect.deed}')}</title></path>"


def _x(run: Run, time: int) -> float:
    return LEFT + WIDTH * time / max(run.end, 1)


def _time(nanos: int) -> str:
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if nanos >= size:
            return f"{nanos / size:.4g} {unit}"
    return f"{nanos} ns"
