//! What becomes of a row's cells, as a specification says it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::MOST;
use super::pattern::fits;
use super::scaler::Scale;
use super::setting::{Encoding, Missing, Rolling, parse_lags};
use crate::error::{Error, ErrorKind};
use crate::learn::Task;
use crate::spec::unknown;

/// What becomes of a row's cells: settings joined by `;`.
///
/// | setting | what it says |
/// |---|---|
/// | `scale=standard` | how numbers are scaled: a [`Scale`] |
/// | `category=onehot:256` | how words become numbers: an [`Encoding`] |
/// | `missing=mean` | what stands for a missing number: a [`Missing`] |
/// | `lags=12`, `lags=3..7` | the last 12 known targets as features; the third to the seventh last |
/// | `rolling=mean:12,std:12` | [Statistics](super::Statistic) of the last 12 known targets as features |
/// | `most=65536` | How many features there may be, and how many columns: [what comes later](super) is left out |
///
/// Words that are many and have something in common, as cities, products and users do, gain by `category=embed:8`: each
/// becomes 8 numbers, which the network learns as it learns its weights. What one city teaches about the numbers, all others
/// share; where a one-hot city has weights of its own, it has but 8 numbers to find. A new category begins as zeros, as does
/// a missing one, and each step moves the vectors of its own rows only, however many there are. Where categories are few,
/// one-hot learns sooner: of 3 000 rows of the generator `stagger`, with three categories in each column, 98.8 % against 97.1 %.
/// For [`Deep`](crate::Deep), and a [`Frozen`](crate::Frozen) trunk that comes of one; others refuse it.
///
/// The first three can be said of some features only, by name, or by a pattern in which `*` stands for anything:
/// `scale(temp*)=none`. Of several that fit, the last one holds. What is left out is as in the table; there are no lags
/// and no rolling statistics then.
///
/// ```
/// use thalweg_online::features::{FeatureSpec, Scale};
///
/// let spec = FeatureSpec::parse("scale=robust; category(city)=hash:32; scale(*_rate)=none; lags=3")?;
/// assert_eq!((spec.scale("wind"), spec.scale("tax_rate")), (Scale::Robust, Scale::None));
/// assert_eq!(
///     spec.to_string(),
///     "scale=robust; category=onehot:256; missing=mean; category(city)=hash:32; scale(*_rate)=none; lags=1..3"
/// );
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FeatureSpec {
    /// In order; the first three are for all features.
    rules: Vec<Rule>,
    lags: Option<(usize, usize)>,
    rolling: Vec<Rolling>,
    most: usize,
}

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    /// `None`: all features.
    pattern: Option<String>,
    setting: Setting,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Setting {
    Scale(Scale),
    Category(Encoding),
    Missing(Missing),
}

impl Default for FeatureSpec {
    fn default() -> Self {
        let settings = [
            Setting::Scale(Scale::default()),
            Setting::Category(Encoding::default()),
            Setting::Missing(Missing::default()),
        ];
        let rules = settings.map(|setting| Rule { pattern: None, setting }).to_vec();
        FeatureSpec { rules, lags: None, rolling: Vec::new(), most: MOST }
    }
}

