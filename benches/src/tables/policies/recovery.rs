//! How many rows behind a change a learner is back.

/// The accuracy now is that of so many of the last rows.
pub const RECENT: usize = 200;
/// What is to be reached is measured over so many rows.
pub const REFERENCE: usize = 1000;
/// So many of them less are near enough: two points.
const TOLERANCE: usize = 20;

/// A learner's answers to the rows of a stream: whether each was right.
pub type Right = [bool];

fn count(right: &Right) -> usize {
    right.iter().filter(|&&right| right).count()
}

/// The part of `right` between a change and where the next begins.
fn concept(right: &Right, change: usize, rows: usize) -> &Right {
    &right[change..change + rows]
}

/// What can be reached: how many of the last [`REFERENCE`] rows of a concept the best of several has right.
pub fn reachable<'a>(all: impl Iterator<Item = &'a Right>, change: usize, rows: usize) -> usize {
    all.map(|right| count(&concept(right, change, rows)[rows - REFERENCE..])).max().unwrap_or(0)
}

/// How many rows behind a change the last [`RECENT`], all of them behind it, are for the first time within two points of what
/// is `reachable`. `None` if not within the `rows` of the concept.
pub fn recovery(right: &Right, change: usize, rows: usize, reachable: usize) -> Option<usize> {
    let right = concept(right, change, rows);
    let mut recent = count(&right[..RECENT]);
    (RECENT..=rows).find(|&row| {
        if row > RECENT {
            recent += usize::from(right[row - 1]);
            recent -= usize::from(right[row - 1 - RECENT]);
        }
        recent * (REFERENCE / RECENT) + TOLERANCE >= reachable
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_tensor::Rng;

    /// Right in so many per cent of rows, spread evenly, from a change at 100 to `until`; then always.
    fn answers(percent: usize, until: usize) -> Vec<bool> {
        (0..100).map(|_| true).chain((0..4000).map(|k| k >= until || k * percent % 100 < percent)).collect()
    }

    #[test]
    fn who_never_fell_is_back_as_soon_as_it_can_be_known() {
        let right = answers(100, 0);
        assert_eq!(reachable([&right[..]].into_iter(), 100, 4000), 1000);
        assert_eq!(recovery(&right, 100, 4000, 1000), Some(RECENT));
    }

    #[test]
    fn two_points_are_near_enough() {
        // Half of the rows are right up to the 600th: 196 of 200 are when 192 of them are behind that.
        assert_eq!(recovery(&answers(50, 600), 100, 4000, 1000), Some(792));
        assert_eq!(recovery(&answers(98, 4000), 100, 4000, 1000), Some(RECENT));
        assert_eq!(recovery(&answers(97, 4000), 100, 4000, 1000), None);
        assert_eq!(recovery(&answers(97, 4000), 100, 4000, 990), Some(RECENT));
    }

    #[test]
    fn what_was_before_the_change_and_comes_behind_the_concept_does_not_count() {
        let mut right = answers(0, 4000);
        right[..100].fill(true);
        right[3100..].fill(true);
        assert_eq!(recovery(&right, 100, 3000, 1000), None);
        assert_eq!(recovery(&right, 100, 4000, 1000), Some(3196));
    }

    #[test]
    fn the_best_says_what_can_be_reached() {
        let [worse, better] = [answers(70, 4000), answers(90, 4000)];
        assert_eq!(reachable([&worse[..], &better[..]].into_iter(), 100, 4000), 900);
    }

    /// The window is counted anew at every row, and of five windows one is as good as all.
    #[test]
    fn the_best_is_always_back_at_the_first_row_that_is_good_enough() {
        let mut rng = Rng::new(7);
        for rows in 1290..1390 {
            let right: Vec<bool> = (0..rows + 10).map(|_| rng.uniform() < 0.5).collect();
            let reachable = reachable([&right[..]].into_iter(), 10, rows);
            let found = recovery(&right, 10, rows, reachable).expect("it is back");
            let is_back = |row: usize| 5 * count(&right[10 + row - RECENT..10 + row]) + 20 >= reachable;
            assert!(is_back(found) && !(RECENT..found).any(is_back), "{rows}");
        }
    }
}
