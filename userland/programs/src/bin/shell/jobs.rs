//! Programs from the shell: starting them, waiting for them, ending them.

use ulib::process::{self, Pid};
use ulib::{Errno, println};

use crate::LINE_MAX;
use crate::words::{Problem, number, split_word};

/// `run`: alone, lets everybody run; with a name, starts that program.
pub(crate) fn run(rest: &str) -> Result<(), Problem> {
    if rest.is_empty() {
        let count = process::run_ready()?;
        println!("ran {count} {}", if count == 1 { "task" } else { "tasks" });
        return Ok(());
    }
    spawn(rest)
}

/// `spawn`: starts a program, and waits for it unless the line ends in `&`.
pub(crate) fn spawn(rest: &str) -> Result<(), Problem> {
    let (line, background) = match rest.strip_suffix('&') {
        Some(line) => (line, true),
        None => (rest, false),
    };
    let name = split_word(line).0;
    if name.is_empty() {
        return Err(Problem::Usage);
    }
    let pid = start(name, line).map_err(|errno| match errno {
        Errno::NotFound => Problem::NoProgram,
        other => Problem::Call(other),
    })?;
    if background {
        println!("started {name}, pid {pid}");
        return Ok(());
    }
    match process::task_wait(pid)? {
        0 => {}
        code => println!("{name} (pid {pid}) ended with code {code}"),
    }
    Ok(())
}

/// A line whose first word is not a command: a program, if there is one of that name.
pub(crate) fn bare(line: &str) -> Result<(), Problem> {
    spawn(line).map_err(|problem| match problem {
        Problem::NoProgram | Problem::Call(Errno::NotImplemented) => Problem::Unknown,
        other => other,
    })
}

pub(crate) fn wait(rest: &str) -> Result<(), Problem> {
    let pid: Pid = number(rest)?;
    let code = process::task_wait(pid)?;
    println!("pid {pid} ended with code {code}");
    Ok(())
}

pub(crate) fn kill(rest: &str) -> Result<(), Problem> {
    Ok(process::kill(number(rest)?)?)
}

/// Starts `name` with the words of `line` as its arguments.
fn start(name: &str, line: &str) -> Result<Pid, Errno> {
    // Each word with its NUL takes no more than it did with the blank or newline after it.
    let mut block = [0; LINE_MAX];
    let mut used = 0;
    for word in line.split_ascii_whitespace() {
        let end = used + word.len();
        block[used..end].copy_from_slice(word.as_bytes());
        used = end + 1;
    }
    process::spawn_block(name, &block[..used])
}
