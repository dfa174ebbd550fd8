//! Laws that hold for the rules.

use proptest::prelude::*;
use thalweg_autograd::{Activation, Grads, Params, Tape, Var};
use thalweg_nn::{Adam, AnyOptimizer, Hidden, Linear, Optimizer, OptimizerSpec, Step};
use thalweg_tensor::Rng;

use super::*;

mod renewal;

const RULES: [&str; 7] = [
    "cbp:rate=0.01,maturity=10",
    "cbp:rate=0.02,maturity=5,adaptable=true",
    "redo:threshold=0.9,every=20",
    "upgd:beta=0.9,sigma=0.1",
    "upgd:protect=false,sigma=0.01",
    "shrink-perturb:every=3,shrink=0.99,sigma=0.001",
    "clip:kappa=0.5",
];

fn spec(text: &str) -> PlasticitySpec {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Three inputs, six hidden units, two outputs, and what learns them.
#[derive(Clone)]
struct Learner {
    params: Params,
    hidden: Hidden,
    optimizer: AnyOptimizer,
    plasticity: Plasticity,
    rng: Rng,
}

impl Learner {
    fn new(optimizer: &str, rule: &str) -> Self {
        let (mut params, mut rng) = (Params::new(), Rng::new(3));
        let incoming = Linear::new(&mut params, "hidden", 3, 6, &mut rng);
        let outgoing = Linear::new(&mut params, "head", 6, 2, &mut rng);
        let hidden = Hidden { place: 0, incoming, outgoing };
        let optimizer = optimizer.parse::<OptimizerSpec>().expect("an optimizer").build();
        let plasticity = Plasticity::new(spec(rule), &[hidden], 5).expect("a rule");
        Learner { params, hidden, optimizer, plasticity, rng }
    }

    fn inputs(&self) -> usize {
        self.params.view(self.hidden.incoming.weight).shape().dims()[1]
    }

    /// Hidden units and outputs.
    fn run<'p>(hidden: &Hidden, x: Var<'p>) -> [Var<'p>; 2] {
        let h = hidden.incoming.forward_with(x, Activation::Tanh);
        [h, hidden.outgoing.forward(h)]
    }

    fn says(&self, x: &[f32]) -> Vec<f32> {
        let mut tape = Tape::new();
        let pass = tape.pass(&self.params);
        Self::run(&self.hidden, pass.input(x))[1].to_tensor().as_slice().to_vec()
    }

    fn learn(&mut self, steps: usize) {
        let (mut tape, mut grads) = (Tape::new(), Grads::like(&self.params));
        for _ in 0..steps {
            let x: Vec<f32> = (0..self.inputs()).map(|_| self.rng.normal() as f32).collect();
            let pass = tape.pass(&self.params);
            let [h, y] = Self::run(&self.hidden, pass.input(&x));
            self.plasticity.see(0, h);
            y.mse(pass.input(&[x[0] * x[1], x[2]])).backward(&mut grads);
            self.plasticity.before_step(&self.params, &mut grads);
            assert_eq!(self.optimizer.step(&mut self.params, &mut grads), Step::Taken);
            self.plasticity
                .after_step(&mut self.params, &mut |_, param, axis, index| self.optimizer.forget(param, axis, index));
        }
    }
}

#[test]
fn each_does_something_and_none_does_nothing() {
    let theta = |rule: &str| {
        let mut learner = Learner::new("sgd:0.05", rule);
        learner.learn(100);
        assert!(learner.params.is_finite(), "{rule}");
        learner.params.as_slice().to_vec()
    };
    let plain = theta("none");
    for rule in RULES {
        assert_ne!(theta(rule), plain, "{rule}");
    }
    // What can do nothing is nothing, to the bit.
    for rule in ["cbp:rate=0", "cbp:maturity=1000", "redo:every=1000", "upgd:sigma=0,protect=false", "clip:kappa=1000"]
    {
        assert_eq!(theta(rule), plain, "{rule}");
    }
    assert_eq!(theta("shrink-perturb:shrink=1,sigma=0"), plain);
}

/// Refused steps neither count nor keep it from judging, and what was seen in them is forgotten.
#[test]
fn redo_judges_by_the_steps_that_were_taken() {
    let [mut one, mut other] = [(); 2].map(|()| Learner::new("sgd:0.01", "redo:threshold=1,every=20"));
    for _ in 0..19 {
        one.learn(1);
        other.learn(1);
        let mut tape = Tape::new();
        let pass = tape.pass(&other.params);
        let [h, _] = Learner::run(&other.hidden, pass.input(&[f32::MAX; 3]));
        other.plasticity.see(0, h);
        other.plasticity.discard();
    }
    assert_eq!(one.plasticity.replaced() + other.plasticity.replaced(), 0);
    one.learn(1);
    other.learn(1);
    assert!(one.plasticity.replaced() > 0);
    assert_eq!(one.plasticity, other.plasticity);
}

