//! Means over seeds, and how sure they are.

/// The mean; NaN of none.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Its standard error, √(Σ (xᵢ − x̄)² / (n − 1) / n); NaN of fewer than two.
pub fn standard_error(values: &[f64]) -> f64 {
    let (n, mean) = (values.len() as f64, mean(values));
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    if values.len() < 2 { f64::NAN } else { (squares / (n - 1.0) / n).sqrt() }
}

/// The mean with so many digits behind the point, and its standard error if there are several.
pub fn summary(values: &[f64], digits: usize) -> String {
    let mean = mean(values);
    if values.len() < 2 {
        format!("{mean:.digits$}")
    } else {
        format!("{mean:.digits$} ± {:.digits$}", standard_error(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_that_of_the_mean() {
        let values = [2.0, 4.0, 4.0, 6.0]; // squares of 8 around 4
        assert_eq!((mean(&values), standard_error(&values)), (4.0, (8.0_f64 / 3.0 / 4.0).sqrt()));
        assert!(mean(&[]).is_nan() && standard_error(&[1.0]).is_nan());
        assert_eq!(standard_error(&[3.0, 3.0]), 0.0);
    }

    #[test]
    fn one_value_has_no_error() {
        assert_eq!(summary(&[2.0, 4.0, 4.0, 6.0], 2), "4.00 ± 0.82");
        assert_eq!(summary(&[2.0], 1), "2.0");
    }
}
