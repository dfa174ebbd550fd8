use super::*;
use crate::row::{Row, Value};
use crate::stream::StreamOptions;
use proptest::prelude::*;

/// One cell, in a column that the options may say something of.
fn cell(raw: Raw<'_>, options: &StreamOptions) -> Result<(Value<'static>, u64), String> {
    let (mut schema, mut record) = (Schema::open("f".into(), "y".into(), options), Record::new());
    let mut cells = Cells::begin(&mut schema, &mut record, 1);
    let name = cells.number("x").unwrap();
    cells.put(name, raw).map_err(|error| error.to_string())?;
    let non_finite = cells.end();
    Ok((
        match record.cell(0).1 {
            Value::Text(text) => Value::Text(text.to_owned().leak()),
            Value::Number(number) => Value::Number(number),
            Value::Missing => Value::Missing,
        },
        non_finite,
    ))
}

#[test]
fn spelt_cells_are_numbers_text_or_missing() {
    let parse = |text: &'static str| cell(Raw::Spelt(text), &StreamOptions::default());
    for (text, number) in [("1", 1.0), (" -2.5 ", -2.5), ("1e3", 1e3), ("+.5", 0.5), ("-0", -0.0)] {
        assert_eq!(parse(text), Ok((Value::Number(number), 0)), "{text:?}");
    }
    for text in ["", "  ", "NA", "null", "None", "?"] {
        assert_eq!(parse(text), Ok((Value::Missing, 0)), "{text:?}");
    }
    for text in ["NaN", "nan", "-NAN", "inf", "-inf", "Infinity", "1e999"] {
        assert_eq!(parse(text), Ok((Value::Missing, 1)), "{text:?}");
    }
    for text in ["abc", "1,5", "0x10", "1 000", "none at all", "NAB"] {
        assert_eq!(parse(text), Ok((Value::Text(text), 0)), "{text:?}");
    }
}

#[test]
fn a_declaration_decides_before_the_looks() {
    let x = || vec!["x".to_owned()];
    let category = StreamOptions { categorical: x(), ..StreamOptions::default() };
    let numeric = StreamOptions { numeric: x(), ..StreamOptions::default() };
    let plain = StreamOptions::default();
    assert_eq!(cell(Raw::Spelt("7"), &category), Ok((Value::Text("7"), 0)));
    assert_eq!(cell(Raw::Number(7.0), &category), Ok((Value::Text("7"), 0)));
    assert_eq!(cell(Raw::Text("7"), &plain), Ok((Value::Text("7"), 0)));
    assert_eq!(cell(Raw::Text("7"), &numeric), Ok((Value::Number(7.0), 0)));
    assert_eq!(cell(Raw::Text("nan"), &numeric), Ok((Value::Missing, 1)));
    assert_eq!(cell(Raw::Spelt("?"), &numeric), Ok((Value::Missing, 0)));
    let expected = "column \"x\": expected a number, as the column is declared, found \"tall\"";
    assert_eq!(cell(Raw::Spelt("tall"), &numeric), Err(expected.to_owned()));
}

proptest! {
    #[test]
    fn a_number_written_out_is_read_back_bit_for_bit(number in any::<f64>()) {
        let expected = (number.is_finite().then_some(number), !number.is_finite());
        prop_assert_eq!(number_in(&number.to_string()), expected);
    }
}
