//! Features as they are read: whether their columns are theirs.

use super::Features;
use super::answers::Answers;
use super::category::Category;
use super::encoder::{Column, Encoder, Feature};
use super::setting::Encoding;
use crate::error::Error;
use crate::saved::{Checked, checked, ensure};

checked!(Features);

impl Checked for Features {
    fn check(&self) -> Result<(), Error> {
        let Features { encoder, answers } = self;
        let expected = Answers::new(&encoder.spec);
        let names = |answers: &Answers| answers.cells.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        ensure(names(answers) == names(&expected), "the answers that the features ask for")?;
        encoder.check_read()
    }
}

impl Encoder {
    /// Each column is that of one feature, and of the kind that this feature has.
    fn check_read(&self) -> Result<(), Error> {
        let Encoder { spec, names, features, columns, .. } = self;
        ensure(names.len() == features.len(), "a name for each feature")?;
        let mut free: Vec<Option<&Column>> = columns.iter().map(Some).collect();
        for (name, feature) in names.as_slice().iter().zip(features) {
            let scale = spec.scale(name);
            let mut take = |column: usize| free.get_mut(column).and_then(Option::take);
            let sound = match feature {
                Feature::Number { column, missing, flag, .. } => {
                    matches!(take(*column), Some(Column::Number(scaler)) if scaler.is_of(scale))
                        && flag.is_none_or(|flag| matches!(take(flag), Some(Column::Flag)))
                        && *missing == spec.missing(name)
                }
                Feature::Category(category) => {
                    let is_scaled = match category {
                        Category::Target(means) => means.scale == scale,
                        _ => true,
                    };
                    is_scaled && category.encoding() == spec.category(name) && category.owns(take)
                }
            };
            ensure(sound, &format!("the columns of {name:?}"))?;
        }
        ensure(free.iter().all(Option::is_none), "a feature for each column")?;
        ensure(self.embedded().is_sorted_by_key(|(_, embedded)| embedded.column), "columns in order of arrival")
    }
}

impl Category {
    /// As it was asked for.
    fn encoding(&self) -> Encoding {
        match *self {
            Category::OneHot { most, .. } => Encoding::OneHot { most },
            Category::Hash { columns, .. } => Encoding::Hash { columns },
            Category::Target(ref means) => Encoding::Target { smoothing: means.smoothing, most: means.most },
            Category::Embed { width, most, .. } => Encoding::Embed { width, most },
        }
    }

    /// Whether its columns are there to be taken, and fit what it knows.
    fn owns<'a>(&self, mut take: impl FnMut(usize) -> Option<&'a Column>) -> bool {
        let mut flag = |column: usize| matches!(take(column), Some(Column::Flag));
        match self {
            Category::OneHot { most, labels, columns, other } => {
                labels.len() <= *most && labels.len() == columns.len() && columns.iter().chain(other).all(|&c| flag(c))
            }
            Category::Hash { first, columns } => first.checked_add(*columns).is_some_and(|end| (*first..end).all(flag)),
            Category::Embed { most, labels, column, .. } => labels.len() <= *most && flag(*column),
            Category::Target(means) => {
                let mean =
                    |&column: &usize| matches!(take(column), Some(Column::Mean(scaler)) if scaler.is_of(means.scale));
                means.labels.len() <= means.most
                    && means.labels.len() == means.tallies.len()
                    && means.columns.iter().all(mean)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{FeatureSpec, Scale};
    use crate::labels::Labels;
    use crate::learn::Target;
    use crate::row::Value;
    use crate::saved::testing::refuses;

    fn seen(spec: &str) -> Features {
        let mut features = Features::with(FeatureSpec::parse(spec).expect("features"));
        for k in 0..6_u8 {
            let word = Value::Text(["a", "b", "c"][usize::from(k % 3)]);
            let number = if k == 4 { Value::Missing } else { Value::Number(f64::from(k)) };
            let row = [("number", number), ("word", word), ("other", word)];
            features.observe(&row).expect("the row is good");
            features.told(&row, Target::Value(f64::from(k)));
        }
        features
    }

    fn number(features: &mut Features) -> (&mut usize, &mut Option<usize>) {
        match &mut features.encoder.features[0] {
            Feature::Number { column, flag, .. } => (column, flag),
            Feature::Category(_) => unreachable!("it is a number"),
        }
    }

    fn category(features: &mut Features) -> &mut Category {
        match &mut features.encoder.features[1] {
            Feature::Category(category) => category,
            Feature::Number { .. } => unreachable!("it is a category"),
        }
    }

    #[test]
    fn columns_are_those_of_the_features() {
        refuses(
            &seen("lags=2"),
            &[
                ("a column that is not there", |features| *number(features).0 = 99),
                ("a column of another", |features| *number(features).0 = 1),
                ("a flag that is not there", |features| *number(features).1 = Some(99)),
                ("a flag that is a number", |features| *number(features).1 = Some(*number(features).0)),
                ("a column of none", |features| *number(features).1 = None),
                ("a name too few", |features| features.encoder.names = Labels::new()),
                ("a feature too few", |features| drop(features.encoder.features.pop())),
                ("a column too few", |features| drop(features.encoder.columns.pop())),
                ("another scale", |features| features.encoder.columns[0] = Column::Number(Scale::MaxAbs.build())),
                ("values that cannot go on", |features| {
                    features.encoder.columns[0] = Column::Number(Scale::Standard.of_zeros(u64::MAX));
                }),
                ("another encoding", |features| {
                    features.encoder.spec = FeatureSpec::parse("category=onehot:2; lags=2").expect("features");
                }),
                ("answers that are not asked for", |features| drop(features.answers.cells.pop())),
                ("no lags for answers", |features| features.encoder.spec = FeatureSpec::default()),
                ("a count that cannot go on", |features| features.encoder.sparse_rows = u64::MAX),
            ],
        );
    }

    #[test]
    fn categories_have_the_columns_of_their_encoding() {
        refuses(
            &seen("category=onehot:2"),
            &[
                ("a column too few", |features| {
                    if let Category::OneHot { columns, .. } = category(features) {
                        columns.pop();
                    }
                }),
                ("a column that is not there", |features| {
                    if let Category::OneHot { other, .. } = category(features) {
                        *other = Some(usize::MAX);
                    }
                }),
            ],
        );
        refuses(
            &seen("category=hash:3"),
            &[
                ("no columns", |features| {
                    if let Category::Hash { columns, .. } = category(features) {
                        *columns = 0;
                    }
                }),
                ("columns behind the end", |features| {
                    if let Category::Hash { first, .. } = category(features) {
                        *first = usize::MAX;
                    }
                }),
            ],
        );
        refuses(
            &seen("category=target"),
            &[
                ("fewer means than labels", |features| {
                    if let Category::Target(means) = category(features) {
                        means.tallies.pop();
                    }
                }),
                ("a column that is not there", |features| {
                    if let Category::Target(means) = category(features) {
                        means.columns[0] = 99;
                    }
                }),
            ],
        );
        refuses(
            &seen("category=embed:3"),
            &[("a wider vector", |features| {
                if let Category::Embed { width, .. } = category(features) {
                    *width = 1024;
                }
            })],
        );
    }
}
