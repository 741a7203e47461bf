//! `shell`: reads lines, runs commands and programs. Ends at the end of its input or by `exit`.
//!
//! Editing a line (backspace, Ctrl-U, Ctrl-C, history, Tab) is the kernel's work: the shell reads
//! whole lines. The commands are a table in [`commands`]; what concerns programs is in [`jobs`],
//! what looks at the machine in [`machine`].
#![no_std]
#![no_main]

mod commands;
mod jobs;
mod machine;
mod steering;
mod words;

use ulib::{Args, io, print, println, process};

ulib::entry!(main);

/// Longest line that is understood, its newline included.
const LINE_MAX: usize = 1024;

fn main(_args: Args) -> i64 {
    let pid = process::getpid();
    println!(
        "Orbital shell, pid {pid}. Type help for the commands.\n\
         Ctrl-O (on the keyboard also Alt-Tab) gives the next shell the focus."
    );
    let mut buffer = [0; LINE_MAX];
    loop {
        print!("[{pid}] orbital> ");
        match read_line(&mut buffer) {
            Input::Line(line) => commands::execute(line),
            Input::Refused(why) => println!("{why}"),
            Input::End => break,
        }
    }
    println!();
    0
}

/// What came from the console.
enum Input<'a> {
    Line(&'a str),
    Refused(&'static str),
    End,
}

/// Waits for a line. The console hands out at most one per `read`, with its newline, unless
/// Ctrl-D ended it early or it does not fit into the buffer.
fn read_line(buffer: &mut [u8]) -> Input<'_> {
    let Ok(count @ 1..) = io::read(buffer) else {
        return Input::End;
    };
    if count == buffer.len() && !buffer.ends_with(b"\n") {
        while let Ok(count @ 1..) = io::read(buffer)
            && !buffer[..count].ends_with(b"\n")
        {}
        return Input::Refused("that line is too long");
    }
    match str::from_utf8(&buffer[..count]) {
        Ok(line) => Input::Line(line.trim()),
        Err(_) => Input::Refused("that line is not UTF-8"),
    }
}
