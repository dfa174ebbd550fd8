use super::*;
use proptest::prelude::*;
use thalweg_autograd::{Param, Touched};

/// θ of two elements and a frozen one, and importances of all.
fn held(theta: [f64; 2], omega: [f64; 2]) -> (Params<f64>, Param, Flat<f64>) {
    let mut params = Params::<f64>::new();
    let w = params.add("w", [2], |i| theta[i]);
    let frozen = params.add("frozen", [1], |_| 5.0);
    params.set_trainable(frozen, false);
    let mut importance = Flat::like(&params);
    importance.of_mut(w).copy_from_slice(&omega);
    importance.of_mut(frozen).fill(100.0);
    (params, w, importance)
}

#[test]
fn by_hand() {
    let (mut params, w, importance) = held([1.0, -1.0], [3.0, 0.5]);
    let frozen = params.find("frozen").expect("it was added");
    let mut penalty = Penalty::new(2.0);
    let mut grads = Grads::like(&params);
    penalty.add_to(&params, &mut grads);
    assert_eq!((penalty.value(&params), grads.touched(w)), (0.0, Touched::Nothing), "nothing is held yet");
    penalty.replace(&params, &importance, 1.0);
    params.of_mut(w).copy_from_slice(&[2.0, 3.0]);
    params.of_mut(frozen).fill(9.0);
    assert_eq!(penalty.value(&params), 2.0 * 0.5 * (3.0 * 1.0 + 0.5 * 16.0));
    grads.of_mut(w).fill(100.0);
    penalty.add_to(&params, &mut grads);
    assert_eq!(grads.of(w), [100.0 + 2.0 * 3.0 * 1.0, 100.0 + 2.0 * 0.5 * 4.0], "it adds");
    assert_eq!(grads.touched(frozen), Touched::Nothing);
    penalty.replace(&params, &importance, 0.5); // online: one anchor, the last
    assert_eq!((penalty.importance().of(w), penalty.anchor().of(w)), (&[4.5, 0.75][..], &[2.0, 3.0][..]));
    assert_eq!(penalty.value(&params), 0.0);
}

#[test]
fn what_grows_is_free_and_what_was_there_stays_held() {
    let mut params = Params::<f64>::new();
    let w = params.add("w", [2, 2], |i| i as f64);
    let mut importance = Flat::like(&params);
    importance.of_mut(w).copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
    let mut penalty = Penalty::new(1.0);
    penalty.add_term(&params, &importance);
    params.grow(w, 1, 1, |_| 7.0);
    let late = params.add("late", [2], |_| 8.0);
    let mut grads = Grads::like(&params);
    params.of_mut(w).iter_mut().for_each(|x| *x += 1.0);
    penalty.add_to(&params, &mut grads);
    assert_eq!(grads.of(w), [1.0, 2.0, 0.0, 3.0, 4.0, 0.0]);
    assert_eq!(grads.touched(late), Touched::Nothing);
    assert_eq!(penalty.value(&params), 5.0);
    assert_eq!(penalty.anchor().of(late), [8.0, 8.0]);
    penalty.hold_all(&params);
    assert_eq!(penalty.importance().of(late), [1.0, 1.0]);
}

