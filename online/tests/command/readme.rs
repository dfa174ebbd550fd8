//! The README's commands, as they stand there.

use std::process::Command;

use super::support::{Folder, THALWEG, gzip};

const README: &str = include_str!("../../../README.md");

/// The lines of the section on streams, without what they are for.
fn commands() -> Vec<&'static str> {
    let (_, section) = README.split_once("## On a stream of yours").expect("there is such a section");
    let (_, block) = section.split_once("```sh\n").expect("it has commands");
    let (block, _) = block.split_once("```").expect("they end");
    let code = |line: &'static str| line.split_once("  #").map_or(line, |(code, _)| code).trim();
    block.lines().map(code).filter(|line| !line.is_empty()).collect()
}

/// All the files that the lines speak of.
fn folder() -> Folder {
    let folder = Folder::new();
    let rows = |line: &dyn Fn(u32, u32, u32, &str) -> String| -> String {
        (0..400).map(|row| line(row, row * 7 % 11, row * 13 % 17, if row * 7 % 11 > 5 { "1" } else { "0" })).collect()
    };
    let header = "at,known,place,a,b,class\n".to_owned();
    let csv =
        header + &rows(&|row, a, b, class| format!("{},{},p{},{a},{b},{class}\n", 60 * row, 60 * row + 900, row / 99));
    for name in ["rows.csv", "more.csv", "a.csv", "b.csv"] {
        folder.write(name, &csv);
    }
    folder.write("rows.csv.gz", gzip(&csv));
    let json = |_: u32, a: u32, b: u32, class: &str| {
        format!(
            "{{\"a\":{a},\"b\":{b},\"day\":\"2024-02-{:02}\",\"note\":\"wet {b}\",\"w\":1,\"class\":{class}}}\n",
            b % 28 + 1
        )
    };
    folder.write("rows.jsonl", rows(&json));
    let vw = rows(&|_, a, b, class| format!("{class} | a:{a} b:{b}\n"));
    folder.write("rows.vw.gz", gzip(&vw));
    folder.write("rows.vw", vw);
    folder.write("rows.svm", rows(&|_, a, b, class| format!("{class} 1:{a} 2:{b}\n")));
    folder
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let (folder, program) = (folder(), std::path::Path::new(THALWEG));
    let mut path = vec![program.parent().expect("it lies in a folder").to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let path = std::env::join_paths(path).expect("it was a path before");
    let commands = commands();
    for verb in ["run", "learn", "predict", "anomalies", "compare", "inspect", "streams", "generate"] {
        let shown = commands.iter().any(|line| line.contains(&format!("thalweg {verb}")));
        assert!(shown, "{verb} is shown");
    }
    for line in commands {
        let done = Command::new("sh").args(["-c", line]).current_dir(folder.path("")).env("PATH", &path).output();
        let done = done.expect("there is a shell");
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
        assert!(!done.stdout.is_empty() || line.contains('>'), "{line} says something");
    }
}

/// One model, by each format's own names: what CSV taught, JSON, Vowpal Wabbit and LIBSVM ask for.
#[test]
fn what_was_learned_from_a_pipe_of_csv_predicts_every_format() {
    let folder = Folder::new();
    // LIBSVM names features by their numbers.
    let rows =
        |line: &dyn Fn(u32, u32) -> String| -> String { (0..500).map(|row| line(row * 7 % 11, row % 5)).collect() };
    let class = |a: u32| if a > 5 { "UP" } else { "DOWN" };
    let csv = "1,2,class\n".to_owned() + &rows(&|a, b| format!("{a},{b},{}\n", class(a)));
    let mut learn = folder.command("learn - --format csv --header yes --target class --checkpoint m --model gru:8");
    super::support::Done::new(learn.write_stdin(gzip(&csv))).succeeded("learn");
    folder.write("rows.jsonl", rows(&|a, b| format!("{{\"1\":{a},\"2\":{b}}}\n")));
    folder.write("rows.vw", rows(&|a, b| format!("| 2:{b} 1:{a}\n")));
    folder.write("rows.svm", rows(&|a, b| format!("1:{a} 2:{b}\n")));
    folder.write("rows.csv", &csv);
    let expected = folder.text("predict m rows.csv --header yes");
    assert_eq!(expected.lines().count(), 501);
    for name in ["rows.jsonl", "rows.vw", "rows.svm"] {
        assert_eq!(folder.text(&format!("predict m {name}")), expected, "{name}");
    }
    let right = expected
        .lines()
        .skip(1)
        .zip(csv.lines().skip(1))
        .filter(|(said, row)| said.split(',').nth(1) == row.split(',').next_back());
    assert!(right.count() > 450, "it has learned something: {expected}");
}
