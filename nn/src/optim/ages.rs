//! How many updates each element of θ has had.
//!
//! Adam divides by `1 − βᵗ`, where t counts updates; an average over time divides by t. After growth, elements of one tensor differ in age: a new row or
//! column begins at t = 0 whatever its neighbours have seen. And a row of an embedding counts only the steps that touched
//! it. So each row has an age, and each run of columns that came later remembers the ages that the rows had when it
//! came: an element's age is the difference. For a tensor that neither grew nor had sparse gradients this is one number.

use std::ops::Range;
use std::sync::Arc;

use thalweg_autograd::{Entry, Layout, Touched};

mod forget;

pub use forget::forget;

/// How many updates each element of θ has had: what an optimizer hands to its [`Sweep`](super::Sweep). It follows growth;
/// rows that a gradient does not touch grow no older.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ages {
    entries: Vec<Age>,
    #[cfg_attr(feature = "serde", serde(skip))]
    seen: Option<Arc<Layout>>,
}

#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "Read"))]
struct Age {
    rows: Rows,
    /// Ends of runs of columns, and the ages of the rows when each run came.
    columns: Vec<(usize, Rows)>,
}

/// The ages of a tensor as they are read. They are trusted once each run of columns is found to have come to these rows, and
/// not after the present.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(rename = "Age")]
struct Read {
    rows: Rows,
    columns: Vec<(usize, Rows)>,
}

#[cfg(feature = "serde")]
impl TryFrom<Read> for Age {
    type Error = &'static str;

    fn try_from(Read { rows, columns }: Read) -> Result<Self, &'static str> {
        let in_order = !columns.is_empty() && columns.is_sorted_by_key(|(end, _)| *end);
        let possible = columns.iter().all(|(_, when_they_came)| when_they_came.are_before(&rows));
        if in_order && possible { Ok(Age { rows, columns }) } else { Err("the ages of a tensor contradict each other") }
    }
}

/// The ages of rows.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Rows {
    /// This many rows, all of this age.
    Even(usize, u64),
    /// The age of each.
    Each(Vec<u64>),
}

impl Ages {
    /// Follows θ's layout: new tensors, rows and columns begin at 0. So does a tensor that is smaller than it was: the ages
    /// are of another θ, which the vectors beside them do not follow.
    pub fn align(&mut self, layout: &Arc<Layout>) {
        if self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, layout)) {
            return;
        }
        for (index, entry) in layout.entries().iter().enumerate() {
            let (rows, width) = entry.table();
            match self.entries.get_mut(index) {
                Some(age) if age.fits(rows, width, entry.blocks()) => age.grow(rows, width, entry.blocks()),
                Some(age) => *age = Age::new(rows, width),
                None => self.entries.push(Age::new(rows, width)),
            }
        }
        self.seen = Some(Arc::clone(layout));
    }

    /// Calls `visit(range of θ, t)` for each stretch of elements of one age, of all of a θ of this layout.
    pub fn for_each(&mut self, layout: &Arc<Layout>, mut visit: impl FnMut(Range<usize>, u64)) {
        self.align(layout);
        layout.entries().iter().enumerate().for_each(|(index, entry)| self.each(index, entry, &mut visit));
    }

    /// Counts one update of what was touched, and calls `visit(range of θ, t)` for each stretch of elements of one age.
    pub(super) fn update(
        &mut self,
        index: usize,
        entry: &Entry,
        touched: Touched<'_>,
        mut visit: impl FnMut(Range<usize>, u64),
    ) {
        let Age { rows, columns } = &mut self.entries[index];
        match (&mut *rows, touched) {
            (_, Touched::Nothing) => return,
            (Rows::Even(_, t), Touched::All) => *t = t.saturating_add(1),
            (Rows::Each(ages), Touched::All) => ages.iter_mut().for_each(|t| *t = t.saturating_add(1)),
            (rows, Touched::Rows(touched)) => {
                let (ages, start, (_, width)) = (rows.each(), entry.range().start, entry.table());
                for row in touched.iter().map(|&row| row as usize) {
                    ages[row] = ages[row].saturating_add(1);
                    stretches(columns, row, ages[row], start + row * width, &mut visit);
                }
                return;
            }
        }
        self.each(index, entry, visit);
    }

    /// Calls `visit(range of θ, t)` for each stretch of elements of one age.
    pub(super) fn each(&self, index: usize, entry: &Entry, mut visit: impl FnMut(Range<usize>, u64)) {
        let (Age { rows, columns }, start) = (&self.entries[index], entry.range().start);
        let (count, width) = entry.table();
        match rows {
            Rows::Even(_, t) if columns.len() == 1 => visit(entry.range(), *t),
            Rows::Even(_, t) => {
                // Column by column, so that one age comes after the other: a caller works out each of them once.
                let mut from = 0;
                for (end, when_they_came) in columns {
                    let t = *t - when_they_came.of(0);
                    (0..count).map(|row| start + row * width).for_each(|row| visit(row + from..row + *end, t));
                    from = *end;
                }
            }
            Rows::Each(ages) => {
                for (row, &t) in ages.iter().enumerate() {
                    stretches(columns, row, t, start + row * width, &mut visit);
                }
            }
        }
    }
}

