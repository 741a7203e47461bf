"""Several runs of one system as one: the layout of the JSON files."""

import statistics

from machine import Run


def of(runs: list[Run]) -> dict:
    """Distributions in instructions or nanoseconds, values, and whether the runs were the same."""
    summary = {
        "runs": len(runs),
        "identical_runs": all(run.figures == runs[0].figures for run in runs),
        "loadavg": [run.load for run in runs],
        "dist": {},
        "value": {},
        "skipped": runs[0].skipped,
    }
    for name in runs[0].figures:
        parts = [(run.figures[name], _scale(run, run.figures[name])) for run in runs
                 if name in run.figures]
        medians = [part["med"] * scale for part, scale in parts]
        first = parts[0][0]
        summary["dist"][name] = {
            "unit": "ns" if first["unit"] == "ticks" else first["unit"],
            "per": first["per"],
            "min": min(part["min"] * scale for part, scale in parts),
            "med": statistics.median(medians),
            "max": max(part["max"] * scale for part, scale in parts),
            "mean": statistics.mean(part["mean"] * scale for part, scale in parts),
            "run_meds": [round(median, 2) for median in medians],
        }
    for name in runs[0].values:
        summary["value"][name] = spread([run.values[name] for run in runs if name in run.values])
    return summary


def spread(numbers: list[float]) -> dict:
    """Least, median and most."""
    return {"min": min(numbers), "med": statistics.median(numbers), "max": max(numbers)}


def _scale(run: Run, figure: dict) -> float:
    """What turns ticks of the guest's clock into nanoseconds."""
    return 1e6 / run.values["tsc_khz"] if figure["unit"] == "ticks" else 1.0
