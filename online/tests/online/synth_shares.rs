//! How often things happen in generated rows.

use thalweg_online::synth::{Example, Generator, Led, LedOptions, Seed, Synth, Waveform, WaveformOptions};

const ROWS: usize = 20_000;

fn stream(specification: &str) -> Synth {
    Synth::parse(specification, Seed::new(11)).unwrap_or_else(|error| panic!("{specification}: {error}"))
}

/// The mean of something over the rows of a generator.
fn mean(specification: &str, mut of: impl FnMut(&[f64], f64) -> f64) -> f64 {
    let (mut stream, mut example) = (stream(specification), Example::new());
    let mut sum = 0.0;
    for _ in 0..ROWS {
        stream.next_row(&mut example);
        sum += of(example.x(), example.y());
    }
    sum / ROWS as f64
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() < tolerance, "{found}, expected {expected}");
}

#[test]
fn classes_have_their_shares() {
    // ∫ sin = 1 - cos 1; ∫ 0.5 + 0.3 sin(3πx) = 0.5 + 0.2/π.
    let wave = 0.5 + 0.2 / std::f64::consts::PI;
    for (specification, share) in [
        ("sea", 0.68),
        ("sea:variant=3", 1.0 - 9.5 * 9.5 / 200.0),
        ("stagger", 1.0 / 9.0),
        ("stagger:function=1", 5.0 / 9.0),
        ("stagger:function=2", 2.0 / 3.0),
        ("sine", 1.0 - 1.0_f64.cos()),
        ("sine:function=3", 1.0 - wave),
        ("mixed", 0.25 + 0.5 * wave),
        ("agrawal", 20.0 / 61.0),
        ("agrawal:river", 41.0 / 61.0),
        ("hyperplane:noise=0", 0.5),
    ] {
        close(mean(specification, |_, y| y), share, 0.015);
    }
    for balanced in ["stagger:balance", "sine:balance", "mixed:balance", "agrawal:function=6,balance"] {
        assert_eq!(mean(balanced, |_, y| y), 0.5, "{balanced}");
    }
    for (specification, classes) in [("led", 10), ("waveform", 3)] {
        for class in 0..classes {
            close(
                mean(specification, |_, y| f64::from(u8::from(y == f64::from(class)))),
                1.0 / f64::from(classes),
                0.01,
            );
        }
    }
}

#[test]
fn noise_has_its_share() {
    let above = |x: &[f64]| f64::from(u8::from(x[0] + x[1] > 8.0));
    close(mean("sea:noise=0.1", |x, y| (above(x) - y).abs()), 0.1, 0.01);
    close(mean("sea:noise=0.1,river", |x, y| (above(x) - y).abs()), 0.1, 0.01);
    // River's noise is 0.01 less than it says.
    for (specification, noise) in [("hyperplane:noise=0.2", 0.2), ("hyperplane:noise=0.2,river", 0.19)] {
        let mut quiet = stream(&specification.replace("noise=0.2", "noise=0"));
        let mut example = Example::new();
        let flipped = |_: &[f64], y: f64| {
            quiet.next_row(&mut example);
            (example.y() - y).abs()
        };
        close(mean(specification, flipped), noise, 0.006);
    }
    // Segments of the digit 8 are all on.
    let off =
        |x: &[f64], y: f64| if y == 8.0 { 10.0 * x.iter().filter(|&&on| on == 0.0).count() as f64 / 7.0 } else { 0.0 };
    close(mean("led:noise=0.3", off), 0.3, 0.02);
    close(mean("led:noise=0.05,river", off), 0.04, 0.008);
    assert_eq!(mean("led", off), 0.0);
}

#[test]
fn the_best_that_can_be_done_with_led_is_known() {
    let led = |noise, irrelevant, drifting, seed| {
        Led::new(LedOptions { noise, irrelevant, drifting }, seed).expect("good options")
    };
    for (led, expected) in [
        (led(0.1, false, 0, Seed::new(1)), 0.7400),
        (led(0.1, true, 4, Seed::new(1)), 0.7400),
        (led(0.28, false, 0, Seed::river(112)), 0.3792),
        (led(0.0, false, 0, Seed::new(1)), 1.0),
    ] {
        close(led.bayes_accuracy(), expected, 5e-5);
        let mut stream = led.clone();
        let (mut right, mut x) = (0, Vec::new());
        for _ in 0..ROWS {
            x.clear();
            right += usize::from(stream.fill(&mut x) == led.likeliest(&x) as f64);
        }
        close(right as f64 / ROWS as f64, expected, 0.012);
    }
}

