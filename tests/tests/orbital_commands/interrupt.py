"""Interrupts a command while it works, inside gdb."""

import os
import signal
import threading
import time

import gdb


def interrupted(command, delay):
    """Gives gdb a command, and a Ctrl-C so many seconds later; whether the command was cut short."""
    interrupter = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    interrupter.start()
    try:
        try:
            gdb.execute(command, to_string=True)
        finally:
            ended = not interrupter.is_alive()
            # If it has yet to come, it comes here.
            interrupter.join()
            time.sleep(0.01)
    except KeyboardInterrupt:
        return ended
    except gdb.error:
        return ended
    return False
