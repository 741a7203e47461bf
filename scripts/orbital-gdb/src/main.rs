//! `orbital-gdb`: makes the tasks of a running Orbital inferiors of a stock gdb.
//!
//! `(gdb) target extended-remote | orbital-gdb --kernel kernel.elf --programs DIR STUB`
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use orbital_gdb::session::Symbols;
use orbital_gdb::{Session, Wires};

const USAGE: &str = "\
usage: orbital-gdb --kernel FILE [--programs FILE|DIR].. [--listen SOCKET] STUB

Stands between gdb and QEMU's gdb stub, and shows every task of Orbital as an inferior:
  (gdb) set detach-on-fork off
  (gdb) set schedule-multiple on
  (gdb) target extended-remote | orbital-gdb --kernel kernel.elf --programs programs STUB

  STUB               where the stub listens: [HOST]:PORT, or the path of a socket
  --kernel FILE      the kernel with its symbols
  --programs PATH    a program with its symbols, or a folder of them (repeatable)
  --listen SOCKET    wait there for one gdb, instead of talking to it on the standard streams
  --help             this text
";

/// How long a stub may take to start.
const PATIENCE: Duration = Duration::from_secs(5);

struct Options {
    symbols: Symbols,
    listen: Option<PathBuf>,
    stub: String,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprint!("orbital-gdb: {wrong}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("orbital-gdb: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the command line; `None` if it asks for help.
fn options(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let (mut kernel, mut programs, mut listen, mut stub) = (None, Vec::new(), None, None);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--help" => return Ok(None),
            "--kernel" => kernel = Some(value()?.into()),
            "--programs" => programs.push(value()?.into()),
            "--listen" => listen = Some(value()?.into()),
            option if option.starts_with('-') => return Err(format!("unknown option {option}")),
            _ if stub.is_none() => stub = Some(argument),
            _ => return Err(format!("one stub is enough: {argument}")),
        }
    }
    let kernel = kernel.ok_or("--kernel is missing")?;
    let stub = stub.ok_or("STUB is missing")?;
    Ok(Some(Options { symbols: Symbols { kernel, programs }, listen, stub }))
}

fn serve(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let gdb: (File, File) = match &options.listen {
        Some(path) => {
            let gdb = UnixListener::bind(path)?.accept()?.0;
            (file(&gdb)?, file(&gdb)?)
        }
        None => (file(&io::stdin())?, file(&io::stdout())?),
    };
    let stub = connect(&options.stub).map_err(|error| format!("{}: {error}", options.stub))?;
    let wires = Wires::new(gdb, (stub.try_clone()?, stub));
    Ok(Session::new(wires, &options.symbols)?.serve()?)
}

/// Connects to a stub, which may be about to start.
fn connect(stub: &str) -> io::Result<File> {
    let deadline = Instant::now() + PATIENCE;
    let host = if stub.starts_with(':') { "localhost" } else { "" };
    loop {
        let connected = if stub.contains('/') || Path::new(stub).exists() {
            UnixStream::connect(stub).and_then(|stub| file(&stub))
        } else {
            TcpStream::connect(format!("{host}{stub}")).and_then(|stub| {
                stub.set_nodelay(true)?;
                file(&stub)
            })
        };
        match connected {
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused)
                    && Instant::now() < deadline =>
            {
                thread::sleep(PATIENCE / 100);
            }
            other => return other,
        }
    }
}

/// The same stream, without a buffer of its own.
fn file(stream: &impl AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::time::Duration;
    use std::{fs, thread};

    use super::connect;

    #[test]
    fn a_stub_that_starts_later_is_waited_for() {
        let name = format!("orbital-gdb-test-{}", std::process::id());
        let socket = std::env::temp_dir().join(name);
        let stub = socket.display().to_string();
        let waiting = thread::spawn(move || connect(&stub).map(drop));
        thread::sleep(Duration::from_millis(200));
        let listener = UnixListener::bind(&socket).unwrap();
        assert!(waiting.join().unwrap().is_ok());
        drop(listener);
        fs::remove_file(socket).unwrap();
    }
}
