//! How far a prediction goes when its loss pulls at it for a while, in closed form.

/// A loss of one prediction p and its label y, and where p goes along its slope: the solution of
///
/// ```text
/// dp/dh = −∂ℓ(p, y)/∂p
/// ```
///
/// A gradient step replaces the curve by its tangent, and overshoots where the curve bends. The solution does not: p never
/// passes y. And to go for h and then for k is to go for h + k, so an example of weight 2 is one that comes twice.
///
/// Source: Karampatziakis & Langford 2011, "Online importance weight aware updates", table 1.
///
/// ```
/// use thalweg_online::optim::Curve;
///
/// let once = Curve::Squared { label: 5.0 }.moved(2.0, 0.3);
/// let twice = once + Curve::Squared { label: 5.0 }.moved(2.0 + once, 0.3);
/// assert!((twice - Curve::Squared { label: 5.0 }.moved(2.0, 0.6)).abs() < 1e-12);
/// assert!((Curve::Squared { label: 5.0 }.moved(2.0, 1e9) - 3.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Curve {
    /// `(p − y)²`
    Squared {
        /// y.
        label: f64,
    },
    /// `ln(1 + e^(−yp))`, p a logit.
    Logistic {
        /// y, −1 or 1.
        label: f64,
    },
    /// `max(0, 1 − yp)`
    Hinge {
        /// y, −1 or 1.
        label: f64,
    },
    /// `τ (y − p)` where p is below y, else `(1 − τ) (p − y)`.
    Quantile {
        /// y.
        label: f64,
        /// τ.
        tau: f64,
    },
    /// `eᵖ − yp`, p the logarithm of a rate.
    Poisson {
        /// y, from 0.
        label: f64,
    },
}

impl Curve {
    /// ℓ(p, y).
    #[must_use]
    pub fn loss(self, p: f64) -> f64 {
        match self {
            Curve::Squared { label: y } => (p - y) * (p - y),
            Curve::Logistic { label: y } => softplus(-y * p),
            Curve::Hinge { label: y } => (1.0 - y * p).max(0.0),
            Curve::Quantile { label: y, tau } => (tau * (y - p)).max((1.0 - tau) * (p - y)),
            Curve::Poisson { label: y } => p.exp() - y * p,
        }
    }

    /// `−∂ℓ(p, y)/∂p`; 0 where the loss has a corner and p is at its least.
    #[must_use]
    pub fn pull(self, p: f64) -> f64 {
        match self {
            Curve::Squared { label: y } => 2.0 * (y - p),
            Curve::Logistic { label: y } => y / (1.0 + (y * p).exp()),
            Curve::Hinge { label: y } => {
                if y * p < 1.0 {
                    y
                } else {
                    0.0
                }
            }
            Curve::Quantile { label: y, .. } if p == y => 0.0,
            Curve::Quantile { label: y, tau } => {
                if p < y {
                    tau
                } else {
                    tau - 1.0
                }
            }
            Curve::Poisson { label: y } => y - p.exp(),
        }
    }

    /// `p(h) − p(0)`, of h from 0.
    #[must_use]
    pub fn moved(self, p: f64, h: f64) -> f64 {
        match self {
            // p(h) = y + (p − y) e^(−2h)
            Curve::Squared { label: y } => (p - y) * (-2.0 * h).exp_m1(),
            // The margin m = yp: dm/dh = 1/(1 + eᵐ), so that m + eᵐ grows by h.
            Curve::Logistic { label: y } => y * margin_gained(y * p, h),
            Curve::Hinge { label: y } => y * h.min((1.0 - y * p).max(0.0)),
            Curve::Quantile { label: y, tau } => {
                if p < y {
                    (tau * h).min(y - p)
                } else {
                    -((1.0 - tau) * h).min(p - y)
                }
            }
            // q = e^(−p): dq/dh = 1 − yq.
            Curve::Poisson { label: y } => {
                let (gone, left) = if y * h < 1e-12 { (h, 1.0) } else { (-(-y * h).exp_m1() / y, (-y * h).exp()) };
                -(p.exp() * gone + left).ln()
            }
        }
    }
}

/// The d ≥ 0 of `d + e^m (e^d − 1) = h`, by Newton's method: the left side is convex in d and grows at least as fast as d, so
/// from above it converges without a turn.
fn margin_gained(m: f64, h: f64) -> f64 {
    if h == 0.0 {
        return 0.0;
    }
    let m = m.min(700.0);
    let scale = m.exp();
    // Both bounds are above d: d ≤ h, and e^m (e^d − 1) ≤ h.
    let mut d = h.min(if h <= scale { (h / scale).ln_1p() } else { (scale + h).ln() - m });
    for _ in 0..60 {
        let grown = if d < 1.0 { scale * d.exp_m1() } else { (m + d).exp() - scale };
        let next = d - (d + grown - h) / (1.0 + (m + d).exp());
        if next >= d || next <= 0.0 {
            break;
        }
        d = next;
    }
    d
}