impl Age {
    fn new(rows: usize, width: usize) -> Self {
        Age { rows: Rows::Even(rows, 0), columns: vec![(width, Rows::Even(rows, 0))] }
    }

    /// Whether a tensor of these sizes has grown out of what this is the age of.
    fn fits(&self, rows: usize, width: usize, blocks: usize) -> bool {
        let old = self.rows.count();
        old <= rows && old.is_multiple_of(blocks) && self.columns.iter().all(|(end, _)| *end <= width)
    }

    fn grow(&mut self, rows: usize, width: usize, blocks: usize) {
        let old = self.rows.count();
        if rows > old {
            self.rows.grow(old, rows, blocks);
            self.columns.iter_mut().for_each(|(_, when_they_came)| when_they_came.grow(old, rows, blocks));
        }
        match (&self.rows, self.columns.last_mut()) {
            (_, Some((end, _))) if *end == width => {}
            (Rows::Even(_, 0), Some((end, _))) => *end = width,
            (rows, _) => self.columns.push((width, rows.clone())),
        }
    }
}

impl Rows {
    /// How many rows there are.
    fn count(&self) -> usize {
        match self {
            Rows::Even(count, _) => *count,
            Rows::Each(ages) => ages.len(),
        }
    }

    /// Whether each of these ages is one that its row has had by the time of `now`.
    #[cfg(feature = "serde")]
    fn are_before(&self, now: &Rows) -> bool {
        let earlier = match (self, now) {
            (Rows::Even(_, t), Rows::Even(_, now)) => t <= now,
            (Rows::Even(_, t), Rows::Each(now)) => now.iter().all(|now| t <= now),
            (Rows::Each(ages), Rows::Each(now)) => ages.iter().zip(now).all(|(t, now)| t <= now),
            (Rows::Each(_), Rows::Even(..)) => false, // rows that once differed do so for ever
        };
        earlier && self.count() == now.count()
    }

    /// From `old` rows to `new` ones, of age 0, at the end of each of `blocks` equal blocks.
    fn grow(&mut self, old: usize, new: usize, blocks: usize) {
        if let Rows::Even(count, 0) = self {
            *count = new;
            return;
        }
        let (was, is) = (old / blocks, new / blocks);
        let age = |row: usize| if row % is < was { self.of(row / is * was + row % is) } else { 0 };
        *self = Rows::Each((0..new).map(age).collect());
    }

    /// The age of each row, spelled out.
    fn each(&mut self) -> &mut Vec<u64> {
        if let Rows::Even(count, t) = *self {
            *self = Rows::Each(vec![t; count]);
        }
        match self {
            Rows::Each(ages) => ages,
            Rows::Even(..) => unreachable!("spelled out above"),
        }
    }

    /// The age of a row.
    fn of(&self, row: usize) -> u64 {
        match self {
            Rows::Even(_, t) => *t,
            Rows::Each(ages) => ages[row],
        }
    }
}

