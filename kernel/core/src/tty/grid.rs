//! A screen of characters that obeys the bytes the serial terminal gets.
//!
//! [`Grid`] understands what this terminal sends (text, colours, clearing, moves within a line),
//! no more. It draws nothing: a framebuffer shows its [`Cell`]s, and only rows that
//! [`Grid::take_dirty`] names. Scrolling moves no cell, only the number of the first row.

use vte::{Params, Parser, Perform};

/// One of the sixteen ANSI colours: 0 black, 1 red, 2 green, 3 yellow, 4 blue, 5 magenta, 6 cyan,
/// 7 white; 8 to 15 the same, bright.
pub type Colour = u8;

/// How a character is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// Colour of the character.
    pub foreground: Colour,
    /// Colour behind it.
    pub background: Colour,
}

impl Style {
    /// White on black.
    pub const NORMAL: Self = Self { foreground: 7, background: 0 };

    /// Colours exchanged.
    #[must_use]
    pub const fn inverse(self) -> Self {
        Self { foreground: self.background, background: self.foreground }
    }
}

/// One place of the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cell {
    /// A printable ASCII character.
    pub character: u8,
    /// How it looks.
    pub style: Style,
}

impl Cell {
    /// A space in normal colours.
    pub const BLANK: Self = Self { character: b' ', style: Style::NORMAL };
}

/// Bytes of a title that are parsed before it is thrown away.
const STRING_MAX: usize = 16;

/// The screen. Cells are borrowed, so that their number can depend on the display.
pub struct Grid<'a> {
    parser: Parser<STRING_MAX>,
    cells: Cells<'a>,
}

struct Cells<'a> {
    cells: &'a mut [Cell],
    columns: usize,
    rows: usize,
    /// Which row of `cells` is at the top of the screen.
    top: usize,
    row: usize,
    /// May be `columns`: then the next character goes to the next row.
    column: usize,
    style: Style,
    bold: bool,
    /// Rows that changed, first and last.
    dirty: Option<(usize, usize)>,
}

impl<'a> Grid<'a> {
    /// A blank screen of `columns` columns and as many rows as `cells` has room for; `None` if
    /// that is not at least one of each.
    #[must_use]
    pub fn new(columns: usize, cells: &'a mut [Cell]) -> Option<Self> {
        let rows = cells.len().checked_div(columns).filter(|rows| *rows > 0)?;
        cells.fill(Cell::BLANK);
        let cells = Cells {
            cells,
            columns,
            rows,
            top: 0,
            row: 0,
            column: 0,
            style: Style::NORMAL,
            bold: false,
            dirty: Some((0, rows.saturating_sub(1))),
        };
        Some(Self { parser: Parser::new_with_size(), cells })
    }

    /// Takes bytes for the terminal.
    pub fn write(&mut self, bytes: &[u8]) {
        // The cursor leaves its old place and comes to a new one.
        self.cells.touch(self.cells.row);
        self.parser.advance(&mut self.cells, bytes);
        self.cells.touch(self.cells.row);
    }

    /// Columns of the screen.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.cells.columns
    }

    /// Rows of the screen.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.cells.rows
    }

    /// The cells of one row, the top of the screen being row 0; empty below the last.
    #[must_use]
    pub fn row(&self, row: usize) -> &[Cell] {
        self.cells.cells.get(self.cells.span(row)).unwrap_or_default()
    }

    /// Row and column of the cursor.
    #[must_use]
    pub fn cursor(&self) -> (usize, usize) {
        (self.cells.row, self.cells.column.min(self.cells.columns.saturating_sub(1)))
    }

    /// First and last row that changed since the last call.
    pub const fn take_dirty(&mut self) -> Option<(usize, usize)> {
        self.cells.dirty.take()
    }
}

