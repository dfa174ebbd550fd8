//! Optimizers from lines of text, and hyperparameters out of their bounds.

use proptest::prelude::*;
use thalweg_autograd::{Grads, Params};
use thalweg_nn::optim::Hyperparameter;
use thalweg_nn::{Adadelta, Adagrad, Adamax, Schedule, Sgd, Step};
use thalweg_nn::{Adam, AnyOptimizer, Average, Group, NAdam, Optimizer, OptimizerSpec, RAdam, RmsProp};
use thalweg_tensor::Rng;

use super::{Lawful, random_gradient, reload, resumes, two_parameters, whole, with};
use crate::support::bits;

/// Every name, every option.
pub(crate) const SPECS: [&str; 14] = [
    "sgd:0.03",
    "sgd:0.1,momentum=0.9,dampening=0.5,weight_decay=0.01",
    "sgd:0.1,momentum=0.9,nesterov=true,clip=1",
    "adagrad:0.01,learning_rate_decay=0.1,initial_accumulator=0.01,eps=0.001",
    "rmsprop:0.01,alpha=0.9,momentum=0.9,weight_decay=0.01",
    "rmsprop:0.01,centered=true",
    "adadelta:1,rho=0.8",
    "adam:0.001,beta1=0.8,beta2=0.99,eps=0.000001,clip=0.5",
    "adamw:0.001,warmup=5,cosine=60",
    "amsgrad:0.001,linear=50",
    "adamax:0.002,one_cycle=60",
    "nadam:0.002,momentum_decay=0.01,decoupled=true,weight_decay=0.1",
    "radam:0.001,exponential=0.99",
    "radam:0.001,warmup=9",
];

fn build(spec: &str) -> AnyOptimizer {
    spec.parse::<OptimizerSpec>().expect("there is such an optimizer").build()
}

/// The bits of θ after some steps, of which some are refused.
fn path(
    optimizer: &mut dyn Optimizer<f32>,
    mut before: impl FnMut(&mut dyn Optimizer<f32>, &mut Grads, u64),
) -> Vec<u64> {
    let ((mut params, handles, mut grads), mut rng, mut taken) = (two_parameters(), Rng::new(2), 0);
    for step in 0..80 {
        random_gradient(&params, handles, &mut grads, &mut rng);
        if step % 9 == 4 {
            grads.of_mut(handles[0])[1] = f32::NAN;
        }
        before(optimizer, &mut grads, taken);
        taken += u64::from(optimizer.step(&mut params, &mut grads) == Step::Taken);
    }
    bits(params.as_slice())
}

