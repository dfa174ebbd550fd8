//! Bounds on the gradient.

use proptest::prelude::*;
use thalweg_autograd::Grads;
use thalweg_nn::{Adam, Group, Groups, Optimizer, Step, clip_norm, clip_value};
use thalweg_tensor::Rng;

use super::{Lawful, random_gradient, two_parameters, with};
use crate::support::bits;

proptest! {
    #[test]
    fn clip_norm_bounds_the_norm_and_keeps_the_direction(seed in any::<u64>(), max in 0.01..20.0f64) {
        let (params, handles, mut grads) = two_parameters();
        random_gradient(&params, handles, &mut grads, &mut Rng::new(seed));
        let mut before = grads.clone();
        let norm = clip_norm(&mut grads, max);
        prop_assert!((norm - before.as_slice().iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt()).abs() < 1e-5 * norm);
        prop_assert!((grads.norm() - norm.min(max)).abs() < 1e-5 * max.max(1.0));
        let factor = (max / norm).min(1.0);
        for (g, b) in grads.as_slice().iter().zip(before.as_slice()) {
            prop_assert!((f64::from(*g) - factor * f64::from(*b)).abs() <= 1e-6 * f64::from(b.abs()));
            prop_assert!(norm > max || g.to_bits() == b.to_bits(), "a short gradient is left alone");
        }
    }

    #[test]
    fn clip_value_bounds_each_element_and_leaves_the_others_alone(seed in any::<u64>(), max in 0.01..3.0f64) {
        let (params, handles, mut grads) = two_parameters();
        random_gradient(&params, handles, &mut grads, &mut Rng::new(seed));
        let mut before = grads.clone();
        clip_value(&mut grads, max);
        let max = max as f32;
        for (g, b) in grads.as_slice().iter().zip(before.as_slice()) {
            prop_assert_eq!(*g, if b.abs() > max { max.copysign(*b) } else { *b });
        }
    }
}

#[test]
fn clipping_does_not_hide_what_is_not_finite() {
    fn law(clip: impl Fn(&mut Grads)) {
        let (mut params, [vector, _], mut grads) = two_parameters();
        grads.of_mut(vector).copy_from_slice(&[1.0, f32::NAN, -9.0, 0.5, 2.0]);
        clip(&mut grads);
        assert!(grads.of(vector)[1].is_nan());
        assert_eq!(Adam::<f32>::new(0.1).step(&mut params, &mut grads), Step::Refused);
    }
    law(|grads| assert!(clip_norm(grads, 1.0).is_nan()));
    law(|grads| clip_value(grads, 1.0));
}

/// A frozen group's gradient neither counts in the norm nor is stepped.
#[test]
fn clipping_counts_what_will_be_stepped() {
    fn law(mut optimizer: impl Lawful) {
        let (params, [vector, table], mut grads) = two_parameters();
        optimizer.set_groups(Groups::from([Group::of("table").frozen()]));
        grads.of_mut(vector).copy_from_slice(&[3.0, 4.0, 0.0, 0.0, 0.0]);
        grads.of_mut(table).fill(1e6);
        assert_eq!(optimizer.clip_norm(&mut grads, 10.0), 5.0);
        assert_eq!(grads.of(vector), [3.0, 4.0, 0.0, 0.0, 0.0]);
        assert!(grads.of(table).iter().all(|&g| g == 0.0));
        grads.of_mut(table).fill(f32::NAN);
        assert_eq!(optimizer.clip_norm(&mut grads, 1.0), 5.0);
        let (mut clipped, mut plain) = (params.clone(), params.clone());
        let mut twin = with(optimizer.clone(), |o| o.set_groups(Groups::default()));
        let mut twin_grads = Grads::like(&params);
        twin_grads.of_mut(vector).copy_from_slice(grads.of(vector));
        assert!((twin_grads.norm() - 1.0).abs() < 1e-6);
        assert_eq!(optimizer.step(&mut clipped, &mut grads), Step::Taken);
        assert_eq!(twin.step(&mut plain, &mut twin_grads), Step::Taken);
        assert_eq!(bits(clipped.of(vector)), bits(plain.of(vector)));
    }
    super::for_every_optimizer!(law);
}

#[test]
#[should_panic(expected = "clip_norm: a bound of at least 0 expected, found NaN")]
fn clipping_panics_on_a_bound_that_is_none() {
    let (_, _, mut grads) = two_parameters();
    clip_norm(&mut grads, f64::NAN);
}