impl Cells<'_> {
    /// Where the cells of a row are.
    fn span(&self, row: usize) -> core::ops::Range<usize> {
        let place = self.top.saturating_add(row).checked_rem(self.rows).unwrap_or(0);
        let start = place.saturating_mul(self.columns);
        if row < self.rows { start..start.saturating_add(self.columns) } else { 0..0 }
    }

    fn touch(&mut self, row: usize) {
        let (first, last) = self.dirty.unwrap_or((row, row));
        self.dirty = Some((first.min(row), last.max(row)));
    }

    fn touch_all(&mut self) {
        self.dirty = Some((0, self.rows.saturating_sub(1)));
    }

    /// Blanks columns `from..to` of a row.
    fn erase(&mut self, row: usize, from: usize, to: usize) {
        let span = self.span(row);
        let blank = Cell { character: b' ', style: self.style };
        if let Some(part) = self.cells.get_mut(span).and_then(|cells| cells.get_mut(from..to)) {
            part.fill(blank);
        }
        self.touch(row);
    }

    fn line_feed(&mut self) {
        if self.row.saturating_add(1) < self.rows {
            self.row = self.row.saturating_add(1);
            return;
        }
        self.top = self.top.saturating_add(1).checked_rem(self.rows).unwrap_or(0);
        self.erase(self.row, 0, self.columns);
        self.touch_all();
    }

    fn select_graphics(&mut self, params: &Params) {
        if params.is_empty() {
            (self.style, self.bold) = (Style::NORMAL, false);
        }
        for parameter in params.iter().filter_map(|parameter| parameter.first()) {
            let digit = u8::try_from(parameter.checked_rem(10).unwrap_or(0)).unwrap_or(0);
            match parameter {
                0 => (self.style, self.bold) = (Style::NORMAL, false),
                1 => self.bold = true,
                22 => self.bold = false,
                7 | 27 => self.style = self.style.inverse(),
                30..=37 => self.style.foreground = digit,
                39 => self.style.foreground = Style::NORMAL.foreground,
                40..=47 => self.style.background = digit,
                49 => self.style.background = Style::NORMAL.background,
                90..=97 => self.style.foreground = digit.saturating_add(8),
                100..=107 => self.style.background = digit.saturating_add(8),
                _ => {}
            }
        }
    }
}

impl Perform for Cells<'_> {
    fn print(&mut self, character: char) {
        if self.column >= self.columns {
            self.column = 0;
            self.line_feed();
        }
        let mut style = self.style;
        if self.bold && style.foreground < 8 {
            style.foreground = style.foreground.saturating_add(8);
        }
        let printable = u8::try_from(character).ok().filter(|byte| (b' '..=b'~').contains(byte));
        let cell = Cell { character: printable.unwrap_or(b'?'), style };
        let (span, column) = (self.span(self.row), self.column);
        if let Some(place) = self.cells.get_mut(span).and_then(|cells| cells.get_mut(column)) {
            *place = cell;
        }
        self.touch(self.row);
        self.column = self.column.saturating_add(1);
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' => self.line_feed(),
            b'\r' => self.column = 0,
            0x08 => self.column = self.column.min(self.columns).saturating_sub(1),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, _: &[u8], ignore: bool, action: char) {
        let first = params.iter().next().and_then(|p| p.first()).copied().map_or(0, usize::from);
        let at = self.column.min(self.columns.saturating_sub(1));
        match action {
            _ if ignore => {}
            'm' => self.select_graphics(params),
            'C' => {
                self.column = at.saturating_add(first.max(1)).min(self.columns.saturating_sub(1))
            }
            'D' => self.column = at.saturating_sub(first.max(1)),
            'H' => (self.row, self.column) = (0, 0),
            'J' | 'K' => {
                let (from, to) = match first {
                    0 => (at, self.columns),
                    1 => (0, at.saturating_add(1)),
                    _ => (0, self.columns),
                };
                self.erase(self.row, from, to);
                let others = match first {
                    _ if action == 'K' => 0..0,
                    0 => self.row.saturating_add(1)..self.rows,
                    1 => 0..self.row,
                    _ => 0..self.rows,
                };
                others.for_each(|row| self.erase(row, 0, self.columns));
            }
            _ => {}
        }
    }
}
