//! Contexts: what is kept of those that have ended, and how well they are still known.

use serde_json::Value;

use super::support::{Done, Folder};

/// Three contexts, in which x means something else each time; the first comes back at the end.
fn folder() -> Folder {
    let folder = Folder::new();
    let row = |k: usize| {
        let (context, x, z) = (["north", "south", "west", "north"][k / 300], k * 7 % 11, k * 5 % 13);
        let up = match context {
            "north" => x > 5,
            "south" => x + z > 11,
            _ => x <= 5,
        };
        format!("{context},{x},{z},{}\n", if up { "up" } else { "down" })
    };
    folder.write("s.csv", "place,x,z,class\n".to_owned() + &(0..1200).map(row).collect::<String>());
    folder
}

const RUN: &str = "run s.csv --context place --model mlp:8 --optimizer sgd:0.1 --print-every 500";

#[test]
fn what_is_kept_is_said_in_the_same_words_everywhere() {
    let folder = folder();
    let arguments = format!("{RUN} --memory er:50 --consolidate ewc:10 --checkpoint c");
    let done = Done::new(&mut folder.command(&arguments));
    let lines: Vec<&str> = done.err.lines().collect();
    assert!(lines[0].starts_with("[500] Accuracy: ") && lines[0].contains("; memory 50 (") && lines.len() == 2);
    assert!(lines[0].contains("; held 1 context, importance ") && lines[1].contains("; held 3 contexts, importance "));

    let result = folder.json("run --resume c");
    let (held, counts) = (&result["held"], result["remembered_by_class"].as_array().expect("a list"));
    assert_eq!((&held["contexts"], &result["remembered"]), (&3.into(), &50.into()));
    assert_eq!(counts.iter().map(|count| count.as_u64().expect("a count")).sum::<u64>(), 50);
    assert!(held["penalty"].as_f64() > Some(0.0) && held["importance"].as_f64() > Some(0.0), "{held}");
    let inspected = folder.json("inspect c");
    for name in ["held", "remembered", "remembered_by_class"] {
        assert_eq!(inspected[name], result[name], "{name}");
    }
    let memory = format!("50 (down {}, up {})", counts[0], counts[1]);
    let text = done.succeeded(&arguments);
    assert!(text.contains(&format!(" · memory {memory} · held 3 contexts, importance ")), "{text}");
    let inspected = folder.text("inspect c");
    assert!(inspected.contains(&memory) && inspected.contains("3 contexts, importance "), "{inspected}");

    let plain = Done::new(&mut folder.command(RUN));
    assert!(!plain.err.contains("memory") && !plain.err.contains("held"), "{}", plain.err);
    assert_eq!(folder.json(RUN)["held"], Value::Null);
}
