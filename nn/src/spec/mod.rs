//! Short descriptions of things that are made from settings: `mlp:64,64`, `sgd:0.03,momentum=0.9`, `none`.
//!
//! ```text
//! spec  = name [ ":" item { "," item } ]
//! item  = argument | flag | option "=" value
//! ```
//!
//! Names and options consist of ASCII letters, digits, `_` and `-`. Arguments and values are any text without `,` and
//! `=`. Space around any part is ignored. A flag is the name of an option that is true or false, and stands for true.

mod error;
mod suggest;

use std::fmt;

pub use error::{SpecError, quoted};
pub use suggest::{nearest, sentence, unknown};

/// A specification: a name, arguments by position, options by name.
///
/// Reading an argument or an option also notes that it is known; [`finish`](Spec::finish) then refuses the others.
///
/// # Example
///
/// ```
/// use thalweg_nn::spec::Spec;
///
/// let mut spec = Spec::parse("sgd:0.03,momentum=0.9")?;
/// assert_eq!(spec.name(), "sgd");
/// assert_eq!(spec.arg::<f64>(0, "the learning rate")?, 0.03);
/// assert_eq!(spec.option::<f64>("momentum")?, Some(0.9));
/// assert_eq!(spec.option::<bool>("nesterov")?, None);
/// spec.finish()?;
///
/// let mut typo = Spec::parse("sgd:0.03,momentun=0.9")?;
/// typo.arg::<f64>(0, "the learning rate")?;
/// typo.option::<f64>("momentum")?;
/// let error = typo.finish().unwrap_err().to_string();
/// assert_eq!(error, r#"unknown option of sgd "momentun"; did you mean "momentum"? allowed: momentum"#);
/// # Ok::<(), thalweg_nn::spec::SpecError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Spec {
    name: String,
    args: Vec<String>,
    options: Vec<(String, String)>,
    /// How many arguments have been asked for, and which options.
    known_args: usize,
    known_options: Vec<String>,
}

/// A type that an argument or an option of a [`Spec`] can have.
pub trait Setting: Sized {
    /// What is expected, as it stands in an error: `a number`.
    const EXPECTED: &'static str;

    /// The value, if `text` is one.
    fn from_text(text: &str) -> Option<Self>;
}

macro_rules! settings {
    ($($setting:ty: $expected:literal, $accept:expr;)*) => {$(
        impl Setting for $setting {
            const EXPECTED: &'static str = $expected;

            fn from_text(text: &str) -> Option<Self> {
                text.parse().ok().filter($accept)
            }
        }
    )*};
}

settings! {
    f64: "a finite number", |number: &f64| number.is_finite();
    f32: "a finite number", |number: &f32| number.is_finite();
    u64: "a whole number", |_| true;
    u32: "a whole number", |_| true;
    usize: "a whole number", |_| true;
    bool: "true or false", |_| true;
    String: "text", |_| true;
}

