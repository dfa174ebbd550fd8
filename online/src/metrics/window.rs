//! Over which rows: all of them, the last ones, or all with the older ones fading.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::spec::quoted;

use super::fading::Fading;
use super::rolling::Rolling;

/// Sums over rows, from which measures are computed. Whatever adds up can be merged, rolled and faded.
pub trait Sums: Clone {
    /// What is taken in of one row.
    type Row: Clone + fmt::Debug + PartialEq;

    /// Takes in one row, which counts `weight` times.
    fn add(&mut self, row: &Self::Row, weight: f64);

    /// Takes in all rows of `other`. Of two halves of the rows this makes the whole: exactly, as far as the sums are whole
    /// numbers, and within rounding otherwise.
    fn merge(&mut self, other: &Self);

    /// Makes all rows count `factor` times as much.
    fn scale(&mut self, factor: f64);

    /// Forgets all rows, and keeps the memory.
    fn clear(&mut self);
}

/// The rows over which a metric is computed: written behind it, as in `accuracy@500` and `accuracy@0.999`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Window {
    /// All rows.
    #[default]
    Running,
    /// The last so many scored rows: `@500`. At least 1.
    Rolling(usize),
    /// All rows, each counting so many times as much as the next one: `@0.999` (Gama, Sebastião & Rodrigues, 2013). Above
    /// 0, at most 1.
    Fading(f64),
}

impl Window {
    /// Reads what stands behind the `@`: a whole number is a number of rows, a fraction is the factor of fading.
    ///
    /// # Errors
    ///
    /// If it is neither.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let rows = text.parse().ok().filter(|&rows| rows > 0).map(Window::Rolling);
        let decay = || text.parse().ok().filter(|decay| 0.0 < *decay && *decay < 1.0).map(Window::Fading);
        rows.or_else(decay).ok_or_else(|| {
            let expected = "expected the last rows (@500) or a factor of fading below 1 (@0.999), found @";
            Error::new(ErrorKind::Spec, format!("{expected}{}", quoted(text)))
        })
    }
}

/// As it is written behind a metric; nothing for all rows.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Window::Running => Ok(()),
            Window::Rolling(rows) => write!(f, "@{rows}"),
            Window::Fading(decay) => write!(f, "@{decay:?}"),
        }
    }
}

/// Sums over the rows of a [`Window`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "S: Serialize, S::Row: Serialize",
    deserialize = "S: Deserialize<'de>, S::Row: Deserialize<'de>"
))]
pub enum Windowed<S: Sums> {
    /// Over all rows.
    Running(S),
    /// Over the last rows.
    Rolling(Rolling<S>),
    /// Over fading rows.
    Fading(Fading<S>),
}

impl<S: Sums> Windowed<S> {
    /// Over no rows yet. `empty` are the sums of nothing.
    ///
    /// # Panics
    ///
    /// If the window has no rows, or fades by a factor outside `(0, 1]`.
    #[must_use]
    #[track_caller]
    pub fn new(window: Window, empty: S) -> Self {
        match window {
            Window::Running => Windowed::Running(empty),
            Window::Rolling(rows) => Windowed::Rolling(Rolling::new(rows, empty)),
            Window::Fading(decay) => Windowed::Fading(Fading::new(decay, empty)),
        }
    }

    /// Which rows these are.
    #[must_use]
    pub fn window(&self) -> Window {
        match self {
            Windowed::Running(_) => Window::Running,
            Windowed::Rolling(rolling) => Window::Rolling(rolling.size()),
            Windowed::Fading(fading) => Window::Fading(fading.decay()),
        }
    }

    /// The last rows, if these are summed.
    pub(super) fn rolling(&self) -> Option<&Rolling<S>> {
        if let Windowed::Rolling(rolling) = self { Some(rolling) } else { None }
    }

    /// Takes in one row.
    pub fn update(&mut self, row: &S::Row, weight: f64) {
        match self {
            Windowed::Running(sums) => sums.add(row, weight),
            Windowed::Rolling(rolling) => rolling.update(row, weight),
            Windowed::Fading(fading) => fading.update(row, weight),
        }
    }

    /// Takes in the rows of `other`, which came later.
    ///
    /// # Panics
    ///
    /// If it is over another window.
    #[track_caller]
    pub fn merge(&mut self, other: &Self) {
        let windows = (self.window(), other.window());
        assert!(windows.0 == windows.1, "merge: windows differ: {:?} and {:?}", windows.0, windows.1);
        match (self, other) {
            (Windowed::Running(sums), Windowed::Running(more)) => sums.merge(more),
            (Windowed::Rolling(rolling), Windowed::Rolling(more)) => rolling.merge(more),
            (Windowed::Fading(fading), Windowed::Fading(more)) => fading.merge(more),
            _ => {} // other kinds have other windows
        }
    }

    /// The sums now.
    #[must_use]
    pub fn sums(&self) -> Cow<'_, S> {
        match self {
            Windowed::Running(sums) => Cow::Borrowed(sums),
            Windowed::Rolling(rolling) => Cow::Owned(rolling.sums()),
            Windowed::Fading(fading) => Cow::Owned(fading.sums()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_window_that_is_none_is_refused() {
        for text in ["", "0", "-1", "1.0", "1.5", "0.0", "NaN", "inf", "last"] {
            let error = Window::parse(text).unwrap_err().to_string();
            assert!(error.ends_with(&format!("found @{text:?}")), "{error}");
        }
    }

    #[test]
    fn windows_of_a_kind_merge() {
        use super::super::Counts;
        for window in [Window::Running, Window::Rolling(3), Window::Fading(0.5)] {
            let over = |rows: std::ops::Range<usize>| {
                let mut windowed = Windowed::new(window, Counts::default());
                rows.for_each(|i| windowed.update(&(i % 2, i % 3), 1.0));
                windowed
            };
            let mut merged = over(0..4);
            merged.merge(&over(4..9));
            assert_eq!(merged.sums(), over(0..9).sums(), "{window:?}");
        }
    }

    #[test]
    #[should_panic(expected = "merge: windows differ: Rolling(3) and Rolling(4)")]
    fn windows_of_different_kinds_do_not_merge() {
        use super::super::Counts;
        let [mut three, four] = [3, 4].map(|size| Windowed::new(Window::Rolling(size), Counts::default()));
        three.merge(&four);
    }

    proptest! {
        #[test]
        fn printing_parses_back(rows in 1..usize::MAX, decay in 1e-12..1.0_f64) {
            for window in [Window::Rolling(rows), Window::Fading(decay)] {
                prop_assert_eq!(Window::parse(&window.to_string()[1..]).ok(), Some(window));
            }
        }
    }
}
