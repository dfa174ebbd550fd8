//! The check at the end of a table.

/// What a table must show, and whether it does.
#[derive(Clone, Debug, Default)]
pub struct Gates(Vec<(String, bool)>);

impl Gates {
    /// A gate: what must be, and whether it is.
    pub fn check(&mut self, what: impl Into<String>, is_passed: bool) {
        self.0.push((what.into(), is_passed));
    }

    /// Prints every gate, and says whether all were passed. A table without a gate passes none.
    #[must_use]
    pub fn report(&self) -> bool {
        println!();
        for (what, is_passed) in &self.0 {
            println!("{} {what}", if *is_passed { "pass" } else { "FAIL" });
        }
        !self.0.is_empty() && self.0.iter().all(|(_, is_passed)| *is_passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_fails_fails_all() {
        let mut gates = Gates::default();
        assert!(!gates.report());
        gates.check("true", true);
        assert!(gates.report());
        gates.check("false", false);
        assert!(!gates.report());
    }
}
