//! Whichever rule, of whichever cell.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Params};
use thalweg_nn::{AnyRecurrent, Elstm, Gru, LayerNormLstm, LeakyRnn, Lru, Lstm, Recurrent, Rnn, Rtu};
use thalweg_tensor::Real;

use super::{GradientSpec, KfRtrl, Rtrl, Snap1, Traced, TracedElstm, TracedLru, TracedRtu, Uoro};

macro_rules! rules {
    ($($kind:ident($rule:ty);)*) => {
        /// A recurrent layer that learns by one of the rules.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
        pub(super) enum Layer<T: Real> {
            $($kind(Box<$rule>),)*
        }

        impl<T: Real> Layer<T> {
            fn get(&self) -> &dyn Traced<T> {
                match self {
                    $(Layer::$kind(rule) => &**rule,)*
                }
            }

            fn get_mut(&mut self) -> &mut dyn Traced<T> {
                match self {
                    $(Layer::$kind(rule) => &mut **rule,)*
                }
            }

            /// Whether it is the same rule of the same parameters, whatever has come of it.
            pub fn is_like(&self, other: &Self) -> bool {
                match (self, other) {
                    $((Layer::$kind(one), Layer::$kind(other)) => one.is_like(other),)*
                    _ => false,
                }
            }
        }

        $(impl<T: Real> From<$rule> for Layer<T> {
            fn from(rule: $rule) -> Self {
                Layer::$kind(Box::new(rule))
            }
        })*
    };
}

rules! {
    RtrlRnn(Rtrl<Recurrent<Rnn>, T>);
    RtrlLeakyRnn(Rtrl<Recurrent<LeakyRnn>, T>);
    RtrlLstm(Rtrl<Recurrent<Lstm>, T>);
    RtrlLayerNormLstm(Rtrl<Recurrent<LayerNormLstm>, T>);
    RtrlGru(Rtrl<Recurrent<Gru>, T>);
    RtrlLru(Rtrl<Recurrent<Lru>, T>);
    RtrlRtu(Rtrl<Recurrent<Rtu>, T>);
    RtrlElstm(Rtrl<Recurrent<Elstm>, T>);
    UoroRnn(Uoro<Recurrent<Rnn>, T>);
    UoroLeakyRnn(Uoro<Recurrent<LeakyRnn>, T>);
    UoroLstm(Uoro<Recurrent<Lstm>, T>);
    UoroLayerNormLstm(Uoro<Recurrent<LayerNormLstm>, T>);
    UoroGru(Uoro<Recurrent<Gru>, T>);
    UoroLru(Uoro<Recurrent<Lru>, T>);
    UoroRtu(Uoro<Recurrent<Rtu>, T>);
    UoroElstm(Uoro<Recurrent<Elstm>, T>);
    Snap1Rnn(Snap1<Rnn, T>);
    Snap1LeakyRnn(Snap1<LeakyRnn, T>);
    Snap1Gru(Snap1<Gru, T>);
    Snap1Lstm(Snap1<Lstm, T>);
    KfRtrl(KfRtrl<T>);
    Lru(TracedLru<T>);
    Rtu(TracedRtu<T>);
    Elstm(TracedElstm<T>);
}

impl<T: Real> Layer<T> {
    /// How many numbers the whole influence of an item's parameters on its state has, if the rule keeps it: none else.
    pub fn influence(gradient: GradientSpec, item: &AnyRecurrent, params: &Params<T>) -> usize {
        let is_kept = match gradient {
            GradientSpec::Rtrl => true,
            GradientSpec::Exact => {
                !matches!(item, AnyRecurrent::Lru(_) | AnyRecurrent::Rtu(_) | AnyRecurrent::Elstm(_))
            }
            _ => false,
        };
        let state: usize = item.zero_state(params).parts.iter().map(|part| part.shape().len()).sum();
        let weights: usize = item.params().into_iter().map(|param| params.of(param).len()).sum();
        if is_kept { state.saturating_mul(weights) } else { 0 }
    }

