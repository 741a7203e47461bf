//! The two files that show a run to somebody: ftrace lines and the picture.

use crate::rows;

/// One line for each switch, each with the task that the one before switched to.
pub(crate) fn check_ftrace(text: &str, switches: &[Vec<&str>]) {
    let lines: Vec<_> = text.lines().filter(|line| line.contains(": sched_switch: ")).collect();
    assert_eq!(lines.len(), switches.len());
    let field = |line: &str, name: &str| {
        let value = line.split_once(name).map_or("", |(_, rest)| rest);
        value.split(' ').next().unwrap_or_default().to_owned()
    };
    for (pair, switch) in lines.windows(2).zip(&switches[1..]) {
        assert_eq!(field(pair[0], "next_pid="), field(pair[1], "prev_pid="));
        let state = field(pair[1], "prev_state=");
        let expected = match switch[6] {
            "exited" | "killed" => "X",
            "slice-used-up" => "R+",
            why if why.starts_with("blocked") => "S",
            _ => "R",
        };
        assert_eq!(state, expected, "{}", pair[1]);
    }
    assert!(text.contains("sched_wakeup_new: comm=waiter"), "{text}");
    assert!(text.contains("sched_wakeup: comm="), "{text}");
}

/// A lane with its name for each task that ever ran, a legend, an axis, words behind the slices; the lane of the
/// CPU is full from one end to the other.
pub(crate) fn check_picture(svg: &str, record: &str, switches: &[Vec<&str>]) {
    for word in ["gave way", "slice used up", "ready, waits for the CPU", "CPU 0", ">0 ns<", " ms<"]
    {
        assert!(svg.contains(word), "{word} is missing");
    }
    let ran = |pid: &str| switches.iter().any(|switch| switch[4] == pid || switch[5] == pid);
    for row in rows(record, "name").into_iter().filter(|row| ran(row[1])) {
        let label = if row[1] == "0" || row[2] == "terminal" {
            row[2].to_owned()
        } else {
            format!("{} {}", row[2], row[1])
        };
        assert!(svg.contains(&format!(">{label}</text>")), "{label} has no lane");
    }
    let number = |line: &str, name: &str| {
        let value =
            line.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split('"').next());
        value.and_then(|value| value.parse::<f64>().ok()).unwrap_or(f64::NAN)
    };
    let lane = svg.lines().filter(|line| line.contains("<title>") && line.contains("y=\"78\""));
    let mut end = 190.0;
    for bar in lane {
        assert!((number(bar, "x") - end).abs() < 0.5, "a gap before {bar}");
        end = number(bar, "x") + number(bar, "width");
    }
    assert!((end - 1590.0).abs() < 1.0, "the picture ends at {end}");
}
