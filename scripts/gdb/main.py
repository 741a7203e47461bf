"""What gdb sources: the `orbital` commands, `$orbital_pid()`, how backtraces look."""

import os
import sys

sys.dont_write_bytecode = True
_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, _HERE)
# For `timeline`, which scripts/trace.sh draws with, too.
sys.path.append(os.path.dirname(_HERE))

from orbital import attach, back, commands, frames, functions, programs, switches  # noqa: E402

commands.Orbital()
for command in (
    commands.Ps,
    commands.Regs,
    commands.Bt,
    commands.Policy,
    commands.Queue,
    programs.Break,
    switches.Switches,
    switches.Timeline,
    switches.BreakSwitch,
):
    command()
functions.Pid()
functions.FrameFunction()
frames.install()
back.install()

if "ORBITAL_MACHINE" in os.environ:
    attach.attach(os.environ.pop("ORBITAL_MACHINE"), os.environ.pop("ORBITAL_PROXY", ""))
