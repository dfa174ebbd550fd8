//! A detector as it is made and as it is read: whether its parts belong together.

use thalweg_nn::Optimizer;

use super::{Autoencoder, Config, Halves};
use crate::deep::takes_rows_alone;
use crate::error::{Error, ErrorKind};
use crate::saved::{Checked, checked, ensure};

checked!(Autoencoder);

/// Whether a detector can be made like this.
pub(super) fn check(config: &Config) -> Result<(), Error> {
    takes_rows_alone(&config.model, &config.features)?;
    let wrong = |expected: &str, found: String| Err(Error::expected(ErrorKind::Spec, expected, &found));
    if !(config.fading > 0.0 && config.fading <= 1.0) {
        return wrong("a fading factor above 0 and at most 1", config.fading.to_string());
    }
    if let Some(rank) = config.spared.filter(|rank| !(0.5..=1.0).contains(rank)) {
        // The first rows all have the rank ½: with less, none would ever be learned.
        return wrong("a rank from 0.5 to 1", rank.to_string());
    }
    Ok(())
}

impl Checked for Autoencoder {
    fn check(&self) -> Result<(), Error> {
        let Autoencoder { config, features, params, network, optimizer, mode, .. } = self;
        check(config)?;
        ensure(*features.spec() == config.features, "features as they were asked for")?;
        ensure(mode.is_training() && mode.is_settled(), "a network that learns, between two rows")?;
        let (mut entries, columns) = (0, features.width());
        if let Some(Halves { body, head }) = network {
            entries = body.check(params)?.len() + 2;
            let as_asked = *body.spec() == config.model.layers && body.input() == [columns].into();
            ensure(
                as_asked && head.is_in(params, "head", body.output().len(), columns),
                "a network of these features",
            )?;
        }
        let whole = entries == params.layout().entries().len() && optimizer.fits(params);
        ensure(whole, "the parameters of the network, and an optimizer that met them")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Features;
    use crate::saved::testing::refuses;

    #[test]
    fn a_detector_whose_parts_do_not_fit_is_refused() {
        let mut detector = Autoencoder::new(Config::default()).expect("they fit");
        for k in 0..6_u8 {
            detector.learn_one(&[("x", f64::from(k)), ("y", f64::from(k % 2))]).expect("the row is good");
        }
        refuses(
            &detector,
            &[
                ("no network", |detector| detector.network = None),
                ("other features", |detector| detector.features = Features::new()),
                ("another network", |detector| {
                    detector.config.model = crate::deep::Model::parse("mlp:9").expect("a model");
                }),
                ("a head that is a bias", |detector| {
                    let head = &mut detector.network.as_mut().expect("it has learned").head;
                    head.weight = head.bias.expect("there is one");
                }),
                ("an unusable rank", |detector| detector.config.spared = Some(0.1)),
                ("a count that cannot go on", |detector| detector.spared = u64::MAX),
            ],
        );
    }
}