#[test]
fn drifting_segments_stand_among_the_others() {
    let led = |drifting| LedOptions { irrelevant: true, drifting, ..LedOptions::default() };
    for drifting in 0..=7 {
        let mut moved = Led::new(led(drifting), Seed::new(5)).expect("good options");
        // Without noise the middle of 8 is on; in how many of the first seven places is anything ever off?
        let (mut off, mut x) = ([false; 7], Vec::new());
        for _ in 0..500 {
            x.clear();
            if moved.fill(&mut x) == 8.0 {
                off.iter_mut().zip(&x).for_each(|(off, &on)| *off |= on == 0.0);
            }
        }
        assert_eq!(off.iter().filter(|&&off| off).count(), drifting);
    }
}

#[test]
fn waves_are_those_of_the_book() {
    let triangle = |peak: f64, i: usize| (6.0 - (i as f64 + 1.0 - peak).abs()).max(0.0);
    let (mut stream, mut example) = (stream("waveform:irrelevant"), Example::new());
    let (mut sums, mut squares, mut counts) = ([[0.0; 40]; 3], 0.0, [0.0; 3]);
    for _ in 0..ROWS {
        stream.next_row(&mut example);
        let class = example.y() as usize;
        counts[class] += 1.0;
        sums[class].iter_mut().zip(example.x()).for_each(|(sum, x)| *sum += x);
        squares += example.x()[21..].iter().map(|x| x * x).sum::<f64>() / 19.0;
    }
    close(squares / ROWS as f64, 1.0, 0.02);
    // h₁, h₂, h₃ peak at 11, 15 and 7.
    for (class, peaks) in [[11.0, 15.0], [11.0, 7.0], [15.0, 7.0]].into_iter().enumerate() {
        for (i, sum) in sums[class].iter().enumerate() {
            let expected = if i < 21 { (triangle(peaks[0], i) + triangle(peaks[1], i)) / 2.0 } else { 0.0 };
            close(sum / counts[class], expected, 0.1);
        }
    }
}

/// The book has 0.86 for the best classifier.
#[test]
fn the_best_that_can_be_done_with_waves_is_known() {
    const STEPS: usize = 40;
    let waveform = Waveform::new(WaveformOptions::default(), Seed::new(2)).expect("good options");
    let wave = |peak: i32, i: usize| f64::from((6 - (i as i32 - peak).abs()).max(0));
    let likelihood = |class: usize, x: &[f64]| {
        let [a, b] = waveform.peaks(class);
        let at = |step: usize| {
            let share = (step as f64 + 0.5) / STEPS as f64;
            let error = |(i, x): (usize, &f64)| (x - share * wave(a, i) - (1.0 - share) * wave(b, i)).powi(2);
            (-0.5 * x.iter().enumerate().map(error).sum::<f64>()).exp()
        };
        (0..STEPS).map(at).sum::<f64>()
    };
    let (mut stream, mut x, mut right) = (waveform.clone(), Vec::new(), 0);
    for _ in 0..4_000 {
        x.clear();
        let class = stream.fill(&mut x) as usize;
        let best = (0..3).max_by(|&a, &b| likelihood(a, &x).total_cmp(&likelihood(b, &x)));
        right += usize::from(best == Some(class));
    }
    close(f64::from(right as u32) / 4_000.0, 0.86, 0.02);
}

#[test]
fn targets_have_their_means() {
    // E sin(πab) = (γ + ln π - Ci π) / π = 0.52466.
    close(mean("friedman", |_, y| y), 5.2466 + 20.0 / 12.0 + 7.5, 0.15);
    close(mean("planes", |x, y| y - 3.0 * x[0]), 0.0, 0.1);
    close(mean("mv", |x, _| x[9].fract().abs()), 0.0, 1e-12);
    close(mean("mv", |x, _| x[9]), 1100.0, 2.0);
}

