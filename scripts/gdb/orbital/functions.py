"""`$orbital_pid()`, for conditions of breakpoints."""

import gdb

from . import session


class Pid(gdb.Function):
    """The pid on the CPU; 0 while it idles or boots."""

    def __init__(self):
        super().__init__("orbital_pid")

    def invoke(self):
        try:
            view = session.kernel()
        except gdb.GdbError:
            return 0
        context = session.context_on_cpu(view)
        if context == view.word(view.at["current.context"]):
            return view.word(view.at["current.pid"])
        return next((task.pid for task in view.tasks() if task.context == context), 0)