/// The stretches of one age of a row of age `t` that lies in θ from `start` on.
fn stretches(columns: &[(usize, Rows)], row: usize, t: u64, start: usize, visit: &mut impl FnMut(Range<usize>, u64)) {
    let (mut from, mut to, mut age) = (0, 0, 0);
    for (end, when_they_came) in columns {
        let of_these = t - when_they_came.of(row);
        if of_these != age && to > from {
            visit(start + from..start + to, age);
            from = to;
        }
        (to, age) = (*end, of_these);
    }
    if to > from {
        visit(start + from..start + to, age);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thalweg_autograd::Params;

    /// One digit after the other is replaced: what is read is refused, or every element of θ has an age.
    #[cfg(feature = "serde")]
    #[test]
    fn damage_is_refused_or_harmless() {
        let mut params = Params::<f64>::new();
        let w = params.add_stacked("w", 2, [4, 2], |_| 0.0);
        let mut ages = Ages::default();
        let update = |ages: &mut Ages, params: &Params<f64>, touched: Touched<'_>| {
            ages.align(params.layout());
            ages.update(0, params.layout().entry(w), touched, |_, _| {});
        };
        update(&mut ages, &params, Touched::All);
        params.grow(w, 1, 1, |_| 0.0);
        let even = ages.clone();
        update(&mut ages, &params, Touched::Rows(&[1, 3]));
        params.grow(w, 1, 2, |_| 0.0);
        update(&mut ages, &params, Touched::All);
        let (mut refused, mut read) = (0, 0);
        for text in [even, ages].map(|ages| serde_json::to_string(&ages).expect("plain data")) {
            let digits = |place: usize| (b'0'..=b'9').map(move |digit| (place, digit));
            for (place, digit) in
                (0..text.len()).filter(|&place| text.as_bytes()[place].is_ascii_digit()).flat_map(digits)
            {
                let mut bytes = text.clone().into_bytes();
                bytes[place] = digit;
                let Ok(mut ages) = serde_json::from_slice::<Ages>(&bytes) else {
                    refused += 1;
                    continue;
                };
                read += 1;
                for touched in [Touched::All, Touched::Rows(&[0, 3]), Touched::All] {
                    update(&mut ages, &params, touched);
                    let (mut visited, entry) = (0, params.layout().entry(w));
                    ages.each(0, entry, |range, _| visited += range.len());
                    assert_eq!(visited, entry.shape().len());
                }
            }
        }
        assert!(refused > 50 && read > 50, "{refused} {read}");
    }

    proptest! {
        /// Against the definition: an element's age is the number of updates that touched its row since it was there.
        #[test]
        fn ages_count_the_updates_of_each_element(
            events in prop::collection::vec((0u8..4, 0usize..3), 1..40), blocks in prop_oneof![Just(1), Just(2), Just(4)]
        ) {
            let mut params = Params::<f64>::new();
            let w = params.add_stacked("w", blocks, [4, 2], |_| 0.0);
            let mut ages = Ages::default();
            let mut truth = params.clone(); // the true age of each element, laid out like θ
            for (kind, n) in events {
                match kind {
                    0 => { params.grow(w, 0, n, |_| 0.0); truth.grow(w, 0, n, |_| 0.0); }
                    1 => { params.grow(w, 1, n, |_| 0.0); truth.grow(w, 1, n, |_| 0.0); }
                    _ => {
                        ages.align(params.layout());
                        let entry = params.layout().entry(w).clone();
                        let (rows, width) = entry.table();
                        let some = [(n % rows) as u32];
                        let touched = if kind == 2 { Touched::All } else { Touched::Rows(&some) };
                        let hit = if kind == 2 { 0..rows } else { n % rows..n % rows + 1 };
                        hit.clone().for_each(|r| truth.of_mut(w)[r * width..][..width].iter_mut().for_each(|t| *t += 1.0));
                        let mut visited = 0;
                        ages.update(0, &entry, touched, |range, t| {
                            visited += range.len();
                            let offset = range.start - entry.range().start;
                            truth.of(w)[offset..offset + range.len()].iter().for_each(|&a| assert_eq!(a, t as f64));
                        });
                        prop_assert_eq!(visited, hit.len() * width);
                    }
                }
            }
        }
    }
}
