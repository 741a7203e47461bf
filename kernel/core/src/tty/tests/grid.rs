//! The screen of characters.

use super::rig::row_text;
use crate::tty::{Cell, Grid, Style};
use std::format;
use std::vec;

const COLUMNS: usize = 10;
const ROWS: usize = 4;

fn grid() -> Grid<'static> {
    let mut grid = Grid::new(COLUMNS, vec![Cell::BLANK; COLUMNS * ROWS].leak()).unwrap();
    grid.take_dirty();
    grid
}

fn rows(grid: &Grid<'_>) -> vec::Vec<std::string::String> {
    (0..ROWS).map(|row| row_text(grid, row)).collect()
}

#[test]
fn text_wraps_at_the_last_column_and_not_before() {
    let mut grid = grid();
    grid.write(b"0123456789");
    assert_eq!(grid.cursor(), (0, 9));
    grid.write(b"\r\n");
    assert_eq!(grid.cursor(), (1, 0));
    grid.write(b"0123456789a");
    assert_eq!(rows(&grid), ["0123456789", "0123456789", "a", ""]);
}

#[test]
fn the_screen_scrolls_when_it_is_full() {
    let mut grid = grid();
    for line in 0..50 {
        grid.write(format!("line {line}\r\n").as_bytes());
    }
    assert_eq!(rows(&grid), ["line 47", "line 48", "line 49", ""]);
    assert_eq!(grid.take_dirty(), Some((0, 3)));
}

#[test]
fn only_rows_that_changed_are_dirty() {
    let mut grid = grid();
    assert_eq!(grid.take_dirty(), None);
    grid.write(b"x");
    assert_eq!(grid.take_dirty(), Some((0, 0)));
    grid.write(b"\n\n");
    assert_eq!(grid.take_dirty(), Some((0, 2)), "the cursor left row 0 and came to row 2");
}

#[test]
fn sequences_of_the_terminal_are_obeyed() {
    let mut grid = grid();
    grid.write(b"abcdef\x1b[3D\x1b[K!\x08?");
    assert_eq!(rows(&grid)[0], "abc?");
    grid.write(b"\r\x1b[2Cx\x1b[1K");
    assert_eq!(rows(&grid)[0], "");
    grid.write(b"abc\x1b[2J");
    assert_eq!((rows(&grid)[0].as_str(), grid.cursor()), ("", (0, 6)));
    grid.write(b"\x1b[Hx\n\ny\x1b[1Jz\x1b[99D\x08!\x1b[99Cw");
    assert_eq!(rows(&grid), ["", "", "! z      w", ""]);
}

#[test]
fn colours_follow_the_sequences() {
    let mut grid = grid();
    grid.write(b"\x1b[31;44ma\x1b[1mb\x1b[22;39mc\x1b[97;100md\x1b[7me\x1b[me");
    let styles: vec::Vec<_> = grid.row(0)[..6]
        .iter()
        .map(|cell| (cell.style.foreground, cell.style.background))
        .collect();
    assert_eq!(styles, [(1, 4), (9, 4), (7, 4), (15, 8), (8, 15), (7, 0)]);
    assert_eq!(Style::NORMAL.inverse(), Style { foreground: 0, background: 7 });
}

#[test]
fn what_the_font_has_not_is_a_question_mark() {
    let mut grid = grid();
    grid.write("a€b".as_bytes());
    assert_eq!(rows(&grid)[0], "a?b");
}

#[test]
fn the_smallest_screen_works_and_none_is_refused() {
    let mut cells = [Cell::BLANK; 1];
    let mut grid = Grid::new(1, &mut cells).unwrap();
    grid.write(b"ab\r\n\x1b[K\x1b[5Dc\x1b[2J\x08\x08d");
    assert_eq!(row_text(&grid, 0), "d");
    assert!(Grid::new(0, &mut [Cell::BLANK; 4]).is_none());
    assert!(Grid::new(5, &mut [Cell::BLANK; 4]).is_none());
}
