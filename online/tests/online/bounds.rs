//! Memory is bounded, however many names a stream has.

use std::fmt::Write;
use std::io::Cursor;

use thalweg_online::features::FeatureSpec;
use thalweg_online::{
    Config, Error, Model, Record, Row, Session, Stream, StreamOptions, Task, checkpoint, stream as streams,
};

const WORDS: usize = 100;

/// Rows of Vowpal Wabbit's text that have two words in common, and others that no row has had before.
fn new_words(rows: usize) -> Result<Box<dyn Stream>, Error> {
    let mut text = String::new();
    for row in 0..rows {
        let _ = write!(text, "{} | sky:{} wind:{}", row % 2, row % 2, row % 7);
        (0..WORDS).for_each(|word| text += &format!(" w{}", row * WORDS + word));
        text.push('\n');
    }
    streams::from_reader("words.vw", Cursor::new(text.into_bytes()), &StreamOptions::default())
}

#[test]
fn a_stream_may_have_more_names_than_it_keeps() -> Result<(), Error> {
    let (mut rows, mut record) = (new_words(1000)?, Record::new());
    for row in 0..1000 {
        assert!(rows.read(&mut record)?);
        let names = [0, 1, 2, WORDS + 1].map(|index| record.cell(index).0);
        let expected = ["sky", "wind", &format!("w{}", row * WORDS), &format!("w{}", row * WORDS + WORDS - 1)];
        assert_eq!((record.len(), names), (WORDS + 2, expected));
    }
    assert!(!rows.read(&mut record)?);
    Ok(())
}

#[test]
fn a_learner_of_ever_new_words_ceases_to_grow() -> Result<(), Error> {
    let mut config = Config::new(Task::Classify);
    (config.model, config.features) = (Model::parse("mlp:4")?, FeatureSpec::parse("most=150")?);
    let mut session = Session::new(config, "words.vw", StreamOptions::default());
    let (mut rows, mut record, mut sizes) = (new_words(1000)?, Record::new(), Vec::new());
    while session.advance(&mut *rows, &mut record)? {
        if [10, 100, 1000].contains(&session.rows()) {
            sizes.push((checkpoint::encode(&session)?.len(), session.learner().features().width()));
        }
    }
    assert_eq!((sizes[1], sizes[2], sizes[0].1), (sizes[0], sizes[0], 150));
    let learner = session.learner();
    assert_eq!(learner.features().ignored() as usize, 1000 * WORDS - (150 - 2), "each is counted");
    assert!(session.evaluation().scores().get("accuracy").is_some_and(|accuracy| accuracy > 0.95));
    Ok(())
}
