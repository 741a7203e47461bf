//! The commands of the shell: one row of [`COMMANDS`] and one function each.

use ulib::{io, println, process, time};

use crate::words::{Problem, Seconds, number, split_word};
use crate::{jobs, machine, steering};

/// A command that the shell itself carries out.
struct Command {
    name: &'static str,
    arguments: &'static str,
    help: &'static str,
    /// Takes the rest of the line.
    run: fn(&str) -> Result<(), Problem>,
}

const COMMANDS: &[Command] = &[
    command("help", "", "list the commands", help),
    command("echo", "[TEXT]", "print TEXT", echo),
    command("pid", "", "print the shell's own pid", pid),
    command("uptime", "", "print the seconds since boot", uptime),
    command("ps", "", "list processes and tasks", machine::ps),
    command("stats", "[PID]", "print the counters of a process", machine::stats),
    command("free", "", "print how much memory is used", machine::free),
    command("ls", "", "list the programs of the ramdisk", machine::programs),
    command("trace", "[N]", "list the last N switches", machine::trace),
    command("clear", "", "clear the screen", clear),
    command("yield", "", "let the next ready task run", yield_now),
    command("run", "", "let every ready task run once", jobs::run),
    command("run", "NAME [ARG]..", "start a program, wait for it", jobs::run),
    command("spawn", "NAME [ARG].. [&]", "the same; with & do not wait", jobs::spawn),
    command("sched", "[POLICY [QUANTUM]]", "show or choose who runs, how long", steering::sched),
    command("nice", "PID WEIGHT", "give a process a weight, 1 to 10000", steering::nice),
    command("wait", "PID", "wait for a program started with &", jobs::wait),
    command("kill", "PID", "end a program started from here", jobs::kill),
    command("time", "COMMAND", "run COMMAND, print how long it took", time_command),
    command("exit", "[CODE]", "end the shell", exit),
];

const fn command(
    name: &'static str,
    arguments: &'static str,
    help: &'static str,
    run: fn(&str) -> Result<(), Problem>,
) -> Command {
    Command { name, arguments, help, run }
}

/// Carries out a line: a command, or else a program of that name.
pub(crate) fn execute(line: &str) {
    let (name, rest) = split_word(line);
    if name.is_empty() {
        return;
    }
    let command = COMMANDS.iter().find(|command| command.name == name);
    let result = match command {
        Some(command) => (command.run)(rest),
        None => jobs::bare(line),
    };
    match result {
        Ok(()) => {}
        Err(Problem::Usage) => usage(name),
        Err(Problem::Unknown) => println!("unknown command: {name} (try help)"),
        Err(Problem::NoProgram) => println!("{name}: no such program: {}", split_word(rest).0),
        Err(Problem::Call(errno)) => println!("{name}: {}", errno.name()),
    }
}

fn usage(name: &str) {
    for command in COMMANDS.iter().filter(|command| command.name == name) {
        println!("usage: {} {}", command.name, command.arguments);
    }
}

fn help(_: &str) -> Result<(), Problem> {
    for Command { name, arguments, help, .. } in COMMANDS {
        println!("  {name:<6} {arguments:<17} {help}");
    }
    println!("Any other word is the name of a program: NAME [ARG].. [&]");
    Ok(())
}

fn echo(text: &str) -> Result<(), Problem> {
    println!("{text}");
    Ok(())
}

fn pid(_: &str) -> Result<(), Problem> {
    println!("pid {}", process::getpid());
    Ok(())
}

fn uptime(_: &str) -> Result<(), Problem> {
    println!("up {} s", time::uptime());
    Ok(())
}

fn clear(_: &str) -> Result<(), Problem> {
    Ok(io::clear_screen()?)
}

fn yield_now(_: &str) -> Result<(), Problem> {
    process::yield_now();
    Ok(())
}

fn time_command(line: &str) -> Result<(), Problem> {
    if line.is_empty() {
        return Err(Problem::Usage);
    }
    let start = time::clock()?;
    execute(line);
    let nanos = time::clock()?.saturating_sub(start);
    println!("took {} s", Seconds(nanos));
    Ok(())
}

fn exit(rest: &str) -> Result<(), Problem> {
    let code = match rest {
        "" => 0,
        _ => number(rest)?,
    };
    process::exit(code)
}