impl FeatureSpec {
    /// Reads a specification. An empty one is the default.
    ///
    /// # Errors
    ///
    /// If there is no such setting (with the nearest match), or its value cannot be used.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut spec = FeatureSpec::default();
        for item in text.split(';').map(str::trim).filter(|item| !item.is_empty()) {
            let wrong = || Error::expected(ErrorKind::Spec, "setting=value or setting(pattern)=value", item);
            let (key, value) = match item.rsplit_once(")=") {
                Some((key, value)) if item.find('(') < item.find('=') => (key, value),
                _ => item.split_once('=').ok_or_else(wrong)?,
            };
            let (key, pattern) = match key.split_once('(') {
                Some((key, pattern)) => (key, Some(pattern)),
                None => (key, None),
            };
            if pattern.is_some_and(str::is_empty) {
                return Err(wrong());
            }
            spec.set(key.trim(), pattern, value.trim())?;
        }
        Ok(spec)
    }

    fn set(&mut self, key: &str, pattern: Option<&str>, value: &str) -> Result<(), Error> {
        const NAMES: [&str; 6] = ["scale", "category", "missing", "lags", "rolling", "most"];
        let setting = match key {
            "scale" => Setting::Scale(Scale::parse(value)?),
            "category" => Setting::Category(Encoding::parse(value)?),
            "missing" => Setting::Missing(Missing::parse(value)?),
            "lags" | "rolling" | "most" if pattern.is_some() => {
                return Err(Error::expected(ErrorKind::Spec, &format!("{key}=… without a pattern"), value));
            }
            "lags" => {
                self.lags = Some(parse_lags(value)?);
                return Ok(());
            }
            "rolling" => {
                self.rolling = value.split(',').map(Rolling::parse).collect::<Result<_, _>>()?;
                return Ok(());
            }
            "most" => {
                let most = value.parse().ok().filter(|most| (1..=1 << 20).contains(most));
                let wrong = || Error::expected(ErrorKind::Spec, "a number of features from 1 to 1048576", value);
                self.most = most.ok_or_else(wrong)?;
                return Ok(());
            }
            other => return Err(unknown("setting of features", other, &NAMES).into()),
        };
        let rule = Rule { pattern: pattern.map(str::to_owned), setting };
        let same = |known: &&mut Rule| {
            known.pattern == rule.pattern && std::mem::discriminant(&known.setting) == std::mem::discriminant(&setting)
        };
        match self.rules.iter_mut().find(same) {
            // For all features: there is one such rule, in front of the others.
            Some(known) if rule.pattern.is_none() => *known = rule,
            _ => self.rules.push(rule),
        }
        Ok(())
    }

    /// The same, with another scale for all features that have none of their own.
    #[must_use]
    pub fn with_scale(mut self, scale: Scale) -> Self {
        self.rules[0].setting = Setting::Scale(scale);
        self
    }

    /// How all features are scaled that have no scale of their own.
    #[must_use]
    pub fn default_scale(&self) -> Scale {
        match self.rules[0].setting {
            Setting::Scale(scale) => scale,
            _ => Scale::default(),
        }
    }

    /// How the feature of this name is scaled.
    #[must_use]
    pub fn scale(&self, name: &str) -> Scale {
        self.last(name, |setting| if let Setting::Scale(scale) = setting { Some(scale) } else { None })
    }

    /// How it becomes numbers if it is a category.
    #[must_use]
    pub fn category(&self, name: &str) -> Encoding {
        self.last(name, |setting| if let Setting::Category(encoding) = setting { Some(encoding) } else { None })
    }

    /// What stands for its missing numbers.
    #[must_use]
    pub fn missing(&self, name: &str) -> Missing {
        self.last(name, |setting| if let Setting::Missing(missing) = setting { Some(missing) } else { None })
    }

    /// The nearest and the farthest of the known targets that are features.
    #[must_use]
    pub fn lags(&self) -> Option<(usize, usize)> {
        self.lags
    }

    /// The statistics of known targets that are features.
    #[must_use]
    pub fn rolling(&self) -> &[Rolling] {
        &self.rolling
    }

    /// How many features there may be, and how many columns.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most
    }

    /// Whether any feature is made of known answers.
    #[must_use]
    pub fn uses_answers(&self) -> bool {
        let target = |rule: &Rule| matches!(rule.setting, Setting::Category(Encoding::Target { .. }));
        self.lags.is_some() || !self.rolling.is_empty() || self.rules.iter().any(target)
    }

    /// An error if a category is to become a [vector](Encoding::Embed), where nothing learns one.
    pub(crate) fn check_no_embeddings(&self) -> Result<(), Error> {
        let embed = |rule: &Rule| matches!(rule.setting, Setting::Category(Encoding::Embed { .. }));
        let expected = "categories that are not learned vectors (onehot, hash)";
        let wrong = || Error::expected(ErrorKind::Spec, expected, &self.to_string());
        if self.rules.iter().any(embed) { Err(wrong()) } else { Ok(()) }
    }

    /// Whether it can be used for this task.
    ///
    /// # Errors
    ///
    /// If there are statistics of targets that are classes, or anything made of targets that are sets of labels.
    pub fn check(&self, task: Task) -> Result<(), Error> {
        match (task, self.rolling.first()) {
            (Task::Classify, Some(rolling)) => {
                let message = format!("expected a number to predict for rolling={rolling}, found classes");
                Err(Error::new(ErrorKind::Spec, message))
            }
            (Task::MultiLabel, _) if self.uses_answers() => {
                let message =
                    format!("expected one answer a row for features made of answers, {self}; found sets of labels");
                Err(Error::new(ErrorKind::Spec, message))
            }
            _ => Ok(()),
        }
    }

    fn last<S: Default>(&self, name: &str, of_kind: impl Fn(Setting) -> Option<S>) -> S {
        let fits = |rule: &&Rule| rule.pattern.as_deref().is_none_or(|pattern| fits(pattern, name));
        self.rules.iter().rev().filter(fits).find_map(|rule| of_kind(rule.setting)).unwrap_or_default()
    }
}

