//! Dates and times: as numbers that a network can use, and as a moment.

use std::f64::consts::TAU;

use jiff::civil;
use jiff::civil::DateTime;
use jiff::fmt::{strtime, temporal::Pieces};
use jiff::tz::Offset;

use crate::error::{Error, ErrorKind};

/// What a column of dates is called beside its own name, in the order of [`numbers`].
pub(super) const PARTS: [&str; 7] = ["years", "season sin", "season cos", "week sin", "week cos", "day sin", "day cos"];

/// A date and time as it stands on the clock where it was written, by ISO 8601 or a pattern of `strptime`.
pub(super) fn parse(text: &str, pattern: Option<&str>) -> Option<DateTime> {
    match pattern {
        Some(pattern) => strtime::parse(pattern, text).ok()?.to_datetime().ok(),
        None => iso_8601(text).map(|(at, _)| at),
    }
}

/// What the clock showed, at midnight if nothing is said of the time, and how far it was from UTC. Zones by name are not
/// known here.
fn iso_8601(text: &str) -> Option<(DateTime, Option<Offset>)> {
    let pieces = Pieces::parse(text).ok().filter(|pieces| pieces.time_zone_annotation().is_none())?;
    let time = pieces.time().unwrap_or(civil::Time::midnight());
    Some((DateTime::from_parts(pieces.date(), time), pieces.to_numeric_offset()))
}

/// A date and time as seven numbers: years since 1970 (of 365.2425 days), for what changes for good; and sine and cosine
/// of the place in the year, in the week (which begins on Monday) and in the day, for what comes again. Ends meet: the
/// last hour of a year lies beside the first of the next.
pub(super) fn numbers(at: DateTime) -> [f64; 7] {
    let date = at.date();
    let seconds = |time: civil::Time| {
        f64::from(i32::from(time.hour()) * 3600 + i32::from(time.minute()) * 60 + i32::from(time.second()))
            + f64::from(time.subsec_nanosecond()) * 1e-9
    };
    let day = seconds(at.time()) / 86_400.0;
    let season = (f64::from(date.day_of_year() - 1) + day) / f64::from(date.days_in_year());
    let week = (f64::from(date.weekday().to_monday_zero_offset()) + day) / 7.0;
    let [(s, c), (ws, wc), (ds, dc)] = [season, week, day].map(|turn| (TAU * turn).sin_cos());
    [days_since_1970(date, day) / 365.2425, s, c, ws, wc, ds, dc]
}

fn days_since_1970(date: civil::Date, day: f64) -> f64 {
    // Cannot fail: the offset of UTC is 0, and every date of jiff but the outermost is a moment.
    let midnight = Offset::UTC.to_timestamp(date.to_datetime(civil::Time::midnight()));
    midnight.map_or(f64::NAN, |midnight| midnight.as_second() as f64 / 86_400.0 + day)
}

/// A moment in nanoseconds since 1970-01-01T00:00:00Z: a number counts seconds, the rest is ISO 8601, in UTC unless it
/// says otherwise.
pub(super) fn nanoseconds(text: &str) -> Result<i64, Error> {
    let found = match text.parse::<f64>() {
        Ok(seconds) => of_seconds(seconds),
        Err(_) => iso_8601(text).and_then(|(at, offset)| {
            let moment = offset.unwrap_or(Offset::UTC).to_timestamp(at).ok()?;
            i64::try_from(moment.as_nanosecond()).ok()
        }),
    };
    found.ok_or_else(|| {
        Error::expected(ErrorKind::Type, "seconds since 1970 or a date such as 2024-02-29T12:30:00Z", text)
    })
}

/// The same for a number; `None` outside of the years 1677 to 2262.
pub(super) fn of_seconds(seconds: f64) -> Option<i64> {
    // Ten digits and a bit are all the seconds that an i64 has room for.
    if !(-1e10..1e10).contains(&seconds) {
        return None;
    }
    // Whole seconds and the rest apart: together they have more digits than an f64.
    let (whole, rest) = (seconds.floor(), seconds - seconds.floor());
    i64::try_from(whole as i128 * 1_000_000_000 + (rest * 1e9).round() as i128).ok()
}

