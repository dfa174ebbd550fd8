//! What the rows of a generator obey, by the papers and, where that differs, in River.

use proptest::prelude::*;
use thalweg_online::synth::{
    Agrawal, AgrawalOptions, Example, Generator, Hyperplane, HyperplaneOptions, Mixed, MixedOptions, Mv, MvOptions,
    Planes, PlanesOptions, Rbf, RbfOptions, Sea, SeaOptions, Seed, Sine, SineOptions, Stagger, StaggerOptions, Synth,
    Tree, TreeOptions,
};

const ROWS: usize = 400;

/// Rows of a generator, and the target that a generator with another seed would give to each.
fn check<G: Generator + Clone + Into<Synth>>(generator: &G, answer: impl Fn(&[f64]) -> f64) {
    let mut stream: Synth = generator.clone().into();
    let mut example = Example::new();
    for row in 0..ROWS {
        stream.next_row(&mut example);
        assert_eq!(example.y(), answer(example.x()), "{generator}: row {row}: {:?}", example.x());
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[test]
fn sea_labels_are_a_function_of_x() {
    for (variant, threshold) in [(0, 8.0), (1, 9.0), (2, 7.0), (3, 9.5)] {
        for seed in [Seed::new(1), Seed::river(1)] {
            let sea = Sea::new(SeaOptions { variant, noise: 0.0 }, seed).expect("good options");
            check(&sea, |x| truth(x[0] + x[1] > threshold));
        }
    }
}

#[test]
fn stagger_labels_are_a_function_of_x() {
    for (function, balance) in [(0, true), (1, false), (2, true)] {
        let stagger = Stagger::new(StaggerOptions { function, balance }, Seed::new(1)).expect("good options");
        check(&stagger, |x| match function {
            0 => truth(x[0] == 0.0 && x[1] == 0.0),
            1 => truth(x[1] == 2.0 || x[2] == 0.0),
            _ => truth(x[0] > 0.0),
        });
    }
}

fn wave(x: f64) -> f64 {
    0.5 + 0.3 * (3.0 * std::f64::consts::PI * x).sin()
}

/// River looks at x₀ where the paper has x₁.
#[test]
fn sine_labels_are_a_function_of_x() {
    for function in 0..4 {
        for seed in [Seed::new(1), Seed::river(1)] {
            let options = SineOptions { function, balance: false, irrelevant: true };
            let sine = Sine::new(options, seed).expect("good options");
            let [right, up] = if seed == Seed::new(1) { [0, 1] } else { [1, 0] };
            check(&sine, |x| match function {
                0 => truth(x[up] < x[right].sin()),
                1 => truth(x[up] >= x[right].sin()),
                2 => truth(x[up] < wave(x[right])),
                _ => truth(x[up] >= wave(x[right])),
            });
        }
    }
}

/// River's function 0 is the paper's negation.
#[test]
fn mixed_labels_are_a_function_of_x() {
    for function in 0..2 {
        for (seed, positive) in [(Seed::new(1), 0), (Seed::river(1), 1)] {
            let mixed = Mixed::new(MixedOptions { function, balance: false }, seed).expect("good options");
            check(&mixed, |x| truth((x[0] + x[1] + truth(x[3] < wave(x[2])) >= 2.0) == (function == positive)));
        }
    }
}

/// Group A by the paper, written out.
fn group_a(function: usize, x: &[f64]) -> bool {
    let &[salary, commission, age, elevel, _, _, hvalue, hyears, loan] = x else { panic!("nine attributes") };
    let between = |amount: f64, low: f64, high: f64| low * 1e3 <= amount && amount <= high * 1e3;
    let by_age = |young: bool, middle: bool, old: bool| match age {
        age if age < 40.0 => young,
        age if age < 60.0 => middle,
        _ => old,
    };
    let educated = by_age(elevel <= 1.0, (1.0..=3.0).contains(&elevel), elevel >= 2.0);
    let earns =
        |salary| by_age(between(salary, 50.0, 100.0), between(salary, 75.0, 125.0), between(salary, 25.0, 75.0));
    let two_thirds = 2.0 * (salary + commission) / 3.0;
    match function {
        0 => !(40.0..60.0).contains(&age),
        1 => earns(salary),
        2 => educated,
        3 if educated => {
            by_age(between(salary, 25.0, 75.0), between(salary, 50.0, 100.0), between(salary, 50.0, 100.0))
        }
        3 => by_age(between(salary, 50.0, 100.0), between(salary, 75.0, 125.0), between(salary, 25.0, 75.0)),
        4 if earns(salary) => {
            by_age(between(loan, 100.0, 300.0), between(loan, 200.0, 400.0), between(loan, 300.0, 500.0))
        }
        4 => by_age(between(loan, 200.0, 400.0), between(loan, 300.0, 500.0), between(loan, 100.0, 300.0)),
        5 => earns(salary + commission),
        6 => two_thirds - 0.2 * loan - 20e3 > 0.0,
        7 => two_thirds - 5e3 * elevel - 20e3 > 0.0,
        8 => two_thirds - 5e3 * elevel - 0.2 * loan - 10e3 > 0.0,
        _ => two_thirds - 5e3 * elevel + 0.2 * (0.1 * hvalue * (hyears - 20.0).max(0.0)) - 10e3 > 0.0,
    }
}

#[test]
fn agrawal_labels_are_a_function_of_x() {
    for function in 0..10 {
        let options = AgrawalOptions { function, ..AgrawalOptions::default() };
        let agrawal = Agrawal::new(options, Seed::new(1)).expect("good options");
        check(&agrawal, |x| truth(!group_a(function, x)));
        let balanced = Agrawal::new(AgrawalOptions { balance: true, ..options }, Seed::new(1)).expect("good options");
        check(&balanced, |x| truth(!group_a(function, x)));
    }
}

/// In River, class 1 is group A up to function 5; function 4 asks for salaries that nobody has.
#[test]
fn agrawal_of_river_differs_from_the_paper() {
    let label = |function, seed, x: &[f64]| {
        Agrawal::new(AgrawalOptions { function, ..AgrawalOptions::default() }, seed).expect("good options").label(x)
    };
    let young = [30_000.0, 20_000.0, 25.0, 0.0, 1.0, 0.0, 1e6, 5.0, 250_000.0];
    assert_eq!([label(0, Seed::new(1), &young), label(0, Seed::river(1), &young)], [0, 1]);
    assert_eq!([label(6, Seed::new(1), &young), label(6, Seed::river(1), &young)], [1, 1]);
    // The paper: in group A by the loan. River: not, for want of a salary of 200 000.
    assert_eq!([label(4, Seed::new(1), &young), label(4, Seed::river(1), &young)], [0, 0]);
}

#[test]
fn agrawal_attributes_are_in_their_ranges() {
    for perturbation in [0.0, 0.4] {
        let options = AgrawalOptions { perturbation, ..AgrawalOptions::default() };
        let mut stream = Synth::from(Agrawal::new(options, Seed::new(2)).expect("good options"));
        let mut example = Example::new();
        for _ in 0..ROWS {
            stream.next_row(&mut example);
            let &[salary, commission, age, elevel, car, zipcode, hvalue, hyears, loan] = example.x() else { panic!() };
            let base = (9.0 - zipcode) * 1e5;
            assert!((20e3..=150e3).contains(&salary) && (commission == 0.0 || (10e3..=75e3).contains(&commission)));
            assert!((20.0..=80.0).contains(&age) && (0.0..=4.0).contains(&elevel) && (1.0..=20.0).contains(&car));
            assert!((0.5 * base..=1.5 * base).contains(&hvalue) && base >= 1e5, "{hvalue} in {zipcode}");
            assert!((1.0..=30.0).contains(&hyears) && (0.0..=500e3).contains(&loan));
            assert!([age, elevel, car, zipcode, hyears].iter().all(|whole| whole.fract() == 0.0));
        }
    }
}

#[test]
fn other_targets_are_functions_of_x_too() {
    let tree = Tree::new(TreeOptions { classes: 3, ..TreeOptions::default() }, Seed::new(4)).expect("good options");
    check(&tree, |x| tree.label(x) as f64);
    let planes = Planes::new(PlanesOptions { noise: 0.0 }, Seed::new(4)).expect("good options");
    check(&planes, |x| match x[0] {
        1.0 => 3.0 + 3.0 * x[1] + 2.0 * x[2] + x[3],
        _ => -3.0 + 3.0 * x[4] + 2.0 * x[5] + x[6],
    });
    let mv = Mv::new(MvOptions::default(), Seed::new(4)).expect("good options");
    check(&mv, |x| mv.value(x));
}

#[test]
fn the_weights_of_a_hyperplane_drift_and_turn() {
    let options = HyperplaneOptions { features: 5, drifting: 3, magnitude: 0.01, sigma: 0.25, noise: 0.0 };
    let mut plane = Hyperplane::new(options, Seed::new(3)).expect("good options");
    let (mut turns, mut last, mut x) = (0, [1.0; 3], Vec::new());
    for _ in 0..4_000 {
        let before = plane.clone();
        x.clear();
        let y = plane.fill(&mut x);
        assert_eq!(y, before.label(&x) as f64);
        assert_eq!(before.weights()[3..], plane.weights()[3..]);
        for (index, last) in last.iter_mut().enumerate() {
            let step = plane.weights()[index] - before.weights()[index];
            assert!((step.abs() - 0.01).abs() < 1e-12, "{step}");
            turns += usize::from(step.signum() != *last);
            *last = step.signum();
        }
    }
    let share = turns as f64 / 12_000.0;
    assert!((share - 0.25).abs() < 0.02, "{share}");
}

#[test]
fn the_centres_of_clouds_wander_and_bounce() {
    let options = RbfOptions { features: 3, centroids: 6, speed: 0.05, drifting: Some(4), ..RbfOptions::default() };
    for seed in [Seed::new(3), Seed::river(3)] {
        let mut rbf = Rbf::new(options, seed).expect("good options");
        let (mut bounced, mut x) = (0, Vec::new());
        for _ in 0..300 {
            let before = rbf.clone();
            x.clear();
            rbf.fill(&mut x);
            for (index, (old, new)) in before.centres().zip(rbf.centres()).enumerate() {
                let step = old.iter().zip(new).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
                assert!(new.iter().all(|x| (0.0..=1.0).contains(x)));
                assert!(if index < 4 { step > 0.0 && step < 0.05 + 1e-12 } else { step == 0.0 }, "{index}: {step}");
                bounced += new.iter().filter(|&&x| x == 0.0 || x == 1.0).count();
            }
        }
        assert!(bounced > 20, "{bounced}");
    }
}

/// A specification of one generator.
fn leaf() -> impl Strategy<Value = String> {
    let share = || 0.0..=1.0_f64;
    prop_oneof![
        (0..4_usize, share(), any::<u64>())
            .prop_map(|(variant, noise, seed)| format!("sea:variant={variant},noise={noise},seed={seed}")),
        (0..4_usize, any::<bool>())
            .prop_map(|(variant, river)| { format!("sea:variant={variant}{}", if river { ", river" } else { "" }) }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_generator_prints_as_its_specification(
        text in leaf().prop_recursive(3, 12, 3, |inner| prop_oneof![
            (inner.clone(), inner.clone(), 0..99_usize, 0.0..50.0_f64)
                .prop_map(|(a, b, at, width)| format!("drift({a}>{b};at={at}, width={width})")),
            (prop::collection::vec(inner, 2..4), 1..99_usize)
                .prop_map(|(all, every)| format!("recurring( {} ; every={every},river)", all.join(" > "))),
        ]),
        seed in any::<u64>(),
    ) {
        let first = Synth::parse(&text, Seed::new(seed)).expect("a good specification");
        let second = Synth::parse(&first.to_string(), Seed::new(seed.wrapping_add(1))).expect("what was printed");
        prop_assert_eq!(&second, &first);
        prop_assert_eq!(second.to_string(), first.to_string());
    }

    #[test]
    fn options_print_as_they_were(noise in 0.0..=1.0_f64, features in 1..60_usize, speed in 0.0..=1.0_f64,
                                  model in any::<Option<u64>>(), drifting in 0..5_usize, seed in any::<u64>()) {
        let hyperplane = HyperplaneOptions { features: features + 5, noise, drifting, ..HyperplaneOptions::default() };
        let rbf = RbfOptions { features, speed, model, drifting: Some(drifting), ..RbfOptions::default() };
        let streams: [Synth; 2] = [
            Hyperplane::new(hyperplane, Seed::new(seed)).expect("good options").into(),
            Rbf::new(rbf, Seed::river(seed)).expect("good options").into(),
        ];
        for stream in streams {
            prop_assert_eq!(&Synth::parse(&stream.to_string(), Seed::new(0)).expect("what was printed"), &stream);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,24}|(drift|sea|led|[(>;:=,)0-9 ]){0,12}") {
        drop(Synth::parse(&text, Seed::new(1)));
    }
}