/// The full specification: what was left out is spelled out, but for `most`.
impl fmt::Display for FeatureSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Rule { pattern, setting }) in self.rules.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            let pattern = pattern.as_ref().map_or(String::new(), |pattern| format!("({pattern})"));
            match setting {
                Setting::Scale(scale) => write!(f, "{separator}scale{pattern}={scale}")?,
                Setting::Category(encoding) => write!(f, "{separator}category{pattern}={encoding}")?,
                Setting::Missing(missing) => write!(f, "{separator}missing{pattern}={missing}")?,
            }
        }
        if let Some((first, last)) = self.lags {
            write!(f, "; lags={first}..{last}")?;
        }
        for (index, rolling) in self.rolling.iter().enumerate() {
            write!(f, "{}{rolling}", if index == 0 { "; rolling=" } else { "," })?;
        }
        if self.most != MOST {
            write!(f, "; most={}", self.most)?;
        }
        Ok(())
    }
}

impl TryFrom<String> for FeatureSpec {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        FeatureSpec::parse(&text)
    }
}

impl From<FeatureSpec> for String {
    fn from(spec: FeatureSpec) -> Self {
        spec.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(text: &str) -> String {
        FeatureSpec::parse(text).expect_err("it is wrong").to_string()
    }

    proptest! {
        #[test]
        fn printing_parses_back(
            items in prop::collection::vec(prop::sample::select(vec![
                "scale=robust", "scale=none", "scale(a*)=adaptive:0.01", "scale(a*)=minmax", "category=hash:32",
                "category(city (old))=target:2.5,most=9", "category=embed", "category(k)=embed:3,most=5", "category(k=v)=onehot:3", "missing=last:flag=false",
                "missing(*)=zero", "most=9", "most=65536", "lags=2..9", "lags=4", "rolling=mean:12,std:3", "rolling=min:2", " ",
            ]), 0..9),
        ) {
            let spec = FeatureSpec::parse(&items.join(";")).unwrap();
            prop_assert_eq!(FeatureSpec::parse(&spec.to_string()).unwrap(), spec.clone());
            prop_assert_eq!(FeatureSpec::try_from(String::from(spec.clone())).unwrap(), spec);
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,24}|[a-c;=()*:,.0-9]{0,24}|(scale|lags)[(]?[a*]{0,3}[)]?=\\PC{0,6}") {
            drop(FeatureSpec::parse(&text));
        }
    }

    #[test]
    fn the_last_rule_that_fits_holds() {
        let spec = FeatureSpec::parse("scale(t*)=none; scale(temp)=robust; scale(*p)=minmax; scale=maxabs").unwrap();
        let scales = ["temp", "top", "t", "wind"].map(|name| spec.scale(name).to_string());
        assert_eq!(scales, ["minmax", "minmax", "none", "maxabs"]);
        assert_eq!(spec.clone().with_scale(Scale::Robust).scale("wind"), Scale::Robust);
    }

    #[test]
    fn a_wrong_specification_is_answered_with_what_is_allowed() {
        assert!(message("scal=robust").contains(r#"did you mean "scale"?"#));
        assert!(message("category=hsah:3").contains(r#"did you mean "hash"?"#));
        assert!(message("category(k)=entity:8").contains("allowed: onehot, target, hash, embed"));
        assert!(message("category=embed:0").contains("expected vectors of 1 to 1024 numbers"));
        assert!(message("category=embed:8,most=0").contains("expected a size from 1 to 65536"));
        assert!(message("robust").contains("expected setting=value or setting(pattern)=value, found \"robust\""));
        assert!(message("scale()=robust").contains("expected setting=value"));
        assert!(message("lags(a)=3").contains("expected lags=… without a pattern"));
        for lags in ["0", "5..3", "x", "99999", ""] {
            assert!(message(&format!("lags={lags}")).contains("expected lags such as 12 or 3..7"), "{lags}");
        }
        for most in ["0", "1048577", "x", ""] {
            assert!(message(&format!("most={most}")).contains("expected a number of features from 1 to 1048576"));
        }
        assert!(message("missing=median").contains("allowed: mean, zero, last"));
        assert!(message("rolling=mean").contains("over how many"), "{}", message("rolling=mean"));
        let rolling = FeatureSpec::parse("rolling=std:9").unwrap();
        assert!(rolling.check(Task::Regress).is_ok());
        let expected = "expected a number to predict for rolling=std:9, found classes";
        assert_eq!(rolling.check(Task::Classify).unwrap_err().to_string(), expected);
    }
}
