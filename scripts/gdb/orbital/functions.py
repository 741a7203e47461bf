"""`$orbital_pid()`, for conditions of breakpoints, and gdb's `frame function`."""

import gdb

from . import session


class Pid(gdb.Function):
    """The pid on the CPU; 0 while it idles or boots."""

    def __init__(self):
        super().__init__("orbital_pid")

    def invoke(self, *arguments):
        if arguments:
            raise gdb.GdbError("$orbital_pid() takes no argument: it is who is on the CPU")
        try:
            view = session.kernel()
        except gdb.GdbError:
            return 0
        context = session.context_on_cpu(view)
        return 0 if context == view.idle() else view.word(context + view.at["context.id"])


class FrameFunction(gdb.Command):
    """Select and print the innermost stack frame of a function.

This takes the place of gdb's own command, which in gdb 13 ends gdb with a segmentation fault where
there are several inferiors.
Usage: frame function NAME"""

    def __init__(self):
        super().__init__("frame function", gdb.COMMAND_STACK, gdb.COMPLETE_SYMBOL)

    def invoke(self, argument, from_tty):
        frame = gdb.newest_frame()
        while frame is not None and not f"::{frame.name()}".endswith(f"::{argument}"):
            frame = frame.older()
        if not argument or frame is None:
            raise gdb.GdbError(f'No frame for function "{argument}".')
        frame.select()
        gdb.execute("frame", from_tty)