impl Spec {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If `text` does not follow the grammar above or names an option twice.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let wrong = |what: String| SpecError::new(format!("{}: {what}", quoted(text)));
        let (name, items) = match text.split_once(':') {
            Some((name, items)) => (name.trim(), Some(items)),
            None => (text.trim(), None),
        };
        if !is_name(name) {
            let expected = "expected a name of letters, digits, _ and -";
            return Err(wrong(format!("{expected}, then perhaps a colon and its arguments; found {}", quoted(name))));
        }
        let mut spec =
            Spec { name: name.to_owned(), args: vec![], options: vec![], known_args: 0, known_options: vec![] };
        for item in items.into_iter().flat_map(|items| items.split(',')).map(str::trim) {
            match item.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
                None if item.is_empty() => return Err(wrong("expected an argument, found nothing".into())),
                None => spec.args.push(item.to_owned()),
                Some((key, value)) if !is_name(key) || value.is_empty() || value.contains('=') => {
                    return Err(wrong(format!("expected option=value, found {}", quoted(item))));
                }
                Some((key, _)) if spec.options.iter().any(|(known, _)| known == key) => {
                    return Err(wrong(format!("the option {key} stands twice")));
                }
                Some((key, value)) => spec.options.push((key.to_owned(), value.to_owned())),
            }
        }
        Ok(spec)
    }

    /// The name before the colon.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The arguments, in order.
    #[must_use]
    pub fn args(&self) -> &[String] {
        &self.args
    }

    /// The options and their values, in order.
    #[must_use]
    pub fn options(&self) -> &[(String, String)] {
        &self.options
    }

    /// The argument at `index`, which must be there. `what` says what it is: `the learning rate`.
    ///
    /// # Errors
    ///
    /// If it is missing or not of the type.
    pub fn arg<T: Setting>(&mut self, index: usize, what: &str) -> Result<T, SpecError> {
        let found = self.optional_arg(index, what)?;
        found.ok_or_else(|| self.wrong(format!("expected {what} ({}), found nothing", T::EXPECTED)))
    }

    /// The argument at `index`, if it is there.
    ///
    /// # Errors
    ///
    /// If it is not of the type.
    pub fn optional_arg<T: Setting>(&mut self, index: usize, what: &str) -> Result<Option<T>, SpecError> {
        self.known_args = self.known_args.max(index.saturating_add(1));
        self.args.get(index).map(|text| self.typed(what, text)).transpose()
    }

    /// All arguments. `what` says what each is: `the width of a layer`.
    ///
    /// # Errors
    ///
    /// If one is not of the type.
    pub fn all_args<T: Setting>(&mut self, what: &str) -> Result<Vec<T>, SpecError> {
        self.known_args = usize::MAX;
        self.args.iter().map(|text| self.typed(what, text)).collect()
    }

    /// The value of the option `name`, if it is there.
    ///
    /// # Errors
    ///
    /// If it is not of the type.
    pub fn option<T: Setting>(&mut self, name: &str) -> Result<Option<T>, SpecError> {
        if !self.known_options.iter().any(|known| known == name) {
            self.known_options.push(name.to_owned());
        }
        let found = self.options.iter().find(|(key, _)| key == name);
        found.map(|(_, text)| self.typed(name, text)).transpose()
    }

    /// Whether the word `name` stands among the arguments, as in `lstm:64,bidirectional`; or what its option says,
    /// `bidirectional=true`. It counts as no argument: flags are read before arguments.
    ///
    /// # Errors
    ///
    /// If the option is neither true nor false, or both are there.
    pub fn flag(&mut self, name: &str) -> Result<bool, SpecError> {
        match (self.args.iter().position(|arg| arg == name), self.option(name)?) {
            (None, found) => Ok(found.unwrap_or(false)),
            (Some(_), Some(_)) => Err(self.wrong(format!("the option {name} stands twice"))),
            (Some(place), None) => {
                self.args.remove(place);
                self.options.push((name.to_owned(), "true".to_owned()));
                Ok(true)
            }
        }
    }

    /// [`option`](Spec::option), and it is there no more: for what is not the business of who reads the rest.
    ///
    /// # Errors
    ///
    /// If it is not of the type.
    pub fn take_option<T: Setting>(&mut self, name: &str) -> Result<Option<T>, SpecError> {
        let found = self.option(name)?;
        self.options.retain(|(key, _)| key != name);
        Ok(found)
    }

    /// Refuses whatever has not been asked for.
    ///
    /// # Errors
    ///
    /// If there is an argument too many, or an option that was never read; says what is allowed.
    pub fn finish(&self) -> Result<(), SpecError> {
        let allowed: Vec<&str> = self.known_options.iter().map(String::as_str).collect();
        let option = |key: &str| unknown(&format!("option of {}", self.name), key, &allowed);
        if let Some(extra) = self.args.get(self.known_args) {
            if nearest(extra, &allowed).is_some() {
                return Err(option(extra));
            }
            let known = self.known_args;
            let plural = if known == 1 { "" } else { "s" };
            return Err(
                self.wrong(format!("expected at most {known} argument{plural}, found {} as well", quoted(extra)))
            );
        }
        match self.options.iter().find(|(key, _)| !allowed.contains(&key.as_str())) {
            Some((key, _)) => Err(option(key)),
            None => Ok(()),
        }
    }

    fn typed<T: Setting>(&self, what: &str, text: &str) -> Result<T, SpecError> {
        let wrong = || self.wrong(format!("expected {what} to be {}, found {}", T::EXPECTED, quoted(text)));
        T::from_text(text).ok_or_else(wrong)
    }

    fn wrong(&self, what: String) -> SpecError {
        SpecError::new(format!("{}: {what}", quoted(&self.to_string())))
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Two specifications are equal if they say the same; what has been read of them does not matter.
impl PartialEq for Spec {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.args, &self.options) == (&other.name, &other.args, &other.options)
    }
}

