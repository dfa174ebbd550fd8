//! What an operator tries: slips of the keyboard, limits, an old checkpoint in the way.

use super::support::{Folder, stream};

#[test]
fn a_wrong_specification_is_answered_with_what_is_allowed() {
    let folder = Folder::new();
    for (arguments, expected) in [
        (
            "--model ltsm:32",
            "'--model <SPEC>': unknown layer \"ltsm\"; did you mean \"lstm\"? allowed: rnn, leaky_rnn, lstm, layer_norm_lstm, gru, \
             lru, rtu, elstm, linear, mlp, sparse_mlp, prelu, dropout, layer_norm, rms_norm, group_norm, batch_norm, embedding, attention, encoder, … (54 in all)",
        ),
        (
            "--optimizer sdg",
            "'--optimizer <SPEC>': unknown optimizer \"sdg\"; did you mean \"sgd\"? allowed: sgd, adagrad, rmsprop, adadelta, adam, adamw, amsgrad, adamax, nadam, radam, \
             obgd, adaptive-obgd, idbd, autostep, vw, ftrl, hypergradient, schedule-free-sgd, schedule-free-adamw, cocob",
        ),
        (
            "--memory resevoir:5",
            "'--memory <SPEC>': unknown memory \"resevoir\"; did you mean \"reservoir\"? allowed: none, er, er-ace, der, a-gem, mir, \
             reservoir, ring, balanced, greedy",
        ),
        (
            "--task clasify",
            "'--task <TASK>': unknown task \"clasify\"; did you mean \"classify\"? allowed: auto, classify, regress, multilabel",
        ),
        ("--header y", "'--header <HEADER>': unknown header \"y\"; allowed: auto, yes, no"),
        ("--model mlp:0", "'--model <SPEC>': \"mlp:0\": expected a size from 1 to 65536, found 0"),
        (
            "--model lstm:32,windw=3",
            "'--model <SPEC>': unknown option of lstm \"windw\"; did you mean \"window\"? allowed: window, last",
        ),
        (
            "--model mlp:8x",
            "'--model <SPEC>': \"mlp:8x\": expected the width of a layer to be a whole number, found \"8x\"",
        ),
        (
            "--memory reservoir",
            "'--memory <SPEC>': \"reservoir\": expected how many examples are kept (a whole number), found nothing",
        ),
        ("--delimiter ab", "'--delimiter <CHAR>': expected one character of ASCII, or \\t, found \"ab\""),
        (
            "--delay column",
            "'--delay <N|TIME>': expected a number of rows or a time; a column of times is said by --delay-until COLUMN, found \"column\"",
        ),
        ("--seed -3", "'--seed <N>': invalid digit found in string"),
    ] {
        let (_, value) = arguments.split_once(' ').expect("a flag and its value");
        let arguments = format!("run phishing {}", arguments.replacen(' ', "=", 1));
        assert_eq!(folder.refusal(&arguments), format!("invalid value '{value}' for {expected}"));
    }
    let done = folder.run("run phishing --modle mlp");
    assert_eq!((done.code, done.out.as_str()), (Some(2), ""));
    assert!(done.err.contains("unexpected argument '--modle'") && done.err.contains("'--model'"), "{}", done.err);
}

#[test]
fn a_limit_of_nothing_learns_nothing() {
    let folder = Folder::new();
    let result = folder.json("run phishing --limit 0 --checkpoint c");
    assert_eq!(
        (&result["rows"], &result["parameters"], &result["classes"]),
        (&0.into(), &0.into(), &Vec::<u8>::new().into())
    );
    assert!(result["metrics"]["accuracy"].is_null());
    assert!(folder.text("run phishing --limit 0").contains(" -  "), "a dash for what was never measured");
    assert_eq!(folder.json("run --resume c")["fingerprint"], folder.json("run phishing")["fingerprint"]);
    assert_eq!(folder.json("run phishing --limit 99999")["rows"], 1250, "a limit beyond the end is no limit");
}

#[test]
fn a_limit_that_is_past_already_changes_nothing() {
    let folder = Folder::new();
    let result = folder.json("run phishing --limit 500 --checkpoint c");
    assert_eq!(folder.json("run --resume c --limit 100")["fingerprint"], result["fingerprint"]);
}

#[test]
fn saving_on_the_way_needs_a_place() {
    let folder = Folder::new();
    let done = folder.run("run phishing --checkpoint-every 100");
    assert_eq!((done.code, done.out.as_str()), (Some(2), ""));
    assert!(done.err.contains("--checkpoint <FILE>"), "{}", done.err);
    folder.json("run phishing --checkpoint c --checkpoint-every 0");
    assert_eq!(folder.json("inspect c")["rows"], 1250, "0: only at the end");
}

#[test]
fn a_checkpoint_of_another_run_is_replaced_with_a_warning() {
    let folder = Folder::new();
    let run = |arguments: &str| {
        let done = folder.run(&format!("run {arguments} --print-every 0"));
        assert_eq!(done.code, Some(0), "{}", done.err);
        done.err
    };
    assert_eq!(run("phishing --model linear --limit 1100 --checkpoint c"), "", "there is nothing to lose yet");
    assert_eq!(run("--resume c --limit 1200 --checkpoint c"), "", "going on loses nothing");
    let expected = "warning: c holds a run of linear over 1,200 rows of phishing, which this run replaces; \
                    to go on from it: --resume c\n";
    assert_eq!(run("co2 --limit 9 --checkpoint c"), expected);
    assert_eq!(folder.json("inspect c")["stream"], "co2");
    run("phishing --limit 9 --checkpoint d");
    assert!(run("--resume d --checkpoint c").starts_with("warning: c holds a run of mlp:64,64 over 9 rows of co2"));
    folder.write("c", &folder.read("d")[..100]);
    assert!(run("co2 --limit 9 --checkpoint c").starts_with("warning: this run replaces c: cut short: "));
}

#[test]
fn a_run_that_learns_nothing_takes_no_checkpoint_away() {
    let folder = Folder::new();
    folder.json("run phishing --limit 700 --checkpoint c");
    let good = folder.read("c");
    folder.write("bad.csv", "a,b\n1\n");
    assert_eq!(
        folder.refusal("run bad.csv --task classify --checkpoint c"),
        "bad.csv: row 1: expected 2 fields between \",\", found 1"
    );
    assert_eq!(folder.refusal("run missing.csv --checkpoint c").split(':').next(), Some("missing.csv"));
    assert!(folder.read("c") == good);
}

#[test]
fn options_of_a_stream_are_kept_with_the_run() {
    let folder = Folder::new();
    folder.write("s.txt", stream(900).replace(',', "|"));
    let run = "run s.txt --delimiter | --target class --ignore late --categorical pressure --model linear";
    let result = folder.json(run);
    assert_eq!(result["features"], 3);
    folder.json(&format!("{run} --checkpoint c --limit 400"));
    assert_eq!(folder.json("run --resume c")["fingerprint"], result["fingerprint"]);
    assert_eq!(folder.json(&format!("{run} --resume c"))["fingerprint"], result["fingerprint"]);
}