/// The noise that is left when Friedman's function is taken away tells which function it was.
#[test]
fn friedmans_function_drifts_as_it_should() {
    let function = |[a, b, c, d, e]: [f64; 5]| {
        10.0 * (std::f64::consts::PI * a * b).sin() + 20.0 * (c - 0.5) * (c - 0.5) + 10.0 * d + 5.0 * e
    };
    let old = |x: &[f64]| function([x[0], x[1], x[2], x[3], x[4]]);
    let first = |x: &[f64]| function([x[3], x[4], x[1], x[0], x[2]]);
    let second = |x: &[f64]| function([x[1], x[4], x[3], x[2], x[0]]);
    let is = |value: f64, y: f64| (value - y).abs() < 1e-9;
    let shares = |specification: &str| {
        let (mut stream, mut example) = (stream(specification), Example::new());
        let mut counts = [[0; 3]; 6];
        for part in &mut counts {
            for _ in 0..500 {
                stream.next_row(&mut example);
                let (x, y) = (example.x(), example.y());
                part[0] += usize::from(is(old(x), y));
                part[1] += usize::from(is(first(x), y));
                part[2] += usize::from(is(second(x), y));
            }
        }
        counts
    };
    let gra = shares("friedman:drift=gra,first=1000,second=2000,noise=0");
    assert_eq!(gra, [[500, 0, 0], [500, 0, 0], [0, 500, 0], [0, 500, 0], [500, 0, 0], [500, 0, 0]]);
    // River has x₅ for x₄.
    let river = shares("friedman:drift=gra,first=1000,second=2000,noise=0,river");
    assert_eq!(river[1..5], [[500, 0, 0], [0, 0, 0], [0, 0, 0], [500, 0, 0]]);
    let gsg = shares("friedman:drift=gsg,first=1000,second=2000,window=500,noise=0");
    assert_eq!([gsg[1], gsg[3], gsg[5]], [[500, 0, 0], [0, 500, 0], [0, 0, 500]]);
    assert!(gsg[2][0].abs_diff(250) < 40 && gsg[2][0] + gsg[2][1] == 500, "{gsg:?}");
    assert!(gsg[4][1].abs_diff(250) < 40 && gsg[4][1] + gsg[4][2] == 500, "{gsg:?}");
    // Regions of P = 0.3³ · 0.3 and so on, twice.
    let lea = shares("friedman:drift=lea,first=1000,second=1500,third=2000,noise=0");
    for (part, expected) in lea.iter().zip([0.0, 0.0, 0.0162, 0.054, 0.18, 0.18]) {
        close(1.0 - part[0] as f64 / 500.0, expected, 0.06);
    }
    assert!(lea[0][0] == 500 && lea[1][0] == 500 && lea[2][0] > lea[4][0]);
}

/// In the plane no direction is likelier than another, E cos⁴ = 3/8; River's diagonals are: E cos⁴ = 5/8 - π/8 + …
#[test]
fn clouds_are_round() {
    let fourth = |specification: &str| {
        let centre = thalweg_online::synth::Rbf::new(
            thalweg_online::synth::RbfOptions { features: 2, centroids: 1, model: Some(3), ..Default::default() },
            if specification.contains("river") { Seed::river(11) } else { Seed::new(11) },
        )
        .expect("good options");
        let centre: Vec<f64> = centre.centres().next().expect("one").to_vec();
        mean(specification, |x, _| {
            let (a, b) = (x[0] - centre[0], x[1] - centre[1]);
            (a * a / (a * a + b * b)).powi(2)
        })
    };
    close(fourth("rbf:features=2,centroids=1,model=3"), 0.375, 0.006);
    // 1/2 - ∫₀¹ t² / (1 + t²)² dt = 3/4 - π/8.
    close(fourth("rbf:features=2,centroids=1,model=3,river"), 0.75 - std::f64::consts::PI / 8.0, 0.006);
}

/// The two functions of `mixed` are opposite: the label tells which concept a row is of.
fn is_new(x: &[f64], y: f64) -> bool {
    let wave = 0.5 + 0.3 * (3.0 * std::f64::consts::PI * x[2]).sin();
    (x[0] + x[1] + f64::from(u8::from(x[3] < wave)) >= 2.0) != (y == 1.0)
}

fn concepts(specification: &str, seed: u64, rows: usize) -> Vec<bool> {
    let mut stream = Synth::parse(specification, Seed::new(seed)).expect("a good specification");
    let mut example = Example::new();
    let next = |_| {
        stream.next_row(&mut example);
        is_new(example.x(), example.y())
    };
    (0..rows).map(next).collect()
}

#[test]
fn a_drift_without_width_is_abrupt() {
    let seen = concepts("drift(mixed > mixed:function=1; at=50)", 1, 100);
    assert!(seen.iter().enumerate().all(|(row, &new)| new == (row >= 50)), "{seen:?}");
    let seen = concepts("recurring(mixed > mixed:function=1; every=20)", 1, 200);
    assert!(seen.iter().enumerate().all(|(row, &new)| new == (row / 20 % 2 == 1)), "{seen:?}");
}

#[test]
fn a_gradual_drift_follows_the_sigmoid() {
    let mut shares = [0.0; 100];
    for seed in 0..1_000 {
        let seen = concepts("drift(mixed > mixed:function=1; at=50,width=40)", seed, 100);
        shares.iter_mut().zip(seen).for_each(|(share, new)| *share += f64::from(u8::from(new)) / 1_000.0);
    }
    for (row, share) in shares.into_iter().enumerate() {
        let t = row as f64 + 1.0;
        close(share, 1.0 / (1.0 + (-4.0 * (t - 50.0) / 40.0).exp()), 0.065);
    }
}