/// The specification as it is written, arguments first: parsing it gives an equal one.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let options = self.options.iter().map(|(key, value)| format!("{key}={value}"));
        for (index, item) in self.args.iter().cloned().chain(options).enumerate() {
            write!(f, "{}{item}", if index == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn failure(text: &str, read: impl FnOnce(&mut Spec) -> Result<(), SpecError>) -> String {
        let result = Spec::parse(text).and_then(|mut spec| read(&mut spec).and_then(|()| spec.finish()));
        result.map_or_else(|error| error.to_string(), |()| "no error".to_string())
    }

    #[test]
    fn an_error_says_what_was_expected_and_found() {
        let rate = |spec: &mut Spec| spec.arg::<f64>(0, "the learning rate").map(drop);
        let expected = r#""sgd": expected the learning rate (a finite number), found nothing"#;
        assert_eq!(failure("sgd", rate), expected);
        for bad in ["fast", "NaN", "inf", "1e999"] {
            let expected = format!(r#""sgd:{bad}": expected the learning rate to be a finite number, found "{bad}""#);
            assert_eq!(failure(&format!("sgd:{bad}"), rate), expected);
        }
        assert_eq!(failure("sgd:1,2", rate), r#""sgd:1,2": expected at most 1 argument, found "2" as well"#);
        assert_eq!(failure("sgd:1,a=2", rate), r#"unknown option of sgd "a"; allowed: nothing"#);
        assert_eq!(failure("sgd:1", rate), "no error");
        let widths = |spec: &mut Spec| spec.all_args::<usize>("the width of a layer").map(drop);
        assert_eq!(failure("mlp:8,8,8", widths), "no error");
        assert!(
            failure("mlp:8,-8", widths).ends_with(r#"expected the width of a layer to be a whole number, found "-8""#)
        );
    }

    #[test]
    fn what_does_not_follow_the_grammar_is_refused() {
        for text in
            ["", " ", ":", ":1", "mlp:", "mlp:1,,2", "mlp:1,", "ml p", "mlp,64", "a:=1", "a:b=", "a:b=1=2", "a:b=1,b=2"]
        {
            assert_eq!(Spec::parse(text).ok(), None, "{text:?}");
        }
    }

    #[test]
    fn a_flag_is_a_word_or_an_option() -> Result<(), SpecError> {
        for (text, on) in
            [("a:on,4", true), ("a:4,on", true), ("a:4,on=true", true), ("a:4,on=false", false), ("a:4", false)]
        {
            let mut spec = Spec::parse(text)?;
            assert_eq!((spec.flag("on")?, spec.flag("on")?, spec.arg::<usize>(0, "a size")?), (on, on, 4), "{text}");
            spec.finish()?;
        }
        let twice = |spec: &mut Spec| spec.flag("on").map(drop);
        assert_eq!(failure("a:on,on=true", twice), r#""a:on,on=true": the option on stands twice"#);
        assert_eq!(failure("a:onn", twice), r#"unknown option of a "onn"; did you mean "on"? allowed: on"#);
        Ok(())
    }

    #[test]
    fn space_around_the_parts_is_ignored() -> Result<(), SpecError> {
        let spec = Spec::parse(" sgd : momentum = 0.9 , 0.03 ")?;
        assert_eq!(spec, Spec::parse("sgd:0.03,momentum=0.9")?);
        assert_eq!(spec.to_string(), "sgd:0.03,momentum=0.9");
        Ok(())
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_printing_parses_back(text in "\\PC{0,24}|[a-c:,= ]{0,16}") {
            if let Ok(spec) = Spec::parse(&text) {
                prop_assert_eq!(Spec::parse(&spec.to_string()).ok(), Some(spec));
            }
        }

        #[test]
        fn printing_parses_back(name in "[a-z_0-9-]{1,8}", args in prop::collection::vec("[a-z0-9.:/é]{1,6}", 0..4),
                                options in prop::collection::btree_map("[a-z]{1,4}", "[0-9.e:]{1,5}", 0..4)) {
            let options: Vec<(String, String)> = options.into_iter().collect();
            let spec = Spec { name, args, options, known_args: 0, known_options: vec![] };
            prop_assert_eq!(Spec::parse(&spec.to_string()).ok(), Some(spec));
        }
    }
}
