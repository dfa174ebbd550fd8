//! Whichever optimizer it is.

use thalweg_autograd::{Flat, Grads, Param, Params};
use thalweg_tensor::Real;

use super::hyperparameters::Visit;
use super::{Adadelta, Adagrad, Adam, Adamax, Groups, NAdam, Optimizer, RAdam, RmsProp, Schedule, Sgd, Step};

/// An optimizer that is chosen at run time, by an [`OptimizerSpec`](super::OptimizerSpec); with its schedule, and a bound
/// on the norm of the gradient.
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub struct AnyOptimizer<T: Real = f32> {
    #[cfg_attr(feature = "serde", serde(deserialize_with = "within_bounds"))]
    pub(super) rule: Rule<T>,
    pub(super) schedule: Option<Schedule>,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::hyperparameters::from_zero"))]
    pub(super) clip: Option<f64>,
    /// How many steps were taken: where the schedule stands.
    pub(super) taken: u64,
}

#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub(super) enum Rule<T: Real> {
    Sgd(Sgd<T>),
    Adagrad(Adagrad<T>),
    RmsProp(RmsProp<T>),
    Adadelta(Adadelta<T>),
    Adam(Adam<T>),
    Adamax(Adamax<T>),
    NAdam(NAdam<T>),
    RAdam(RAdam<T>),
}

/// The same of any optimizer.
macro_rules! each {
    ($rule:expr, $optimizer:ident => $what:expr) => {
        match $rule {
            Rule::Sgd($optimizer) => $what,
            Rule::Adagrad($optimizer) => $what,
            Rule::RmsProp($optimizer) => $what,
            Rule::Adadelta($optimizer) => $what,
            Rule::Adam($optimizer) => $what,
            Rule::Adamax($optimizer) => $what,
            Rule::NAdam($optimizer) => $what,
            Rule::RAdam($optimizer) => $what,
        }
    };
}

impl<T: Real> Rule<T> {
    pub const NAMES: [&'static str; 10] =
        ["sgd", "adagrad", "rmsprop", "adadelta", "adam", "adamw", "amsgrad", "adamax", "nadam", "radam"];

    /// The optimizer of this name, with its defaults.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sgd" => Rule::Sgd(Sgd::new(0.03)),
            "adagrad" => Rule::Adagrad(Adagrad::new(0.01)),
            "rmsprop" => Rule::RmsProp(RmsProp::new(0.01)),
            "adadelta" => Rule::Adadelta(Adadelta::new(1.0)),
            "adam" => Rule::Adam(Adam::new(0.001)),
            "adamw" => Rule::Adam(Adam::adamw(0.001)),
            "amsgrad" => Rule::Adam(Adam::amsgrad(0.001)),
            "adamax" => Rule::Adamax(Adamax::new(0.002)),
            "nadam" => Rule::NAdam(NAdam::new(0.002)),
            "radam" => Rule::RAdam(RAdam::new(0.001)),
            _ => return None,
        })
    }

    pub fn get(&self) -> &dyn Optimizer<T> {
        each!(self, optimizer => optimizer)
    }

    pub fn get_mut(&mut self) -> &mut dyn Optimizer<T> {
        each!(self, optimizer => optimizer)
    }
}

#[cfg(feature = "serde")]
fn within_bounds<'de, T, D>(from: D) -> Result<Rule<T>, D::Error>
where
    T: Real + serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    let mut rule: Rule<T> = serde::Deserialize::deserialize(from)?;
    rule.get_mut().check().map_err(serde::de::Error::custom)?;
    Ok(rule)
}

impl<T: Real> AnyOptimizer<T> {
    /// The optimizer, if it is [`Adam`] (or AdamW, or AMSGrad): its moments, for instance.
    pub fn as_adam(&self) -> Option<&Adam<T>> {
        match &self.rule {
            Rule::Adam(adam) => Some(adam),
            _ => None,
        }
    }

    /// A [step](Optimizer::step) at `scale` times the learning rate, which itself stays what it is.
    ///
    /// # Panics
    /// If `scale` is negative or NaN, or the optimizer was made for other parameters.
    #[track_caller]
    pub fn step_scaled(&mut self, params: &mut Params<T>, grads: &mut Grads<T>, scale: f64) -> Step {
        assert!(scale >= 0.0, "step_scaled: scale ≥ 0: {scale}");
        let AnyOptimizer { rule, schedule, clip, taken } = self;
        let optimizer = rule.get_mut();
        if let Some(schedule) = schedule {
            // A schedule that was read may fall below 0, rise without end, or be NaN.
            let rate = schedule.rate(*taken);
            optimizer.set_learning_rate(if rate > 0.0 { rate.min(f64::MAX) } else { 0.0 });
        }
        if let Some(max) = *clip {
            optimizer.clip_norm(grads, max);
        }
        let rate = optimizer.learning_rate();
        if scale != 1.0 {
            optimizer.set_learning_rate((rate * scale).min(f64::MAX));
        }
        let step = optimizer.step(params, grads);
        optimizer.set_learning_rate(rate);
        *taken = taken.saturating_add(u64::from(step == Step::Taken));
        step
    }
}

