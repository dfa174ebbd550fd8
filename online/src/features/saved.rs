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