    /// The layers of an item, from zero states, by a rule that is [for them](GradientSpec::check): one for each cell, or one
    /// that sees all as one.
    #[track_caller]
    pub fn all(gradient: GradientSpec, item: &AnyRecurrent, params: &Params<T>, seed: u64) -> Vec<Self> {
        fn each<T: Real, C: Copy, R: Into<Layer<T>>>(stack: &Recurrent<C>, rule: impl Fn(C) -> R) -> Vec<Layer<T>> {
            stack.cells().iter().map(|cell| rule(*cell).into()).collect()
        }
        macro_rules! whole {
            ($cell:ident => $rule:expr) => {
                match item.clone() {
                    AnyRecurrent::Rnn($cell) => vec![$rule.into()],
                    AnyRecurrent::LeakyRnn($cell) => vec![$rule.into()],
                    AnyRecurrent::Lstm($cell) => vec![$rule.into()],
                    AnyRecurrent::LayerNormLstm($cell) => vec![$rule.into()],
                    AnyRecurrent::Gru($cell) => vec![$rule.into()],
                    AnyRecurrent::Lru($cell) => vec![$rule.into()],
                    AnyRecurrent::Rtu($cell) => vec![$rule.into()],
                    AnyRecurrent::Elstm($cell) => vec![$rule.into()],
                    _ => unreachable!("a cell that there is no rule for"),
                }
            };
        }
        match (gradient, item) {
            (GradientSpec::Exact, AnyRecurrent::Lru(lru)) => each(lru, |cell| TracedLru::new(cell, params)),
            (GradientSpec::Exact, AnyRecurrent::Rtu(rtu)) => each(rtu, |cell| TracedRtu::new(cell, params)),
            (GradientSpec::Exact, AnyRecurrent::Elstm(elstm)) => each(elstm, |cell| TracedElstm::new(cell, params)),
            (GradientSpec::Exact | GradientSpec::Rtrl, _) => whole!(cell => Rtrl::new(cell, params)),
            (GradientSpec::Uoro, _) => whole!(cell => Uoro::new(cell, seed, params)),
            (GradientSpec::Snap1, AnyRecurrent::Rnn(rnn)) => each(rnn, |cell| Snap1::new(cell, params)),
            (GradientSpec::Snap1, AnyRecurrent::LeakyRnn(rnn)) => each(rnn, |cell| Snap1::new(cell, params)),
            (GradientSpec::Snap1, AnyRecurrent::Gru(gru)) => each(gru, |cell| Snap1::new(cell, params)),
            (GradientSpec::Snap1, AnyRecurrent::Lstm(lstm)) => each(lstm, |cell| Snap1::new(cell, params)),
            (GradientSpec::Eprop, AnyRecurrent::Rnn(rnn)) => each(rnn, |cell| Snap1::eprop(cell, params)),
            (GradientSpec::Eprop | GradientSpec::Rflo, AnyRecurrent::LeakyRnn(rnn)) => {
                each(rnn, |cell| Snap1::eprop(cell, params))
            }
            (GradientSpec::Eprop, AnyRecurrent::Gru(gru)) => each(gru, |cell| Snap1::eprop(cell, params)),
            (GradientSpec::Eprop, AnyRecurrent::Lstm(lstm)) => each(lstm, |cell| Snap1::eprop(cell, params)),
            (GradientSpec::KfRtrl, AnyRecurrent::Rnn(rnn)) => {
                let seeds = (0..).map(|layer| seed.wrapping_add(layer));
                rnn.cells().iter().zip(seeds).map(|(cell, seed)| KfRtrl::new(*cell, seed, params).into()).collect()
            }
            _ => panic!("traced: {gradient} expected of layers that it is for"),
        }
    }
}

impl<T: Real> Traced<T> for Layer<T> {
    fn step(&mut self, params: &Params<T>, x: &[T]) -> &[T] {
        self.get_mut().step(params, x)
    }

    fn learn(&mut self, params: &Params<T>, dh: &[T], grads: &mut Grads<T>, dx: &mut [T]) {
        self.get_mut().learn(params, dh, grads, dx);
    }

    fn state(&self) -> [&[T]; 2] {
        self.get().state()
    }

    fn forget(&mut self) {
        self.get_mut().forget();
    }

    fn reset(&mut self) {
        self.get_mut().reset();
    }

    fn bytes(&self) -> usize {
        self.get().bytes()
    }
}
