//! What was published, and what of it must hold here.
//!
//! The figures are those of van de Ven, Tuytelaars & Tolias, "Three types of incremental learning" (2022), table 2: accuracy in
//! percent and its standard error over 20 seeds, with 60 000 images to learn.

use super::method::{Method, Scenario};
use super::{Cell, Images};
use crate::tables::Gates;

/// Accuracy and its standard error in task-, domain- and class-incremental learning.
type Figures = [Option<(f64, f64)>; 3];

const PUBLISHED: [(Method, Figures); 8] = [
    (Method::None, [Some((84.32, 0.99)), Some((60.13, 1.66)), Some((19.89, 0.02))]),
    (Method::Ewc, [Some((99.06, 0.15)), Some((63.03, 1.58)), Some((20.64, 0.52))]),
    (Method::Si, [Some((99.20, 0.11)), Some((66.94, 1.13)), Some((21.20, 0.57))]),
    (Method::Lwf, [Some((99.60, 0.03)), Some((71.18, 1.42)), Some((21.89, 0.32))]),
    (Method::AGem, [Some((98.54, 0.10)), Some((87.67, 1.33)), Some((65.10, 3.64))]),
    (Method::Er, [Some((98.98, 0.07)), Some((93.75, 0.24)), Some((88.79, 0.20))]),
    (Method::Icarl, [None, None, Some((92.49, 0.12))]),
    (Method::Joint, [Some((99.67, 0.03)), Some((98.59, 0.05)), Some((98.17, 0.04))]),
];

/// Methods that were not in that table, and one that they are kin to: they must be above those that it is far above.
const KIN: [(Method, Method); 4] = [
    (Method::OnlineEwc, Method::Ewc),
    (Method::Mas, Method::Ewc),
    (Method::ErAce, Method::Er),
    (Method::Der, Method::Er),
];

/// So many points apart are far apart: the order must hold here, with a quarter of the distance.
const FAR: f64 = 6.0;
/// So near to `None` is no help on MNIST, and must not be more than [`NO_HELP`] points here.
const NEAR: f64 = 3.0;
const NO_HELP: f64 = 10.0;

/// What was published of a method, in percent, and its standard error.
#[must_use]
pub fn published(method: Method, scenario: Scenario) -> Option<(f64, f64)> {
    PUBLISHED.iter().find(|(known, _)| *known == method).and_then(|(_, figures)| figures[scenario as usize])
}

/// The published figure, or that of its kin.
fn reference(method: Method, scenario: Scenario) -> Option<f64> {
    let kin = KIN.iter().find(|(known, _)| *known == method).map_or(method, |(_, kin)| *kin);
    published(kin, scenario).map(|(mean, _)| mean)
}

/// The published order of what was measured.
pub fn check(images: Images, cells: &[Cell], gates: &mut Gates) {
    for (at, better) in cells.iter().enumerate() {
        for (other, worse) in cells.iter().enumerate() {
            if at == other || better.scenario != worse.scenario {
                continue;
            }
            let scenario = better.scenario;
            let figures = [better.method, worse.method].map(|method| reference(method, scenario));
            let [Some(high), Some(low)] = figures else { continue };
            let (names, distance) = ([better.method.name(), worse.method.name()], better.mean() - worse.mean());
            let is_of_none = worse.method == Method::None;
            let is_published = published(better.method, scenario).is_some();
            if high - low >= FAR {
                let least = (high - low) / 4.0;
                let what = format!(
                    "{}: {} above {} by at least {least:.0}: {distance:.1}",
                    scenario.name(),
                    names[0],
                    names[1]
                );
                gates.check(what, distance >= least);
            } else if images == Images::Mnist && is_of_none && is_published && (high - low).abs() <= NEAR {
                let what =
                    format!("{}: {} at most {NO_HELP} above {}: {distance:.1}", scenario.name(), names[0], names[1]);
                gates.check(what, distance <= NO_HELP);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(percent: impl Fn(Method) -> f64) -> Vec<Cell> {
        let methods = [Method::None, Method::Ewc, Method::AGem, Method::Er, Method::Der];
        methods.map(|method| Cell { scenario: Scenario::Class, method, accuracies: vec![percent(method); 2] }).into()
    }

    /// What was published passes; the memory that forgets, and the penalty that does not, fail.
    #[test]
    fn the_published_order_passes_and_another_does_not() {
        let of = |method| reference(method, Scenario::Class).unwrap();
        for (percent, passes) in [
            (&of as &dyn Fn(Method) -> f64, true),
            (&|method| if method == Method::Er { 20.0 } else { of(method) }, false),
            (&|method| if method == Method::Der { 20.0 } else { of(method) }, false),
            (&|method| if method == Method::Ewc { 80.0 } else { of(method) }, false),
        ] {
            let mut gates = Gates::default();
            check(Images::Mnist, &cells(percent), &mut gates);
            assert_eq!(gates.report(), passes);
        }
    }
}
