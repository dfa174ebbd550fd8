//! Seeded generators of streams, by the papers that introduced them.
//!
//! | specification | what | source |
//! |---|---|---|
//! | `sea:variant=0,noise=0.1` | [`Sea`]: two of three numbers against a threshold | Street & Kim 2001 |
//! | `stagger:function=0` | [`Stagger`]: size, colour and shape | Schlimmer & Granger 1986 |
//! | `sine:function=0` | [`Sine`]: points under a curve | Gama et al. 2004 |
//! | `mixed:function=0` | [`Mixed`]: two truth values and a point | Gama et al. 2004 |
//! | `agrawal:function=0` | [`Agrawal`]: people who ask for a loan, ten functions | Agrawal et al. 1993 |
//! | `led:noise=0.1,irrelevant` | [`Led`]: digits of seven segments; `drifting=4` swaps some | Breiman et al. 1984 |
//! | `hyperplane:features=30,magnitude=0.001` | [`Hyperplane`]: a plane that turns | Hulten et al. 2001 |
//! | `rbf:classes=4,features=4,centroids=20,speed=0.001` | [`Rbf`]: clouds that wander | Bifet et al. 2010 |
//! | `waveform:irrelevant` | [`Waveform`]: mixtures of two waves | Breiman et al. 1984 |
//! | `tree:classes=3` | [`Tree`]: leaves of a random tree | Domingos & Hulten 2000 |
//! | `friedman:drift=lea` | [`Friedman`]: a function of five numbers; `lea`, `gra`, `gsg` | Friedman 1991, Ikonomovska et al. 2011 |
//! | `planes` | [`Planes`]: one of two planes | Breiman et al. 1984 |
//! | `mv` | [`Mv`]: numbers and words that depend on each other | Torgo 2001 |
//! | `drift(sea > sea:variant=2; at=5000,width=100)` | [`Drift`]: abrupt or gradual | Bifet et al. 2009 |
//! | `recurring(sine > sine:function=1; every=1000)` | [`Recurring`]: in turn, again and again | Widmer & Kubat 1996 |
//! | `permuted(digits; every=1000)` | [`Permuted`]: pixels change places | Goodfellow et al. 2013 |
//! | `rotated(digits; every=1000,step=15)` | [`Rotated`]: images turn | Lopez-Paz & Ranzato 2017 |
//!
//! Every generator takes `seed=…` (by default the one it is started with; the parts of `drift` and `recurring` get seeds of
//! their own from it), may stand within `drift` and `recurring`, and has its options in a struct of its own. What is not
//! given is the default, which is River's. On a command line the brackets and `>` need quotes.
//!
//! # Saving
//!
//! A generator is a plain value of bounded size: a saved copy goes on with the same rows. After the first row, the next one
//! allocates nothing.
//!
//! # River's rows
//!
//! With `river` a generator makes the very rows of River 0.26.1 on CPython 3.11 (later versions of Python add floats in
//! another way, which may show in the last bit of a threshold): its random numbers, and its deviations from the papers,
//! which each generator lists. So published figures can stand beside ours:
//! `hyperplane:river,seed=42,features=30`, `led:river,seed=112,noise=0.28`,
//! `rbf:river,seed=42,classes=4,features=4,centroids=20`. Parts of a `drift` that is River's have the seed of the whole where
//! they name none.
//!
//! # Example
//!
//! ```
//! use thalweg_online::synth::{Example, Seed, Synth};
//! use thalweg_online::{Row, Target, Value};
//!
//! let mut stream = Synth::parse("drift(stagger:function=0 > stagger:function=1; at=1000)", Seed::new(42))?;
//! let mut example = Example::new();
//! stream.next_row(&mut example);
//! assert_eq!(example.cell(0).0, "size");
//! assert!(matches!(example.cell(0).1, Value::Text("small" | "medium" | "large")));
//! assert!(matches!(example.target(), Target::Class("0" | "1")));
//! # Ok::<(), thalweg_online::Error>(())
//! ```

mod agrawal;
mod balance;
mod change;
mod drift;
mod example;
mod friedman;
mod generated;
mod hyperplane;
mod images;
mod kind;
mod led;
mod python;
mod random;
mod rbf;
mod regression;
mod sea;
mod settings;
mod sine;
mod stagger;
mod stream;
mod tree;
mod waveform;

use std::fmt;

pub use agrawal::{Agrawal, AgrawalOptions};
pub use change::{Permuted, PermutedOptions, Rotated, RotatedOptions};
pub use drift::{Drift, DriftOptions, Recurring, RecurringOptions};
pub use example::{Column, Example};
pub use friedman::{Change, Friedman, FriedmanOptions};
pub use generated::Generated;
pub use hyperplane::{Hyperplane, HyperplaneOptions};
pub use images::{Digits, Images};
pub use led::{Led, LedOptions};
pub use random::{Compat, Seed};
pub use rbf::{Rbf, RbfOptions};
pub use regression::{Mv, MvOptions, Planes, PlanesOptions};
pub use sea::{Sea, SeaOptions};
pub use sine::{Mixed, MixedOptions, Sine, SineOptions};
pub use stagger::{Stagger, StaggerOptions};
pub use stream::Synth;
pub use tree::{Tree, TreeOptions};
pub use waveform::{Waveform, WaveformOptions};

use crate::error::Error;
use crate::learn::Task;

/// What makes rows for ever.
///
/// Printing one gives its specification.
pub trait Generator: fmt::Display {
    /// The features, in order.
    fn columns(&self) -> Vec<Column>;

    /// How many classes there are; 0 if the target is a number.
    fn classes(&self) -> usize;

    /// Appends the features of the next row and returns its target: a class, counted from 0, or a number.
    fn fill(&mut self, x: &mut Vec<f64>) -> f64;

    /// Whether all its values fit together: what has been read from a file might not.
    ///
    /// # Errors
    ///
    /// If they do not.
    fn check(&self) -> Result<(), Error>;

    /// What is to be learned.
    fn task(&self) -> Task {
        if self.classes() == 0 { Task::Regress } else { Task::Classify }
    }

    /// The names of the features, in order.
    fn features(&self) -> Vec<String> {
        self.columns().into_iter().map(|column| column.name).collect()
    }
}