/// `ln(1 + eˣ)`
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curves() -> impl Strategy<Value = Curve> {
        let sign = prop_oneof![Just(-1.0), Just(1.0)];
        prop_oneof![
            (-5.0..5.0).prop_map(|label| Curve::Squared { label }),
            sign.clone().prop_map(|label| Curve::Logistic { label }),
            sign.prop_map(|label| Curve::Hinge { label }),
            (-5.0..5.0, 0.05..0.95).prop_map(|(label, tau)| Curve::Quantile { label, tau }),
            prop_oneof![Just(0.0), 0.0..8.0].prop_map(|label| Curve::Poisson { label }),
        ]
    }

    /// Where p is best, if anywhere.
    fn best(curve: Curve) -> f64 {
        match curve {
            Curve::Squared { label } | Curve::Quantile { label, .. } | Curve::Hinge { label } => label,
            Curve::Logistic { label } => label * f64::INFINITY,
            Curve::Poisson { label } => label.ln(),
        }
    }

    proptest! {
        #[test]
        fn to_go_twice_is_to_go_for_the_sum(curve in curves(), p in -5.0..5.0, h in 0.0..4.0, k in 0.0..4.0) {
            let once = curve.moved(p, h);
            let twice = once + curve.moved(p + once, k);
            let at_once = curve.moved(p, h + k);
            prop_assert!((twice - at_once).abs() < 1e-9, "{twice} {at_once}");
        }

        #[test]
        fn a_prediction_goes_towards_its_label_and_never_past_it(curve in curves(), p in -5.0..5.0, h in 0.0..1e6) {
            let (to, best) = (p + curve.moved(p, h), best(curve));
            let inside_margin = matches!(curve, Curve::Hinge { label } if label * p >= 1.0);
            if inside_margin {
                prop_assert_eq!(to, p);
            } else {
                prop_assert!((p.min(best) - 1e-9..=p.max(best) + 1e-9).contains(&to), "{} to {} beyond {}", p, to, best);
            }
            prop_assert!(curve.loss(to) <= curve.loss(p) + 1e-9);
        }

        #[test]
        fn a_short_way_is_a_gradient_step(curve in curves(), p in -3.0_f64..3.0) {
            prop_assume!((p - best(curve)).abs() > 1e-3);
            let h = 1e-7;
            prop_assert!((curve.moved(p, h) / h - curve.pull(p)).abs() < 1e-4 * (1.0 + curve.pull(p).powi(2)));
            let slope = (curve.loss(p + 1e-6) - curve.loss(p - 1e-6)) / 2e-6;
            prop_assert!((slope + curve.pull(p)).abs() < 1e-4, "{slope} {}", curve.pull(p));
        }
    }

    /// By hand, and by 10⁶ short steps.
    #[test]
    fn known_answers() {
        assert_eq!(Curve::Hinge { label: -1.0 }.moved(0.0, 0.25), -0.25);
        assert_eq!(Curve::Hinge { label: -1.0 }.moved(0.0, 7.0), -1.0);
        assert_eq!(Curve::Quantile { label: 2.0, tau: 0.25 }.moved(0.0, 4.0), 1.0);
        assert_eq!(Curve::Quantile { label: 2.0, tau: 0.25 }.moved(8.0, 4.0), -3.0);
        assert!((Curve::Squared { label: 1.0 }.moved(0.0, 2.0_f64.ln() / 2.0) - 0.5).abs() < 1e-15);
        for (curve, p, h) in [
            (Curve::Logistic { label: 1.0 }, -1.5, 3.0),
            (Curve::Logistic { label: -1.0 }, -1.5, 3.0),
            (Curve::Poisson { label: 3.0 }, 0.2, 0.7),
            (Curve::Poisson { label: 0.0 }, 0.2, 0.7),
        ] {
            let steps = 1_000_000;
            let mut walked = p;
            (0..steps).for_each(|_| walked += h / f64::from(steps) * curve.pull(walked));
            assert!((p + curve.moved(p, h) - walked).abs() < 1e-5, "{curve:?}");
        }
        for h in [0.0, 1e-300, 1e300] {
            assert!(Curve::Logistic { label: 1.0 }.moved(800.0, h).is_finite());
            assert!(Curve::Logistic { label: 1.0 }.moved(-800.0, h).is_finite());
        }
    }
}