#[test]
fn resumed_is_never_stopped() {
    for rule in RULES {
        for optimizer in ["sgd:0.05,momentum=0.9", "adam:0.01"] {
            let mut through = Learner::new(optimizer, rule);
            through.learn(53);
            let bytes = bincode::serialize(&through.plasticity).expect("plain data");
            let plasticity: Plasticity = bincode::deserialize(&bytes).expect("what was written");
            assert_eq!(plasticity, through.plasticity, "{rule}");
            assert!(plasticity.fits(&[through.hidden], &through.params) && plasticity.spec() == spec(rule), "{rule}");
            let mut resumed = Learner { plasticity, ..through.clone() };
            through.learn(60);
            resumed.learn(60);
            assert_eq!(resumed.params.as_slice(), through.params.as_slice(), "{rule}");
            assert_eq!(resumed.plasticity, through.plasticity, "{rule}");
        }
    }
}

#[test]
fn what_is_of_other_units_does_not_fit() {
    for rule in ["cbp", "redo"] {
        let mut learner = Learner::new("sgd:0.05", rule);
        learner.learn(10);
        let Learner { plasticity, hidden, params, .. } = &learner;
        let elsewhere = Hidden { place: 1, ..*hidden };
        let turned = Hidden { incoming: hidden.outgoing, outgoing: hidden.incoming, ..*hidden };
        assert!(plasticity.fits(&[*hidden], params), "{rule}");
        for others in [&[][..], &[*hidden, *hidden], &[elsewhere], &[turned]] {
            assert!(!plasticity.fits(others, params), "{rule}: {others:?}");
        }
    }
}

#[test]
fn growth_is_followed() {
    for rule in RULES {
        let mut learner = Learner::new("adam:0.01", rule);
        learner.learn(40);
        learner.hidden.incoming.grow_hidden(&mut learner.params, 2, &learner.hidden.outgoing, &mut Rng::new(1));
        learner.hidden.incoming.grow_inputs(&mut learner.params, 1);
        assert!(learner.plasticity.fits(&[learner.hidden], &learner.params), "{rule}");
        learner.learn(80);
        assert!(learner.params.is_finite() && learner.plasticity.fits(&[learner.hidden], &learner.params), "{rule}");
    }
}

#[test]
fn upgd_is_what_its_equations_say() {
    for rule in ["upgd:beta=0.9,sigma=0", "upgd:beta=0.9,sigma=0.3", "upgd:beta=0.9,sigma=0.3,protect=false"] {
        let mut params = Params::<f32>::new();
        let w = params.add("w", [4], |i| i as f32 - 1.5);
        let Plasticity::Upgd(mut upgd) = Plasticity::new(spec(rule), &[], 9).expect("a rule") else { panic!("UPGD") };
        let mut noise = super::noise::Noise::new(9);
        let (mut grads, mut mean) = (Grads::like(&params), [0.0f32; 4]);
        for step in 0..3 {
            let g: [f32; 4] = std::array::from_fn(|i| ((step + 2) * i) as f32 - 2.0);
            grads.of_mut(w).copy_from_slice(&g);
            upgd.before_step(&params, &mut grads);
            (0..4).for_each(|i| mean[i] = 0.9 * mean[i] - 0.1 * g[i] * params.of(w)[i]);
            let utility = upgd.utility().of(w);
            assert!(utility.iter().zip(mean).all(|(found, expected)| (found - expected).abs() < 1e-6), "{rule}");
            let largest = mean.iter().copied().fold(0.0, f32::max);
            for i in 0..4 {
                let xi = if upgd.options.sigma == 0.0 { 0.0 } else { 0.3 * noise.next() };
                let share = if largest > 0.0 { mean[i] / largest } else { 0.0 }; // at first none is useful
                let useful = 1.0 / (1.0 + (-share).exp());
                let expected =
                    if upgd.options.protect { (g[i] + xi) * (1.0 - useful) } else { g[i] + xi * (1.0 - useful) };
                assert!((grads.of(w)[i] - expected).abs() < 1e-5, "{rule}: {} {expected}", grads.of(w)[i]);
            }
            grads.zero();
        }
    }
}

/// A head that is drawn again, for one.
#[test]
fn a_parameter_that_begins_anew_is_of_no_use_yet() {
    let mut params = Params::<f32>::new();
    let [body, head] = ["body", "head"].map(|name| params.add(name, [2], |_| 1.0));
    let mut rule = Plasticity::new(spec("upgd"), &[], 9).expect("a rule");
    rule.begin_anew(head); // which it has not seen
    let mut grads = Grads::like(&params);
    [body, head].iter().for_each(|&param| grads.of_mut(param).fill(-1.0));
    rule.before_step(&params, &mut grads);
    rule.begin_anew(head);
    let Plasticity::Upgd(upgd) = &rule else { panic!("UPGD") };
    let used = |param| upgd.utility().of(param).iter().filter(|&&u| u > 0.0).count();
    assert_eq!([used(body), used(head)], [2, 0]);
}

