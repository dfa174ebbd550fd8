//! Rules in a line of text, and whichever it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Param, Params, Var};
use thalweg_nn::{Hidden, NetworkSpec};

use super::units::Seen;
use super::{
    CbpOptions, ClipOptions, ContinualBackprop, Forget, ReDo, RedoOptions, ShrinkOptions, ShrinkPerturb, Upgd,
    UpgdOptions, WeightClipping,
};
use crate::error::Error;
use crate::saved::{Checked, checked, saved_as_text};
use crate::spec::{Spec, unknown};

macro_rules! rules {
    ($($(#[$doc:meta])* $kind:ident: $options:ident, $rule:ident, $($new:ident)*;)*) => {
        /// A rule by its name, with options, which are those of [`CbpOptions`], [`RedoOptions`], [`UpgdOptions`],
        /// [`ShrinkOptions`] and [`ClipOptions`]: see the table of the [module](super).
        ///
        /// ```
        /// use thalweg_online::PlasticitySpec;
        ///
        /// let spec: PlasticitySpec = "cbp:maturity=100, rate=0.001".parse()?;
        /// assert_eq!(spec.to_string(), "cbp:rate=0.001");
        /// let error = "cpb".parse::<PlasticitySpec>().unwrap_err().to_string();
        /// assert!(error.starts_with(r#"unknown plasticity "cpb"; did you mean "cbp"?"#), "{error}");
        /// # Ok::<(), thalweg_online::Error>(())
        /// ```
        #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum PlasticitySpec {
            /// Nothing is done.
            #[default]
            None,
            $($(#[$doc])* $kind($options),)*
        }

        /// Any of the rules, and what it has to remember: see the [module](super) for who tells it what, and when.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(remote = "Self")]
        pub enum Plasticity {
            /// Nothing is done.
            #[default]
            None,
            $($(#[$doc])* $kind($rule),)*
        }

        impl PlasticitySpec {
            /// Every rule with its default options, in the order of the table.
            pub const NAMES: [&'static str; 1 + [$($options::NAME),*].len()] = ["none", $($options::NAME),*];
        }

        impl FromStr for PlasticitySpec {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                let mut spec = Spec::parse(text)?;
                match spec.name() {
                    "none" => Ok(spec.finish().map(|()| PlasticitySpec::None)?),
                    $($options::NAME => $options::read(&mut spec).map(PlasticitySpec::$kind),)*
                    other => Err(unknown("plasticity", other, &Self::NAMES).into()),
                }
            }
        }

        /// As it is parsed, without what is the default.
        impl fmt::Display for PlasticitySpec {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    PlasticitySpec::None => f.write_str("none"),
                    $(PlasticitySpec::$kind(options) => options.fmt(f),)*
                }
            }
        }

        impl Plasticity {
            /// Before the first step. The network's [hidden units](thalweg_nn::Network::hidden) are for rules that look at
            /// them, the seed is for those that draw.
            ///
            /// # Errors
            ///
            /// If an option that did not come from a text is not what it must be.
            pub fn new(spec: PlasticitySpec, hidden: &[Hidden], seed: u64) -> Result<Self, Error> {
                Ok(match spec {
                    PlasticitySpec::None => Plasticity::None,
                    $(PlasticitySpec::$kind(options) => {
                        options.check()?;
                        Plasticity::$kind(rules!(@new $rule, options, hidden, seed, $($new)*))
                    })*
                })
            }

            /// How it was made.
            #[must_use]
            pub fn spec(&self) -> PlasticitySpec {
                match self {
                    Plasticity::None => PlasticitySpec::None,
                    $(Plasticity::$kind(rule) => PlasticitySpec::$kind(rule.options),)*
                }
            }
        }

        impl Checked for Plasticity {
            fn check(&self) -> Result<(), Error> {
                match self {
                    Plasticity::None => Ok(()),
                    $(Plasticity::$kind(rule) => rule.options.check(),)*
                }
            }
        }
    };
    (@new $rule:ident, $options:ident, $hidden:ident, $seed:ident, hidden seed) => { $rule::new($options, $hidden, $seed) };
    (@new $rule:ident, $options:ident, $hidden:ident, $seed:ident, seed) => { $rule::new($options, $seed) };
    (@new $rule:ident, $options:ident, $hidden:ident, $seed:ident,) => { $rule::new($options) };
}

rules! {
    /// Continual backprop.
    Cbp: CbpOptions, ContinualBackprop, hidden seed;
    /// ReDo.
    ReDo: RedoOptions, ReDo, hidden seed;
    /// UPGD.
    Upgd: UpgdOptions, Upgd, seed;
    /// Shrink and perturb.
    ShrinkPerturb: ShrinkOptions, ShrinkPerturb, seed;
    /// Weight clipping.
    Clip: ClipOptions, WeightClipping,;
}

saved_as_text!(PlasticitySpec);
checked!(Plasticity);

impl PlasticitySpec {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If there is no such rule or option (with the nearest match), or an option is not what it must be.
    pub fn parse(text: &str) -> Result<Self, Error> {
        text.parse()
    }

    /// Whether nothing is done.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == PlasticitySpec::None
    }

    /// Whether the rule looks at what hidden units say: else nobody needs to tell it.
    #[must_use]
    pub fn looks_at_units(&self) -> bool {
        matches!(self, PlasticitySpec::Cbp(_) | PlasticitySpec::ReDo(_))
    }

    /// Whether a network of these layers, under a linear head, has what the rule looks at.
    #[must_use]
    pub fn fits(&self, layers: &NetworkSpec) -> bool {
        !self.looks_at_units() || layers.has_hidden_units()
    }
}

impl Plasticity {
    /// What the layer at this place of the network gives in a pass that a step is made of: `[units]` or `[n, units]`. Other
    /// layers than those of hidden units may be shown as well.
    pub fn see(&mut self, place: usize, h: Var<'_>) {
        match self {
            Plasticity::Cbp(rule) => rule.see(place, h),
            Plasticity::ReDo(rule) => rule.see(place, h),
            _ => {}
        }
    }

    /// Makes of the gradient what the step is to be made of: UPGD.
    pub fn before_step(&mut self, params: &Params, grads: &mut Grads) {
        if let Plasticity::Upgd(rule) = self {
            rule.before_step(params, grads);
        }
    }

    /// Does to θ what is to be done behind a step that was taken. Of what begins anew, `forget` is told: for the optimizer, and
    /// for whoever else knows something of it.
    pub fn after_step(&mut self, params: &mut Params, forget: Forget<'_>) {
        match self {
            Plasticity::None | Plasticity::Upgd(_) => {}
            Plasticity::Cbp(rule) => rule.after_step(params, forget),
            Plasticity::ReDo(rule) => rule.after_step(params, forget),
            Plasticity::ShrinkPerturb(rule) => rule.after_step(params),
            Plasticity::Clip(rule) => rule.after_step(params),
        }
    }

    /// A parameter was drawn anew by somebody else: what is known of it is nothing.
    pub fn begin_anew(&mut self, param: Param) {
        if let Plasticity::Upgd(rule) = self {
            rule.begin_anew(param);
        }
    }

    /// Forgets what was shown since the last step: the step was refused.
    pub fn discard(&mut self) {
        match self {
            Plasticity::Cbp(rule) => rule.seen().for_each(Seen::clear),
            Plasticity::ReDo(rule) => rule.seen().for_each(Seen::clear),
            _ => {}
        }
    }

    /// How many units have begun anew.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        match self {
            Plasticity::Cbp(rule) => rule.replaced(),
            Plasticity::ReDo(rule) => rule.replaced(),
            _ => 0,
        }
    }

    /// Whether it is of these hidden units of θ, or of what they were before they grew: to be asked where it comes from outside.
    #[must_use]
    pub fn fits(&self, hidden: &[Hidden], params: &Params) -> bool {
        match self {
            Plasticity::None | Plasticity::ShrinkPerturb(_) | Plasticity::Clip(_) => true,
            Plasticity::Cbp(rule) => rule.fits(hidden, params),
            Plasticity::ReDo(rule) => rule.fits(hidden, params),
            Plasticity::Upgd(rule) => rule.fits(params),
        }
    }
}
