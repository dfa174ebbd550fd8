//! Two classes in turn.

use serde::{Deserialize, Serialize};

/// Lets rows of class 1 and of class 0 pass in turn, or any row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Balance {
    on: bool,
    next: usize,
}

impl Balance {
    pub(super) fn new(on: bool) -> Self {
        Balance { on, next: 1 }
    }

    /// Draws rows until one may pass. `draw` adds features and returns their class.
    pub(super) fn pass(&mut self, x: &mut Vec<f64>, mut draw: impl FnMut(&mut Vec<f64>) -> usize) -> f64 {
        let before = x.len();
        loop {
            let class = draw(x);
            if !self.on || class == self.next {
                self.next = 1 - class.min(1);
                return class as f64;
            }
            x.truncate(before);
        }
    }
}