#[test]
fn a_gradient_that_will_be_refused_teaches_nothing() {
    let mut learner = Learner::new("sgd:0.05", "upgd");
    learner.learn(10);
    let before = learner.plasticity.clone();
    let mut grads = Grads::like(&learner.params);
    grads.of_mut(learner.hidden.incoming.weight)[0] = f32::NAN;
    learner.plasticity.before_step(&learner.params, &mut grads);
    assert_eq!(learner.plasticity, before);
    assert_eq!(learner.optimizer.step(&mut learner.params, &mut grads), Step::Refused);
}

#[test]
fn clipped_weights_stay_within_their_bound_and_others_are_free() {
    let mut learner = Learner::new("sgd:0.5", "clip:kappa=0.7");
    let scale = learner.params.add("norm.weight", [2], |_| 9.0);
    learner.params.add("norm.bias", [2], |_| 9.0);
    let recurrent = learner.params.add("rnn.weight_hh_l0", [2, 2], |_| 9.0);
    learner.params.add("rnn.bias_hh_l0", [2], |_| 9.0);
    learner.learn(200);
    let Hidden { incoming, outgoing, .. } = learner.hidden;
    for (layer, inputs) in [(incoming, 3.0f32), (outgoing, 6.0)] {
        for param in [Some(layer.weight), layer.bias].into_iter().flatten() {
            let largest = learner.params.of(param).iter().fold(0.0, |largest: f32, w| largest.max(w.abs()));
            assert!(largest <= 0.7 / inputs.sqrt() + 1e-6, "{largest}");
        }
    }
    assert_eq!((learner.params.of(scale), learner.params.of(recurrent)), (&[9.0; 2][..], &[9.0; 4][..]));
}

#[test]
fn theta_shrinks_to_the_noise() {
    let mut learner = Learner::new("sgd:0", "shrink-perturb:shrink=0.9,sigma=0.1");
    learner.learn(500);
    // θ of variance σ² / (1 − 0.9²).
    let theta: Vec<f32> =
        learner.params.layout().iter().flat_map(|(param, _)| learner.params.of(param).to_vec()).collect();
    let deviation = (theta.iter().map(|theta| theta * theta).sum::<f32>() / theta.len() as f32).sqrt();
    assert!((deviation / (0.1 / 0.19f32.sqrt()) - 1.0).abs() < 0.35, "{deviation}");
}

#[test]
fn frozen_layers_keep_their_units() {
    for rule in RULES {
        let mut learner = Learner::new("sgd:0.05", rule);
        learner.params.set_trainable(learner.hidden.incoming.weight, false);
        let before = learner.params.of(learner.hidden.incoming.weight).to_vec();
        learner.learn(60);
        assert_eq!(learner.params.of(learner.hidden.incoming.weight), before, "{rule}");
        assert_eq!(learner.plasticity.replaced(), 0, "{rule}");
    }
}

#[test]
fn what_is_no_rule_is_refused() {
    let message = |text: &str| PlasticitySpec::parse(text).unwrap_err().to_string();
    assert!(message("cpb").contains(r#"did you mean "cbp"?"#));
    assert!(message("cbp:rte=1").contains(r#"did you mean "rate"?"#), "{}", message("cbp:rte=1"));
    assert!(message("cbp:rate=2").contains("rate from 0 to 1"));
    assert!(message("redo:every=0").contains("every of at least 1"));
    let options = CbpOptions { rate: f64::NAN, ..CbpOptions::default() };
    assert!(Plasticity::new(PlasticitySpec::Cbp(options), &[], 1).is_err());
    let upgd = Plasticity::new(spec("upgd"), &[], 1).expect("a rule");
    let text = serde_json::to_string(&upgd).expect("plain data");
    assert!(serde_json::from_str::<Plasticity>(&text).is_ok());
    assert!(serde_json::from_str::<Plasticity>(&text.replace("0.9999", "1.5")).is_err());
}

proptest! {
    #[test]
    fn parsing_never_panics_and_printing_parses_back(
        text in "\\PC{0,16}|(cbp|redo|upgd|shrink-perturb|clip)(:(rate|maturity|decay|gain|every|threshold|beta|sigma|kappa|shrink)=[0-9.e-]{1,5}){0,2}"
    ) {
        if let Ok(spec) = PlasticitySpec::parse(&text) {
            prop_assert_eq!(PlasticitySpec::parse(&spec.to_string()).ok(), Some(spec));
        }
    }
}
