//! Lists of metrics.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::metric::Metric;
use crate::error::Error;

/// A list of metrics: `accuracy,f1:macro,auc@1000`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics(pub Vec<Metric>);

impl Metrics {
    /// Reads a list, separated by commas.
    ///
    /// # Errors
    ///
    /// As [`Metric::parse`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut texts: Vec<String> = vec![];
        for piece in text.split(',') {
            // `of=spam` behind a comma goes on with the metric before it: no metric has a name with `=`.
            let goes_on = piece.split(':').next().is_some_and(|name| name.contains('='));
            match texts.last_mut().filter(|_| goes_on) {
                Some(last) => *last = format!("{last},{piece}"),
                None => texts.push(piece.to_owned()),
            }
        }
        texts.iter().map(|text| Metric::parse(text)).collect::<Result<_, _>>().map(Metrics)
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(Metric::to_string).collect();
        f.write_str(&texts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_list_is_split_at_its_commas_but_not_before_an_option() {
        let list = Metrics::parse("auc:10,of=1,accuracy@5, f1:of=b").unwrap();
        assert_eq!(list.to_string(), "auc:10,of=1,accuracy@5,f1:of=b");
        assert_eq!(list.0.len(), 3);
        assert!(Metrics::parse("").is_err() && Metrics::parse("mae,").is_err() && Metrics::parse("of=1").is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_printing_parses_back(
            text in "\\PC{0,24}|((f1|auc|top|mae)(:|:[a-z0-9.=,]{1,9})?(@[0-9.e-]{1,6})?,){1,2}mae"
        ) {
            if let Ok(list) = Metrics::parse(&text) {
                prop_assert_eq!(Metrics::parse(&list.to_string()).ok(), Some(list));
            }
        }
    }
}
