//! Which format is it?

use std::path::Path;

use super::Format;

/// What the extension says, after one for compression has been taken off.
pub(super) fn by_name(name: &Path) -> Option<Format> {
    let extension = |name: &Path| name.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    let stem = match extension(name).as_deref() {
        Some("gz" | "zst" | "zstd") => Path::new(name.file_stem()?),
        _ => name,
    };
    match extension(stem)?.as_str() {
        "csv" => Some(Format::Csv),
        "tsv" | "tab" => Some(Format::Tsv),
        "json" | "jsonl" | "ndjson" => Some(Format::JsonLines),
        "arff" => Some(Format::Arff),
        "libsvm" | "svm" | "svmlight" => Some(Format::LibSvm),
        "vw" => Some(Format::VowpalWabbit),
        _ => None,
    }
}

/// What the first line that is not blank looks like; CSV in case of doubt.
pub(super) fn by_content(line: &[u8]) -> Format {
    let line = String::from_utf8_lossy(line.trim_ascii());
    if line.starts_with('{') {
        Format::JsonLines
    } else if line.starts_with('%') || line.get(..9).is_some_and(|word| word.eq_ignore_ascii_case("@relation")) {
        Format::Arff
    } else if is_vowpal_wabbit(&line) {
        Format::VowpalWabbit
    } else if is_libsvm(&line) {
        Format::LibSvm
    } else {
        Format::Csv
    }
}

/// A number, or nothing, before the first `|`, and a feature after a space behind it.
fn is_vowpal_wabbit(line: &str) -> bool {
    let Some((before, after)) = line.split_once('|') else { return false };
    let label = before.split_ascii_whitespace().next();
    let spaced = before.is_empty() || before.contains(' ');
    spaced && after.contains(' ') && label.is_none_or(|label| label.starts_with('\'') || label.parse::<f64>().is_ok())
}

/// Numbers, and at least one `index:value`.
fn is_libsvm(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default();
    let mut words = line.split_ascii_whitespace();
    let is_pair = |word: &str| {
        let is_index = |index: &str| index == "qid" || index.parse::<u64>().is_ok();
        word.split_once(':').is_some_and(|(index, value)| is_index(index) && value.parse::<f64>().is_ok())
    };
    let is_label = |word: &str| word.split(',').all(|label| label.parse::<f64>().is_ok());
    let first = words.next().unwrap_or_default();
    let rest = words.clone().count();
    (is_pair(first) || is_label(first) && rest > 0) && words.all(is_pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_decides() {
        for (name, expected) in [
            ("a.csv", Some(Format::Csv)),
            ("a.b.TSV.gz", Some(Format::Tsv)),
            ("dir.arff/a.jsonl.zst", Some(Format::JsonLines)),
            ("a.arff", Some(Format::Arff)),
            ("a.svm", Some(Format::LibSvm)),
            ("a.vw.gz", Some(Format::VowpalWabbit)),
            ("a.txt", None),
            ("-", None),
            ("csv.gz", None),
        ] {
            assert_eq!(by_name(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn else_the_first_line_does() {
        for (line, expected) in [
            ("wind,sky,class", Format::Csv),
            ("wind|sky", Format::Csv),
            ("1|2|3", Format::Csv),
            ("wind 1:2", Format::Csv),
            ("1", Format::Csv),
            ("time 12:30", Format::Csv),
            ("{\"a\": 1}", Format::JsonLines),
            ("% a comment", Format::Arff),
            ("@RELATION weather", Format::Arff),
            ("1 | a b:2", Format::VowpalWabbit),
            ("-1 2.0 'tag|ns a:1 b", Format::VowpalWabbit),
            ("| a b", Format::VowpalWabbit),
            ("+1 1:0.5 7:2", Format::LibSvm),
            ("1,3 qid:4 2:1e3 # said", Format::LibSvm),
        ] {
            assert_eq!(by_content(line.as_bytes()), expected, "{line}");
        }
    }
}
