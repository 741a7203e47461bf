//! What the echo of a line is made of, and which part of a long line it shows.

use super::Out;

/// Moves the cursor one column left.
pub(super) const BACK: &[u8] = b"\x08";

/// Moves the cursor one column left, and blanks that column.
pub(super) const ERASE: &[u8] = b"\x08 \x08";

/// The part of a line that `room` columns show, the cursor included. When it has to move, it moves
/// by half, so that few keys redraw the line.
pub(super) fn window(first: usize, cursor: usize, len: usize, room: usize) -> (usize, usize) {
    let inside = first < cursor && cursor <= first.saturating_add(room);
    let first = match first {
        _ if len <= room => 0,
        0 if cursor <= room => 0,
        _ if inside => first,
        _ => cursor.saturating_sub(room.div_euclid(2)),
    };
    (first, len.min(first.saturating_add(room)))
}

/// Sends `bytes` that often.
pub(super) fn repeat(bytes: &[u8], count: usize, out: Out<'_>) {
    (0..count).for_each(|_| out(bytes));
}
