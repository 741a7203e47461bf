"""A run as the text of Linux's ftrace: sched_switch and sched_wakeup lines, which Perfetto and
trace viewers for Linux import (Linux, Documentation/trace/ftrace.rst and events/sched)."""

from .run import IDLE, LAUNCHER, Effect, Run

# Linux's idle task has pid 0, which here is the launcher: the two change places.
PIDS = {IDLE: LAUNCHER, LAUNCHER: IDLE}
NAMES = {IDLE: "swapper/0"}
STATES = {"exited": "X", "killed": "X", "slice-used-up": "R+", "yielded": "R", "idle": "R"}
EVENTS = {"started": "sched_wakeup_new", "woken": "sched_wakeup"}
HEADER = """\
# tracer: nop
#
# entries-in-buffer/entries-written: {kept}/{written}   #P:{cpus}
#
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
"""


def write(run: Run, path: str) -> None:
    """Writes the whole run."""
    kept = len(run.switches) + len(run.effects)
    written = kept + run.lost_switches + run.lost_effects
    cpus = len({switch.cpu for switch in run.switches})
    # Of what has one moment, a wake-up comes before the switch that it leads to.
    lines = [(event.time, 1, _switch(run, event)) for event in run.switches]
    lines += [(event.time, 0, _wake_up(run, event)) for event in run.effects if _is_shown(event)]
    with open(path, "w", encoding="utf-8") as file:
        file.write(HEADER.format(kept=kept, written=written, cpus=cpus))
        file.writelines(line for _, _, line in sorted(lines, key=lambda row: row[:2]))


def _is_shown(event: Effect) -> bool:
    return event.deed in EVENTS and event.time >= 0


def _switch(run: Run, event) -> str:
    state = STATES.get(event.why, "S")
    source, target = _task(run, "prev", event.source), _task(run, "next", event.target)
    what = f"sched_switch: {source} prev_prio=120 prev_state={state} ==> {target} next_prio=120"
    return _line(run, event.source, event, what)


def _wake_up(run: Run, event: Effect) -> str:
    pid, name = _identity(run, event.on)
    what = f"{EVENTS[event.deed]}: comm={name} pid={pid} prio=120 target_cpu={event.cpu:03}"
    return _line(run, event.by, event, what)


def _line(run: Run, who: int, event, what: str) -> str:
    pid, name = _identity(run, who)
    seconds = f"{event.time // 10**9}.{event.time % 10**9:09}"
    return f"{name:>16}-{pid:<10} [{event.cpu:03}] d..2. {seconds:>15}: {what}\n"


def _task(run: Run, role: str, pid: int) -> str:
    number, name = _identity(run, pid)
    return f"{role}_comm={name} {role}_pid={number}"


def _identity(run: Run, pid: int) -> tuple[int, str]:
    return PIDS.get(pid, pid), NAMES.get(pid) or run.name(pid).replace(" ", "_")