/// What no constructor makes is not read either, and no rate of a schedule stops the program.
#[test]
fn settings_that_were_tampered_with_are_refused() -> Result<(), serde_json::Error> {
    let mut any = build("sgd:0.1,clip=1,cosine=10");
    *Optimizer::<f32>::groups_mut(&mut any) = Group::of("*").rate(2.0).weight_decay(0.5).into();
    let text = serde_json::to_string(&any)?;
    for (from, to) in [
        (r#""rate":2.0"#, r#""rate":-5.0"#),
        (r#""weight_decay":0.5"#, r#""weight_decay":-0.5"#),
        (r#""clip":1.0"#, r#""clip":-1.0"#),
    ] {
        assert!(text.contains(from), "{text}");
        let refused = serde_json::from_str::<AnyOptimizer>(&text.replace(from, to)).expect_err(to).to_string();
        assert!(refused.contains("a finite number of at least 0 expected, found -"), "{refused}");
    }
    for average in [Average::<f32>::corrected(0.5), Average::exponential(0.5)] {
        let text = serde_json::to_string(&average)?;
        assert!(serde_json::from_str::<Average>(&text.replace("0.5", "1.0")).is_err(), "{text}");
    }
    let mut falling: AnyOptimizer = serde_json::from_str(&text.replace(r#""lowest":0.0"#, r#""lowest":-9.0"#))?;
    let (mut params, handles, mut grads) = two_parameters();
    for _ in 0..20 {
        random_gradient(&params, handles, &mut grads, &mut Rng::new(1));
        falling.step(&mut params, &mut grads);
    }
    assert_eq!(Optimizer::<f32>::learning_rate(&falling), 0.0);
    Ok(())
}

/// What is read is what is written by hand, step by step.
#[test]
fn a_specification_is_its_optimizer() {
    #[track_caller]
    fn same(spec: &str, mut by_hand: impl Optimizer<f32>, schedule: Option<Schedule>, clip: Option<f64>) {
        assert!(SPECS.contains(&spec), "{spec}");
        let found = path(&mut build(spec), |_, _, _| {});
        let expected = path(&mut by_hand, |optimizer, grads, taken| {
            schedule.iter().for_each(|schedule| optimizer.set_learning_rate(schedule.rate(taken)));
            clip.iter().for_each(|&max| _ = optimizer.clip_norm(grads, max));
        });
        assert!(found == expected, "{spec}");
    }
    let sgd = |nesterov| Sgd::with_momentum(0.1, 0.9, nesterov);
    same(SPECS[0], Sgd::new(0.03), None, None);
    same(SPECS[1], with(sgd(false), |o| (o.dampening, o.weight_decay) = (0.5, 0.01)), None, None);
    same(SPECS[2], sgd(true), None, Some(1.0));
    let adagrad = with(Adagrad::new(0.01), |o| (o.learning_rate_decay, o.initial_accumulator) = (0.1, 0.01));
    same(SPECS[3], with_eps(adagrad, 1e-3), None, None);
    let rmsprop = with(RmsProp::new(0.01), |o| (o.alpha, o.momentum, o.weight_decay) = (0.9, 0.9, 0.01));
    same(SPECS[4], rmsprop, None, None);
    same(SPECS[5], with(RmsProp::new(0.01), |o| o.centered = true), None, None);
    same(SPECS[6], with(Adadelta::new(1.0), |o| o.rho = 0.8), None, None);
    same(SPECS[7], with_eps(with(Adam::new(0.001), |o| o.betas = [0.8, 0.99]), 1e-6), None, Some(0.5));
    same(SPECS[8], Adam::adamw(0.001), Some(Schedule::cosine(0.001, 60).with_warm_up(5)), None);
    same(SPECS[9], Adam::amsgrad(0.001), Some(Schedule::Linear { from: 0.001, to: 0.0, steps: 50 }), None);
    same(SPECS[10], Adamax::new(0.002), Some(Schedule::one_cycle(0.002, 60)), None);
    let nadam = with(NAdam::new(0.002), |o| (o.momentum_decay, o.decoupled, o.weight_decay) = (0.01, true, 0.1));
    same(SPECS[11], nadam, None, None);
    same(SPECS[12], RAdam::new(0.001), Some(Schedule::Exponential { rate: 0.001, factor: 0.99 }), None);
    same(SPECS[13], RAdam::new(0.001), Some(Schedule::Constant { rate: 0.001 }.with_warm_up(9)), None);
}

/// By its name, whatever it is called in the struct.
fn with_eps<O: Optimizer<f32>>(mut optimizer: O, eps: f64) -> O {
    optimizer.hyperparameters(&mut |name, hyperparameter| match hyperparameter {
        Hyperparameter::Number(number, _) if name == "eps" => *number = eps,
        _ => {}
    });
    optimizer
}

#[test]
fn specified_optimizers_resume_where_they_stopped() {
    SPECS.iter().for_each(|spec| resumes::<f32, _>(build(spec)));
}

#[test]
fn specifications_print_as_they_parse() {
    for text in SPECS {
        let spec: OptimizerSpec = text.parse().expect("there is such an optimizer");
        assert_eq!(spec.to_string(), text);
        assert_eq!(reload(&spec), spec);
    }
    let defaults = ["sgd", "sgd:3e-2,momentum=0,nesterov=false", " sgd : 0.03 , weight_decay = 0 "];
    assert!(defaults.iter().all(|text| text.parse() == Ok(OptimizerSpec::default())));
    assert_eq!("adamw".parse::<OptimizerSpec>().map(|spec| spec.to_string()), Ok("adamw:0.001".to_owned()));
}

proptest! {
    /// Whatever numbers are chosen: what is printed parses as what was meant, and builds the same optimizer.
    #[test]
    fn printing_parses_back(which in 0usize..14, rate in 0.0..=100f64, fraction in 0.0..0.999f64, n in any::<u64>()) {
        let (name, options) = SPECS[which].split_once(':').expect("they have rates");
        let options: Vec<String> = options.split(',').skip(1).map(|option| {
            let (option, value) = option.split_once('=').expect("they have values");
            match option {
                "warmup" | "cosine" | "linear" | "one_cycle" => format!("{option}={n}"),
                "weight_decay" => format!("{option}={}", fraction / rate.max(1.0)),
                "eps" => format!("{option}={}", fraction.max(1e-12)),
                _ if value == "true" => format!("{option}={}", n % 2 == 0),
                _ => format!("{option}={fraction}"),
            }
        }).collect();
        let text = [vec![format!("{name}:{rate}")], options].concat().join(",");
        let spec: OptimizerSpec = text.parse().expect("all numbers are within the bounds");
        prop_assert_eq!(spec.to_string().parse().ok(), Some(spec.clone()));
        let (mut meant, mut printed) = (spec.build::<f64>(), spec.to_string().parse::<OptimizerSpec>().expect("parses").build::<f64>());
        prop_assert_eq!(whole(&meant), whole(&printed));
        prop_assert!(meant.check().is_ok() && printed.check().is_ok());
    }

    #[test]
    fn parsing_never_panics(text in "\\PC{0,24}|(sgd|adam|rmsprop):[0-9e.,a-z=-]{0,16}") {
        if let Ok(spec) = text.parse::<OptimizerSpec>() {
            prop_assert_eq!(spec.to_string().parse().ok(), Some(spec));
        }
    }
}

#[test]
fn what_is_wrong_is_said() {
    #[track_caller]
    fn says(text: &str, what: &str) {
        let error = text.parse::<OptimizerSpec>().expect_err(text).to_string();
        assert!(error.contains(what), "{error}");
    }
    says("adma", r#"unknown optimizer "adma"; did you mean "adam"? allowed: sgd, adagrad"#);
    says("sgd:-1", r#""sgd:-1": learning_rate: a finite number of at least 0 expected, found -1"#);
    says("adam:1e7", "learning_rate: a number from 0 to 1000000 expected, found 10000000");
    says("sgd:nan", "expected the learning rate to be a finite number, found \"nan\"");
    says("sgd:0.1,momentum=1", "momentum: a number from 0 to 0.999 expected, found 1");
    says("adam:0.1,beta2=1", "beta2: a number from 0 to below 1 expected, found 1");
    says("adam:0.1,eps=0", "eps: a number from 0.000000000001 to 1000000 expected, found 0");
    says("adamw:2,weight_decay=1", "weight_decay: a number from 0 to 0.5 expected, found 1");
    says("adam:0.1,momentum=0.9", r#"unknown option of adam "momentum""#);
    says("adam:0.1,nesterov=true", "unknown option");
    says("sgd:1,clip=-1", "clip: a number of at least 0 expected, found -1");
    says("sgd:1,clip=inf", "clip to be a finite number");
    says("sgd:1,cosine=9,linear=9", "one of cosine, linear, one_cycle and exponential expected, found more");
    says("sgd:1,exponential=1.5", "exponential: a number from 0 to 1 expected, found 1.5");
    says("sgd:1,warmup=-5", "warmup to be a whole number");
}

/// A file may say anything.
#[test]
fn what_is_out_of_bounds_is_not_deserialised() {
    let text = whole(&build("adam:0.001"));
    assert!(serde_json::from_str::<AnyOptimizer>(&text).is_ok());
    let error = serde_json::from_str::<AnyOptimizer>(&text.replace("0.001", "-1.0")).expect_err("it is negative");
    assert!(error.to_string().contains("learning_rate: a finite number of at least 0 expected, found -1"), "{error}");
    assert!(serde_json::from_str::<OptimizerSpec>(r#""adam:-1""#).is_err());
}

/// Each number of each optimizer, in its turn: a step panics over it, by its name, and `check` says so before.
#[test]
fn a_step_with_a_number_out_of_bounds_panics() {
    fn law(optimizer: impl Lawful) {
        let mut names = Vec::new();
        optimizer.clone().hyperparameters(&mut |name, hyperparameter| {
            if matches!(hyperparameter, Hyperparameter::Number(..)) {
                names.push(name);
            }
        });
        assert!(names.len() >= 3);
        for chosen in names {
            for wrong in [f64::NAN, f64::INFINITY, -1e-9] {
                let mut broken = optimizer.clone();
                broken.hyperparameters(&mut |name, hyperparameter| match hyperparameter {
                    Hyperparameter::Number(number, _) if name == chosen => *number = wrong,
                    _ => {}
                });
                assert_eq!(broken.check().expect_err(chosen).name, chosen);
                let (mut params, _, mut grads) = two_parameters();
                let step = std::panic::AssertUnwindSafe(|| broken.step(&mut params, &mut grads));
                let panic = std::panic::catch_unwind(step).expect_err(chosen);
                let message = panic.downcast_ref::<String>().expect("a message");
                assert!(message.starts_with(&format!("optim: {chosen}: ")), "{message}");
            }
        }
    }
    super::for_every_optimizer!(law);
}

#[test]
#[should_panic(expected = "optim: beta: a number from 0 to below 1 expected, found 1")]
fn an_average_panics_on_a_beta_of_one() {
    Average::<f32>::corrected(1.0);
}

#[test]
#[should_panic(expected = "optim: rate of a group: a finite number of at least 0 expected, found NaN")]
fn a_group_panics_on_a_rate_that_is_none() {
    let _ = Group::of("*").rate(f64::NAN);
}

/// Gradients of any finite size, rates and decays that only a slip of the keyboard makes, and thousands of steps.
#[test]
fn theta_is_finite_after_any_steps() {
    let mut taken = 0;
    for spec in SPECS {
        let (name, options) = spec.split_once(':').expect("they have rates");
        let options = options.split(',').skip(1).filter(|option| !option.starts_with("weight_decay"));
        let options: String = options.map(|option| format!(",{option}")).collect();
        for (rate, decay) in [1e-3, 1.0, 1e3, 1e6].iter().flat_map(|rate| [(rate, 0.0), (rate, 0.5 / rate)]) {
            let mut optimizer = build(&format!("{name}:{rate},weight_decay={decay}{options}"));
            let mut params = Params::new();
            let w = params.add("w", [4], |i| i as f32 - 1.5);
            let mut grads = Grads::like(&params);
            for step in 0..1000 {
                let size = [1.0, 1e10, 0.0, 1e-30, 9e18, 3e38, f32::MIN_POSITIVE][step % 7];
                grads.of_mut(w).iter_mut().zip([-1.0, 1.0, -0.5, 0.0]).for_each(|(g, sign)| *g = size * sign);
                taken += usize::from(optimizer.step(&mut params, &mut grads) == Step::Taken);
                assert!(params.is_finite(), "{spec} at {rate}: θ is {:?} after step {step}", params.of(w));
            }
        }
    }
    assert!(taken > 50_000, "{taken} steps were taken");
}
