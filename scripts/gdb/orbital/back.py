"""Whom a reverse command is about: where tasks are inferiors, the one that is selected.

Forwards gdb names it when it resumes. Backwards it says that anybody may run, so the hooks of these
commands name it before.
"""

import gdb

from . import session


def install() -> None:
    """Defines the hooks."""
    for command in ("stepi", "nexti", "step", "next", "finish"):
        gdb.execute(
            f"define hook-reverse-{command}\npython import orbital.back; orbital.back.tell()\nend"
        )


def tell() -> None:
    """Names the selected task to orbital-gdb."""
    thread = gdb.selected_thread()
    if thread is not None and session.tasks_are_inferiors():
        pid, thread_id, _ = thread.ptid
        thread.inferior.connection.send_packet(f"Qorbital.Back:p{pid:x}.{thread_id:x}")