#[test]
fn however_strong_a_pull_ends_at_the_anchor() {
    let (mut params, w, importance) = held([1.0, -1.0], [3.0, 0.0]);
    for (strength, expected) in [(2.0, 1.0 + 4.0 / 4.0), (1e300, 1.0), (0.0, 5.0)] {
        let mut penalty = Penalty::new(strength);
        params.of_mut(w).copy_from_slice(&[1.0, -1.0]);
        penalty.replace(&params, &importance, 1.0);
        params.of_mut(w).copy_from_slice(&[5.0, 0.1]);
        penalty.pull(&mut params, 0.5);
        assert_eq!(params.of(w), [expected, 0.1], "λ = {strength}");
    }
    // However large the product with the rate is, what is free stays, to the bit.
    let mut single = params.cast::<f32>();
    let (mut strong, mut first) = (Penalty::<f32>::new(1e38), Flat::like(&single));
    first.of_mut(w)[0] = 1.0;
    strong.replace(&single, &first, 1.0);
    let anchor = single.of(w)[0];
    single.of_mut(w).copy_from_slice(&[7.0, 0.3]);
    strong.pull(&mut single, 1e30);
    assert_eq!(single.of(w), [anchor, 0.3]);

    // By gradient steps, at a rate that is stable: λ → ∞ pins θ, whatever else pulls at it.
    let (mut penalty, mut grads) = (Penalty::new(1e6), Grads::like(&params));
    params.of_mut(w).copy_from_slice(&[1.0, -1.0]);
    penalty.replace(&params, &importance, 1.0);
    for _ in 0..50 {
        grads.of_mut(w).fill(1.0);
        penalty.add_to(&params, &mut grads);
        grads.apply(-1.0 / 3e6, params.theta_mut());
    }
    assert!((params.of(w)[0] - 1.0).abs() < 1e-6, "held: {:?}", params.of(w));
    assert!((params.of(w)[1] + 1.0 + 50.0 / 3e6).abs() < 1e-12, "free: {:?}", params.of(w));
}

#[test]
fn a_damaged_penalty_is_not_read() {
    let (params, w, mut importance) = held([1.0, 2.0], [3.0, 4.0]);
    let read = |penalty: &Penalty<f64>| {
        let text = serde_json::to_string(penalty).expect("plain data");
        serde_json::from_str::<Penalty<f64>>(&text).ok()
    };
    let mut penalty = Penalty::new(1.0);
    penalty.add_term(&params, &importance);
    assert_eq!(read(&penalty).as_ref(), Some(&penalty));
    assert_eq!(read(&Penalty { anchor: Flat::default(), ..penalty.clone() }), None);
    assert_eq!(read(&Penalty { strength: -1.0, ..penalty.clone() }), None);
    assert_eq!(read(&Penalty { constant: -1.0, ..penalty.clone() }), None);
    importance.of_mut(w)[0] = -1.0;
    assert_eq!(read(&Penalty { importance, ..penalty }), None);
}

proptest! {
    /// Σₖ ½ Fₖ (θ − θₖ)² kept as one quadratic is the sum, to rounding, and so is its gradient; by differences, too.
    #[test]
    fn a_sum_of_quadratics_is_one(
        terms in prop::collection::vec((prop::array::uniform2(-3.0..3.0_f64), prop::array::uniform2(0.0..5.0_f64)), 1..8),
        at in prop::array::uniform2(-3.0..3.0_f64),
        none in any::<bool>(),
    ) {
        let mut penalty = Penalty::new(1.5);
        for (theta, mut omega) in terms.clone() {
            omega[1] *= f64::from(u8::from(!none));
            let (params, _, importance) = held(theta, omega);
            penalty.add_term(&params, &importance);
        }
        let (mut params, w, _) = held(at, [0.0; 2]);
        let direct = |at: [f64; 2]| -> f64 {
            let element = |i: usize, omega: f64, theta: f64| 0.5 * omega * (at[i] - theta).powi(2);
            let second = f64::from(u8::from(!none));
            1.5 * terms.iter().map(|(t, f)| element(0, f[0], t[0]) + second * element(1, f[1], t[1])).sum::<f64>()
        };
        prop_assert!((penalty.value(&params) - direct(at)).abs() < 1e-9);
        let mut grads = Grads::like(&params);
        penalty.add_to(&params, &mut grads);
        for i in 0..2 {
            let mut ends = [-1e-5, 1e-5].map(|step| {
                params.of_mut(w).copy_from_slice(&at);
                params.of_mut(w)[i] += step;
                penalty.value(&params)
            });
            ends[1] -= ends[0];
            prop_assert!((grads.of(w)[i] - ends[1] / 2e-5).abs() < 1e-5);
        }
    }
}
