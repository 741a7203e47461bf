//! The screen: a grid of characters drawn into the bootloader's framebuffer.
//!
//! What is written changes the grid at once, which is cheap; [`Screen::draw`] brings the
//! framebuffer up to date later, a few rows at a time, and only characters that differ from what
//! it shows already. The framebuffer is written and never read.

use alloc::vec::Vec;

use bootloader_api::info::{FrameBuffer, FrameBufferInfo, PixelFormat};
use font8x8::legacy::BASIC_LEGACY;
use orbital_core::tty::{Cell, Colour, Grid};

/// The glyphs of ASCII: eight rows of a byte each, bit 0 on the left.
static FONT: [[u8; 8]; 128] = BASIC_LEGACY;

/// A character's box in pixels: each row of its glyph stands twice.
const CELL_WIDTH: usize = 8;
const CELL_HEIGHT: usize = 16;

/// Rows that one call of [`Screen::draw`] draws: one takes about a million instructions, in which
/// nobody else can run.
const ROWS_PER_TURN: usize = 1;

/// The sixteen ANSI colours as red, green, blue (those of xterm).
const PALETTE: [[u8; 3]; 16] = [
    [0x00, 0x00, 0x00],
    [0xcd, 0x00, 0x00],
    [0x00, 0xcd, 0x00],
    [0xcd, 0xcd, 0x00],
    [0x3b, 0x6c, 0xee],
    [0xcd, 0x00, 0xcd],
    [0x00, 0xcd, 0xcd],
    [0xe5, 0xe5, 0xe5],
    [0x7f, 0x7f, 0x7f],
    [0xff, 0x40, 0x40],
    [0x40, 0xff, 0x40],
    [0xff, 0xff, 0x40],
    [0x6c, 0x9c, 0xff],
    [0xff, 0x40, 0xff],
    [0x40, 0xff, 0xff],
    [0xff, 0xff, 0xff],
];

/// Bytes of a pixel in memory, in the order the framebuffer wants them.
type Pixel = [u8; 4];

/// The screen.
pub(super) struct Screen {
    grid: Grid<'static>,
    /// What the framebuffer shows, row by row.
    shown: Vec<Cell>,
    /// Rows that may differ from it.
    dirty: Option<(usize, usize)>,
    pixels: &'static mut [u8],
    info: FrameBufferInfo,
}

impl Screen {
    /// A blank screen on `framebuffer`; `None` without memory for it, or if it is no use.
    pub(super) fn new(framebuffer: FrameBuffer) -> Option<Self> {
        let info = framebuffer.info();
        let columns = info.width.checked_div(CELL_WIDTH)?;
        let rows = info.height.checked_div(CELL_HEIGHT)?;
        if !(1..=size_of::<Pixel>()).contains(&info.bytes_per_pixel) || info.stride < info.width {
            return None;
        }
        let cells = blank(columns.checked_mul(rows)?)?;
        let shown = blank(cells.len())?;
        let grid = Grid::new(columns, cells.leak())?;
        let pixels = framebuffer.into_buffer();
        // Black in every format.
        pixels.fill(0);
        Some(Self { grid, shown, dirty: None, pixels, info })
    }

    /// Takes bytes for the terminal.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.grid.write(bytes);
    }

    /// Draws a few rows of what has changed; whether there are more.
    pub(super) fn draw(&mut self) -> bool {
        let new = self.grid.take_dirty();
        let (first, last) = match (self.dirty.take(), new) {
            (Some((a, b)), Some((c, d))) => (a.min(c), b.max(d)),
            (Some(rows), None) | (None, Some(rows)) => rows,
            (None, None) => return false,
        };
        let end = last.min(first + ROWS_PER_TURN - 1);
        for row in first..=end {
            self.draw_row(row);
        }
        self.dirty = (end < last).then_some((end + 1, last));
        self.dirty.is_some()
    }

    fn draw_row(&mut self, row: usize) {
        let cursor = self.grid.cursor();
        let columns = self.grid.columns();
        let Some(shown) = self.shown.get_mut(row * columns..(row + 1) * columns) else { return };
        for (column, (cell, shown)) in self.grid.row(row).iter().zip(shown).enumerate() {
            let mut wanted = *cell;
            if (row, column) == cursor {
                wanted.style = wanted.style.inverse();
            }
            if wanted != *shown {
                *shown = wanted;
                draw_cell(self.pixels, &self.info, row, column, wanted);
            }
        }
    }
}

/// That many blank cells, if there is memory for them.
fn blank(count: usize) -> Option<Vec<Cell>> {
    let mut cells = Vec::new();
    cells.try_reserve_exact(count).ok()?;
    cells.resize(count, Cell::BLANK);
    Some(cells)
}

fn draw_cell(pixels: &mut [u8], info: &FrameBufferInfo, row: usize, column: usize, cell: Cell) {
    let Some(glyph) = FONT.get(usize::from(cell.character)) else { return };
    let bytes = info.bytes_per_pixel;
    let front = pixel(info.pixel_format, cell.style.foreground);
    let back = pixel(info.pixel_format, cell.style.background);
    let (Some(front), Some(back)) = (front.get(..bytes), back.get(..bytes)) else { return };

    let pitch = info.stride * bytes;
    let left = column * CELL_WIDTH * bytes;
    let lines = pixels.chunks_mut(pitch).skip(row * CELL_HEIGHT);
    for (line, bits) in lines.zip(glyph.iter().flat_map(|bits| [bits, bits])) {
        let places = line.get_mut(left..).unwrap_or_default().chunks_exact_mut(bytes);
        for (x, place) in places.take(CELL_WIDTH).enumerate() {
            place.copy_from_slice(if bits >> x & 1 == 1 { front } else { back });
        }
    }
}

/// A colour as the framebuffer wants it.
fn pixel(format: PixelFormat, colour: Colour) -> Pixel {
    let [red, green, blue] = PALETTE.get(usize::from(colour)).unwrap_or(&[0; 3]).map(u32::from);
    let word = match format {
        PixelFormat::Rgb => red | green << 8 | blue << 16,
        PixelFormat::U8 => (red * 77 + green * 151 + blue * 28) >> 8,
        PixelFormat::Unknown { red_position, green_position, blue_position } => {
            let place = |value: u32, position: u8| value << (u32::from(position) % u32::BITS);
            place(red, red_position) | place(green, green_position) | place(blue, blue_position)
        }
        _ => blue | green << 8 | red << 16,
    };
    word.to_le_bytes()
}
