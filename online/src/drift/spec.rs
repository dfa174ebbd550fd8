//! All detectors as one type, and their specifications.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{
    Adwin, AdwinOptions, Cusum, CusumOptions, Ddm, DdmOptions, Detector, Direction, Domain, Eddm, EddmOptions, HddmA,
    HddmAOptions, HddmW, HddmWOptions, Kswin, KswinOptions, PageHinkley, PageHinkleyOptions, Segment, Signal, Tally,
};
use crate::error::Error;
use crate::spec::{Spec, unknown};

macro_rules! detectors {
    ($($(#[$doc:meta])* $kind:ident: $options:ident,)*) => {
        /// Which detector, and how it is made: see the table of the [module](super).
        ///
        /// ```
        /// use thalweg_online::drift::DetectorSpec;
        ///
        /// let spec = DetectorSpec::parse("adwin:delta=0.01,watch=up")?;
        /// assert_eq!(spec.to_string(), "adwin:delta=0.01,watch=up");
        /// assert_eq!(DetectorSpec::parse("ddm:warm_start=30")?.to_string(), "ddm");
        /// let error = DetectorSpec::parse("adwn").unwrap_err().to_string();
        /// assert!(error.starts_with(r#"unknown detector "adwn"; did you mean "adwin"?"#), "{error}");
        /// # Ok::<(), thalweg_online::Error>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        pub enum DetectorSpec {
            $($(#[$doc])* $kind($options),)*
        }

        /// Any of the detectors.
        ///
        /// ```
        /// use thalweg_online::drift::{AnyDetector, Detector, Signal};
        ///
        /// let mut detector: AnyDetector = "page-hinkley:threshold=10".parse()?;
        /// assert_eq!(detector.update(0.5), Signal::Stable);
        /// assert_eq!(detector.spec().to_string(), "page-hinkley:threshold=10");
        /// # Ok::<(), thalweg_online::Error>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum AnyDetector {
            $($(#[$doc])* $kind($kind),)*
        }

        $(
            impl From<$kind> for AnyDetector {
                fn from(detector: $kind) -> Self {
                    AnyDetector::$kind(detector)
                }
            }
        )*

        impl DetectorSpec {
            /// Every detector with its default options, in the order of the table.
            pub const NAMES: [&'static str; [$($options::NAME),*].len()] = [$($options::NAME),*];

            /// Reads a specification.
            ///
            /// # Errors
            ///
            /// If there is no such detector or option (with the nearest match), or an option is not what it must be.
            pub fn parse(text: &str) -> Result<Self, Error> {
                let mut spec = Spec::parse(text)?;
                match spec.name() {
                    $($options::NAME => $options::read(&mut spec).map(DetectorSpec::$kind),)*
                    other => Err(unknown("detector", other, &Self::NAMES).into()),
                }
            }

            /// A detector that has seen nothing.
            ///
            /// # Errors
            ///
            /// If an option that did not come from a text is not what it must be.
            pub fn build(&self) -> Result<AnyDetector, Error> {
                Ok(match self {
                    $(DetectorSpec::$kind(options) => $kind::new(*options)?.into(),)*
                })
            }
        }

        /// The specification, without what is the default: parsing it gives an equal one.
        impl fmt::Display for DetectorSpec {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(DetectorSpec::$kind(options) => options.fmt(f),)*
                }
            }
        }

        impl AnyDetector {
            /// What it was made with.
            #[must_use]
            pub fn spec(&self) -> DetectorSpec {
                match self {
                    $(AnyDetector::$kind(detector) => DetectorSpec::$kind(*detector.options()),)*
                }
            }
        }

        /// The same of any detector.
        macro_rules! each {
            ($any:expr, $one:ident => $what:expr) => {
                match $any {
                    $(AnyDetector::$kind($one) => $what,)*
                }
            };
        }
    };
}

detectors! {
    /// A window that is as long as its mean is one mean.
    Adwin: AdwinOptions,
    /// An error rate that has left its lowest.
    Ddm: DdmOptions,
    /// Errors that come closer together.
    Eddm: EddmOptions,
    /// A mean that is above its lowest by more than Hoeffding allows.
    HddmA: HddmAOptions,
    /// A fading mean that is above its lowest by more than McDiarmid allows.
    HddmW: HddmWOptions,
    /// Deviations from the mean that add up.
    PageHinkley: PageHinkleyOptions,
    /// The newest values beside a draw of older ones, as distributions.
    Kswin: KswinOptions,
    /// Deviations from what is usual that add up, in units of what is usual.
    Cusum: CusumOptions,
}

impl Detector for AnyDetector {
    fn update(&mut self, value: f64) -> Signal {
        each!(self, detector => detector.update(value))
    }

    fn reset(&mut self) {
        each!(self, detector => detector.reset());
    }

    fn domain(&self) -> Domain {
        each!(self, detector => detector.domain())
    }

    fn watches(&self) -> Direction {
        each!(self, detector => detector.watches())
    }

    fn segment(&self) -> Segment {
        each!(self, detector => detector.segment())
    }

    fn tally(&self) -> Tally {
        each!(self, detector => detector.tally())
    }
}

/// ADWIN, which promises most and asks least.
impl Default for DetectorSpec {
    fn default() -> Self {
        DetectorSpec::Adwin(AdwinOptions::default())
    }
}

impl FromStr for DetectorSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        DetectorSpec::parse(text)
    }
}

/// A detector that has seen nothing, by its specification.
impl FromStr for AnyDetector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        DetectorSpec::parse(text)?.build()
    }
}