/// Java's pattern of a date, which ARFF uses, as one of `strptime`. `None` if it has letters other than these.
pub(super) fn pattern_of_java(java: &str) -> Option<String> {
    let mut pattern = String::new();
    let mut rest = java;
    while let Some(first) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches(first).len();
        let (letters, mut after) = rest.split_at(run);
        match letters {
            "yyyy" | "y" | "uuuu" => pattern += "%Y",
            "yy" => pattern += "%y",
            "MM" | "M" => pattern += "%m",
            "MMM" => pattern += "%b",
            "MMMM" => pattern += "%B",
            "dd" | "d" => pattern += "%d",
            "HH" | "H" => pattern += "%H",
            "hh" | "h" => pattern += "%I",
            "mm" | "m" => pattern += "%M",
            "ss" | "s" => pattern += "%S",
            "SSS" => pattern += "%f",
            "a" => pattern += "%p",
            "E" | "EEE" => pattern += "%a",
            "EEEE" => pattern += "%A",
            "Z" => pattern += "%z",
            _ if first == '\'' => {
                let (quoted, end) = rest[1..].split_once('\'')?;
                pattern += &if quoted.is_empty() { "'".to_owned() } else { quoted.replace('%', "%%") };
                after = end;
            }
            _ if first.is_ascii_alphabetic() => return None,
            _ => pattern += &letters.replace('%', "%%"),
        }
        rest = after;
    }
    Some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(text: &str, expected: [f64; 7]) {
        let found = numbers(parse(text, None).unwrap_or_else(|| panic!("{text} is a date")));
        let close = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12);
        assert!(close, "{text}: {found:?}");
    }

    #[test]
    fn dates_become_a_trend_and_three_circles() {
        // Monday, 6 o'clock, 1 January 2024: 19 723 days after 1970.
        let (year, week) = (TAU * 0.25 / 366.0, TAU * 0.25 / 7.0);
        let monday = [19_723.25 / 365.2425, year.sin(), year.cos(), week.sin(), week.cos(), 1.0, 0.0];
        for text in ["2024-01-01T06:00:00", "2024-01-01 06:00", "2024-01-01T06:00:00Z", "2024-01-01T06:00:00+05:00"] {
            near(text, monday);
        }
        near("1970-01-01", [0.0, 0.0, 1.0, (TAU * 3.0 / 7.0).sin(), (TAU * 3.0 / 7.0).cos(), 0.0, 1.0]);
        for text in ["2023-02-29", "yesterday", "2024", "01.02.2024", "", "12:30"] {
            assert_eq!(parse(text, None), None, "{text}");
        }
    }

    #[test]
    fn moments_are_nanoseconds_since_1970() {
        for (text, expected) in [
            ("0", 0),
            ("1.5", 1_500_000_000),
            ("-0.25", -250_000_000),
            ("1970-01-01", 0),
            ("1970-01-01T00:00:01.000000001", 1_000_000_001),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1969-12-31T23:59:59Z", -1_000_000_000),
            ("1718900000.123456", 1_718_900_000_123_456_001),
        ] {
            let found = nanoseconds(text).unwrap_or_else(|error| panic!("{error}"));
            assert!((found - expected).abs() < 500, "{text}: {found}");
        }
        for text in ["1e300", "-1e300", "9.9e9", "NaN", "inf", "3000-01-01", "soon", "2024-01-01T00:00[Asia/Oral]"] {
            assert_eq!(nanoseconds(text).unwrap_err().kind(), ErrorKind::Type, "{text}");
        }
    }

    #[test]
    fn a_pattern_of_java_is_one_of_strptime() {
        let pattern = pattern_of_java("yyyy-MM-dd'T'HH:mm:ss");
        assert_eq!(pattern.as_deref(), Some("%Y-%m-%dT%H:%M:%S"));
        assert_eq!(parse("2024-03-05T01:02:03", pattern.as_deref()), parse("2024-03-05T01:02:03", None));
        let short = pattern_of_java("dd.MM.yy").unwrap_or_default();
        assert_eq!(parse("05.03.24", Some(&short)), parse("2024-03-05", None));
        assert_eq!((pattern_of_java("yyyy-ww"), pattern_of_java("'open")), (None, None));
    }
}