impl<T: Real> Optimizer<T> for AnyOptimizer<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        self.step_scaled(params, grads, 1.0)
    }

    fn learning_rate(&self) -> f64 {
        self.rule.get().learning_rate()
    }

    /// Sets η, in place of the schedule.
    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.schedule = None;
        self.rule.get_mut().set_learning_rate(learning_rate);
    }

    fn groups_mut(&mut self) -> &mut Groups {
        self.rule.get_mut().groups_mut()
    }

    fn vectors(&self) -> Vec<&Flat<T>> {
        self.rule.get().vectors()
    }

    fn forget(&mut self, param: Param, axis: usize, index: usize) {
        self.rule.get_mut().forget(param, axis, index);
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        self.rule.get_mut().hyperparameters(visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_tensor::Rng;

    fn stepped(optimizer: &mut AnyOptimizer<f32>, params: &mut Params<f32>) {
        let mut grads = Grads::default();
        assert_eq!(optimizer.step(params, &mut grads), Step::Taken);
    }

    #[test]
    fn an_optimizer_fits_what_its_parameters_became_and_no_others() {
        let mut rng = Rng::new(1);
        for name in Rule::<f32>::NAMES {
            let mut optimizer = name.parse::<super::super::OptimizerSpec>().expect("an optimizer").build();
            let mut params = Params::<f32>::new();
            let linear = crate::Linear::new(&mut params, "a", 2, 3, &mut rng);
            assert!(optimizer.fits(&params) && optimizer.fits(&Params::new()), "{name}");
            stepped(&mut optimizer, &mut params);
            linear.grow_inputs(&mut params, 1);
            params.add("b", [2], |_| 0.0);
            assert!(optimizer.fits(&params), "{name}");
            stepped(&mut optimizer, &mut params);
            let keeps = !optimizer.vectors().iter().all(|vector| vector.layout().is_empty());
            assert!(keeps || name == "sgd", "{name}");
            assert_eq!(optimizer.fits(&Params::new()), !keeps, "{name}");
        }
    }

    /// A row and a column that are forgotten do what those of a new optimizer do; the others what they would have done.
    #[test]
    fn what_is_forgotten_steps_as_at_first() {
        for name in Rule::<f32>::NAMES.into_iter().chain(["sgd:0.1,momentum=0.9,dampening=0.5"]) {
            let build = || name.parse::<super::super::OptimizerSpec>().expect("an optimizer").build::<f32>();
            let mut params = Params::<f32>::new();
            let w = params.add("w", [3, 3], |i| i as f32);
            let step = |optimizer: &mut AnyOptimizer<f32>, params: &Params<f32>, scale: f32| {
                let (mut params, mut grads) = (params.clone(), Grads::like(params));
                let place = |i: usize| scale * (i as f32 - 3.5);
                grads.of_mut(w).iter_mut().enumerate().for_each(|(i, g)| *g = place(i));
                assert_eq!(optimizer.step(&mut params, &mut grads), Step::Taken);
                params.of(w).to_vec()
            };
            let (mut kept, mut fresh) = (build(), build());
            for scale in [1.0, -2.0, 0.5] {
                step(&mut kept, &params, scale);
            }
            let mut forgets = kept.clone();
            forgets.forget(w, 0, 1);
            forgets.forget(w, 1, 2);
            let [kept, fresh, found] = [&mut kept, &mut fresh, &mut forgets].map(|o| step(o, &params, 1.5));
            for i in 0..9 {
                let expected = if i / 3 == 1 || i % 3 == 2 { &fresh } else { &kept };
                assert_eq!(found[i], expected[i], "{name}, element {i}");
            }
        }
    }

    #[test]
    fn a_step_may_be_longer_and_the_rate_stays() {
        for text in ["sgd:0.1", "sgd:0.1,momentum=0.9", "adam:0.1", "sgd:0.1,warmup=4"] {
            let build = |text: &str| text.parse::<super::super::OptimizerSpec>().expect("an optimizer").build::<f32>();
            let moved = |optimizer: &mut AnyOptimizer<f32>, scale: f64| {
                let mut params = Params::<f32>::new();
                let x = params.add("x", [1], |_| 0.0);
                let mut grads = Grads::like(&params);
                grads.of_mut(x)[0] = 1.0;
                assert_eq!(optimizer.step_scaled(&mut params, &mut grads, scale), Step::Taken);
                params.of(x)[0]
            };
            let [mut plain, mut scaled] = [build(text), build(text)];
            let [once, thrice] = [moved(&mut plain, 1.0), moved(&mut scaled, 3.0)];
            assert!((thrice - 3.0 * once).abs() < 1e-6 && once < 0.0, "{text}: {once} {thrice}");
            assert_eq!(scaled.learning_rate(), plain.learning_rate(), "{text}");
        }
    }

    #[test]
    fn a_schedule_without_a_rate_takes_no_step() {
        let mut optimizer: AnyOptimizer<f32> =
            "sgd".parse::<super::super::OptimizerSpec>().expect("an optimizer").build();
        optimizer.schedule = Some(Schedule::Constant { rate: f64::NAN });
        let mut params = Params::<f32>::new();
        stepped(&mut optimizer, &mut params);
        assert_eq!(optimizer.learning_rate(), 0.0);
    }
}
