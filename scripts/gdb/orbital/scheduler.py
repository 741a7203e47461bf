"""Who is ready, and in which order: the policy in force and its queues, from memory."""

from typing import Iterator, Optional

from .kernel import Kernel

_NO_TASK = 0xFFFF_FFFF


def policy(view: Kernel) -> str:
    """The name of the policy in force."""
    return view.at.words("policy")[view.word(view.at["policy"], 1)]


def queues(view: Kernel) -> Optional[Iterator[tuple[int, list[int]]]]:
    """The policy's queues, first served first: number and slots; none if it has no queues."""
    base = view.at.get(f"queues.{policy(view)}")
    if base is None:
        return None
    count, stride = (view.at[f"queues.{policy(view)}.{n}"] for n in ("count", "stride"))
    heads = [view.word(base + n * stride + view.at["queue.head"], 4) for n in range(count)]
    picked = view.at.get(f"queues.{policy(view)}.picked")
    absent = _NO_TASK if picked is None else view.word(picked, 4)
    turn = view.word(view.at["table.turn"], 4)
    if turn != _NO_TASK:
        # The table passes the turn along the first queue; the policy hears of it later.
        heads[0] = absent = turn
    return (
        (n, [slot for slot in _queue(view, heads[n]) if slot != absent])
        for n in reversed(range(count))
    )


def _queue(view: Kernel, head: int) -> list[int]:
    """The slots of a queue, or of a circle, whose last leads to its first."""
    slots: list[int] = []
    slot = head
    while slot != _NO_TASK and slot not in slots[:1]:
        slots.append(slot)
        slot = record(view, slot, "next", 4)
    return slots


def record(view: Kernel, slot: int, field: str, size: int) -> int:
    """A number of a task's record: "key" (8 bytes), "next" or "weight" (4 bytes)."""
    start = view.at["tasks"] + slot * view.at["task.size"]
    return view.word(start + view.at[f"task.{field}"], size)
