//! Whether one of two models that met the same rows is better, or was lucky.
//!
//! | task | test | of |
//! |---|---|---|
//! | classes | [`mcnemar`] | the rows that one of the two got right, and not the other |
//! | numbers | [`diebold_mariano`] | the differences of their absolute errors |
//!
//! Both are two-sided: *p* is how often a difference as large as this one, or larger, comes about if there is none. McNemar's
//! test takes the rows for independent of each other; on a stream whose errors come in bursts its *p* is too small.

use thalweg_tensor::Real;

/// What a test found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    /// The test: `mcnemar_exact`, `mcnemar` or `diebold_mariano`.
    pub name: &'static str,
    /// The statistic; of the exact test, the smaller of the two counts.
    pub statistic: f64,
    /// From 0 to 1. Below 10⁻¹⁵ it is as good as 0.
    pub p: f64,
    /// Over how many rows autocorrelation was reckoned with.
    pub lag: Option<usize>,
}

/// With fewer disagreements than this the distribution is computed exactly.
const FEW: u64 = 25;

/// McNemar's test (1947): `b` rows that only the first model got right, and `c` that only the second did.
///
/// ```text
///   b + c ≥ 25   χ² = (max(|b − c| − 1, 0))² / (b + c)     one degree of freedom, Edwards' continuity correction (1948)
///   b + c < 25   p = min(1, 2 Σₖ (b+c choose k) / 2^(b+c)),  k = 0 … min(b, c)
/// ```
///
/// ```
/// use thalweg_online::paired::mcnemar;
///
/// assert_eq!(mcnemar(1, 5).p, 2.0 * (1.0 + 6.0) / 64.0);
/// assert!((mcnemar(121, 59).p - 5.45e-6).abs() < 1e-7);
/// ```
#[must_use]
pub fn mcnemar(b: u64, c: u64) -> Test {
    let (n, fewer) = (b + c, b.min(c));
    if n < FEW {
        let (mut term, mut sum) = (1.0, 0.0);
        for k in 0..=fewer {
            sum += term;
            term *= (n - k) as f64 / (k + 1) as f64;
        }
        let p = (2.0 * sum / 2.0_f64.powi(n as i32)).min(1.0);
        return Test { name: "mcnemar_exact", statistic: fewer as f64, p, lag: None };
    }
    let difference = (b.abs_diff(c) as f64 - 1.0).max(0.0);
    let statistic = difference * difference / n as f64;
    Test { name: "mcnemar", statistic, p: two_sided(statistic.sqrt()), lag: None }
}

/// Diebold and Mariano's test (1995) of `differences` between the losses of two models, row by row in their order.
///
/// ```text
///   S = d̄ / √(V / n),   V = γ₀ + 2 Σₖ (1 − k/(L+1)) γₖ,  k = 1 … L,   γₖ = 1/n Σₜ (dₜ − d̄)(dₜ₋ₖ − d̄)
/// ```
///
/// Bartlett's weights keep V from being negative (Newey & West 1987). The lag L is ⌊4 (n/100)^(2/9)⌋, their rule of thumb
/// (1994), but at least `at_least`, and less than n. S is normal for n many times as large as L; where L is no small part of n,
/// too few rows are left to tell the scatter of the mean, and the test says little.
///
/// **Late labels.** Of rows that were predicted before one and the same label came, the errors go together: so many rows apart,
/// they may depend on each other. Hence `at_least` is the largest number of rows that were
/// [out at once](crate::Prequential::most_waiting): the delay, where it is one of rows; the horizon of forecasts; and, where
/// the delay is a time or that of a column, what it came to.
#[must_use]
pub fn diebold_mariano(differences: &[f64], at_least: usize) -> Test {
    let n = differences.len();
    let rule = (4.0 * (n as f64 / 100.0).powf(2.0 / 9.0)).floor() as usize;
    let lag = rule.max(at_least).min(n.saturating_sub(1));
    let mean = differences.iter().sum::<f64>() / n as f64;
    let covariance = |k: usize| {
        let pairs = differences[k..].iter().zip(differences);
        pairs.map(|(d, earlier)| (d - mean) * (earlier - mean)).sum::<f64>() / n as f64
    };
    let weight = |k: usize| 1.0 - k as f64 / (lag + 1) as f64;
    let later: f64 = (1..=lag).map(|k| weight(k) * covariance(k)).sum();
    let (statistic, p) = match n {
        0 => (0.0, 1.0),
        _ if mean == 0.0 => (0.0, 1.0),
        _ => {
            let statistic = mean / ((covariance(0) + 2.0 * later).max(0.0) / n as f64).sqrt();
            (statistic, two_sided(statistic.abs()))
        }
    };
    Test { name: "diebold_mariano", statistic, p, lag: Some(lag) }
}

/// How often a standard normal number is at least so far from 0.
fn two_sided(z: f64) -> f64 {
    (1.0 - Real::erf(z / std::f64::consts::SQRT_2)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_disagreements_are_counted_exactly() {
        assert_eq!((mcnemar(0, 0).p, mcnemar(3, 3).p, mcnemar(0, 1).p), (1.0, 1.0, 1.0));
        assert_eq!(mcnemar(0, 6), mcnemar(6, 0));
        assert_eq!((mcnemar(0, 6).p, mcnemar(0, 6).name), (2.0 / 64.0, "mcnemar_exact"));
        let (exact, approximate) = (mcnemar(6, 18).p, two_sided((11.0_f64 * 11.0 / 24.0).sqrt()));
        assert!((exact - approximate).abs() < 0.003, "{exact} {approximate}");
    }

    #[test]
    fn chi_squared_is_that_of_the_tables() {
        // The 95 % point of χ² with one degree of freedom is 3.841459, the 99 % point 6.634897.
        for (statistic, p) in [(3.841_458_820_694_124_f64, 0.05), (6.634_896_601_021_214, 0.01)] {
            assert!((two_sided(statistic.sqrt()) - p).abs() < 1e-12);
        }
        assert_eq!(mcnemar(50, 50), Test { name: "mcnemar", statistic: 0.0, p: 1.0, lag: None });
        assert_eq!(mcnemar(10, 40).statistic, 29.0 * 29.0 / 50.0);
    }

    #[test]
    fn differences_are_weighed_by_their_scatter() {
        // n = 4, so that L = ⌊4·0.04^(2/9)⌋ = 1: d̄ = 1, γ₀ = 5/2, γ₁ = −2, V = 5/2 − 2.
        let test = diebold_mariano(&[2.0, -1.0, 3.0, 0.0], 0);
        assert_eq!((test.lag, test.statistic), (Some(1), 1.0 / (0.5_f64 / 4.0).sqrt()));
        assert_eq!(diebold_mariano(&[2.0, -1.0, 3.0, 0.0], 3).lag, Some(3));
        assert_eq!((diebold_mariano(&[], 0).p, diebold_mariano(&[0.0; 9], 0).p), (1.0, 1.0));
        let swapped = diebold_mariano(&[-2.0, 1.0, -3.0, 0.0], 0);
        assert_eq!((swapped.statistic, swapped.p), (-test.statistic, test.p));
    }
}
