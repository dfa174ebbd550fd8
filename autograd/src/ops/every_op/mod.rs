//! Every differentiable op in one [`table`]: each is differentiated at random inputs of random shapes, in `f64` and
//! over dual numbers, and held against finite differences. An op that is not in the table fails a test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use proptest::prelude::*;
use thalweg_tensor::{Dual, Real, Rng};

use crate::{Back, Params, Tape, Var};
use check::{Place, check};
use table::OPS;

mod check;
mod draw;
mod table;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_op_is_differentiated_as_finite_differences_say(seed in any::<u64>()) {
        for (i, (name, check)) in OPS.iter().enumerate() {
            let result = check(&mut Rng::new(seed.wrapping_add(i as u64)));
            prop_assert!(result.is_ok(), "{name}: {}", result.unwrap_err());
        }
    }

    #[test]
    fn an_input_is_the_same_wherever_it_lies(seed in any::<u64>()) {
        let x = draw::any(&mut Rng::new(seed), -2.0, 2.0);
        for place in Place::ALL {
            let (mut params, mut tape, stored) = (Params::<f64>::new(), Tape::new(), place.store(&x));
            let param = params.add("x", stored.shape(), |i| stored.as_slice()[i]);
            let pass = tape.pass(&params);
            prop_assert_eq!(&place.read(pass.param(param), x.shape()).to_tensor(), &x);
        }
    }
}

#[test]
fn the_check_catches_a_wrong_gradient_and_a_lost_tangent() {
    fn sine<'p, T: Real>(x: Var<'p, T>, value: fn(T) -> T, backward: fn(&mut Back<'_, T>)) -> Var<'p, T> {
        let forward = |[x]: [&[T]; 1], y: &mut [T]| y.iter_mut().zip(x).for_each(|(y, &x)| *y = value(x));
        x.pass().record("sin", [x], x.shape(), forward, backward)
    }
    let fault = |real: fn(Var<'_, f64>) -> Var<'_, f64>, dual: fn(Var<'_, Dual>) -> Var<'_, Dual>| {
        let mut rng = Rng::new(1);
        check(&mut rng, [draw::of(&mut Rng::new(2), &[3])], &|[x]| real(x), &|[x]| dual(x)).err().unwrap_or_default()
    };
    assert_eq!(fault(|x| x.sin(), |x| x.sin()), "");
    let wrong = fault(|x| sine(x, Real::sin, |g| g.each(|x, _y| -x.cos())), |x| x.sin());
    assert!(wrong.starts_with("gradient of x0"), "{wrong}");
    let forward = fault(|x| x.sin(), |x| sine(x, |x| Dual::from(x.to_f64().sin()), |g| g.each(|x, _y| x.cos())));
    assert!(forward.starts_with("J v"), "{forward}");
    let backward = fault(|x| x.sin(), |x| sine(x, Real::sin, |g| g.each(|x, _y| Dual::from(x.to_f64().cos()))));
    assert!(backward.starts_with("the derivative of Jᵀu"), "{backward}");
}

#[test]
#[cfg_attr(miri, ignore = "reads files")]
fn every_op_is_in_the_table() -> io::Result<()> {
    let mut found = BTreeSet::new();
    for file in sources()? {
        found.extend(ops_in(&fs::read_to_string(file)?));
    }
    let table: BTreeSet<String> = OPS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let missing: Vec<&String> = found.difference(&table).collect();
    let gone: Vec<&String> = table.difference(&found).collect();
    assert!(missing.is_empty(), "not in every_op/table.rs: {missing:?}");
    assert!(gone.is_empty(), "in every_op/table.rs, but not an op: {gone:?}");
    assert_eq!(table.len(), OPS.len(), "an op is in every_op/table.rs twice");
    Ok(())
}

/// The docs of the ops name every op once, and count them. (`+ − * /` stand there as signs.)
#[test]
fn the_docs_name_every_op() {
    let docs = include_str!("../mod.rs");
    let mut unnamed: BTreeSet<&str> = OPS.iter().map(|(name, _)| *name).collect();
    let mut counts = [0; 2];
    for row in docs.lines().filter(|line| line.starts_with("//! | `")) {
        for (column, count) in row.split('|').skip(2).zip(&mut counts) {
            let quoted = column.split('`').skip(1).step_by(2).filter(|quoted| !quoted.contains(' '));
            for name in quoted {
                assert!(unnamed.remove(name), "in the docs of ops/mod.rs, but not an op, or there twice: {name}");
                *count += 1;
            }
        }
    }
    assert!(unnamed.iter().all(|name| ["add", "sub", "mul", "div"].contains(name)), "not in the docs: {unnamed:?}");
    let [primitives, others] = counts;
    assert!(
        docs.contains(&format!("{primitives} primitives")) && docs.contains(&format!("{others} others")),
        "{counts:?}"
    );
}

/// A number leaves its tangent behind in `to_f64`: ops may do so with attributes only, never with data.
#[test]
#[cfg_attr(miri, ignore = "reads files")]
fn ops_turn_attributes_only_into_plain_numbers() -> io::Result<()> {
    for file in sources()? {
        let source = fs::read_to_string(&file)?;
        let lines = source.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        for line in lines.filter(|line| line.contains("to_f64()")) {
            assert!(line.contains(".scalar("), "{}: {}", file.display(), line.trim());
        }
    }
    Ok(())
}

#[test]
fn the_scan_finds_methods_and_operators_only() {
    let source = "impl<T: Real> Var<'_, T> {\n    pub fn a<const N: usize>(self) {\n    }\n    fn hidden() {}\n}\n\
                  pub fn free() {}\nimpl Neg for Var<'_, T> {\n    fn neg(self) {}\n}\nimpl Other {\n    pub fn b() {}\n}\n";
    assert_eq!(ops_in(source).collect::<Vec<_>>(), ["a", "neg"]);
}

/// Where the ops are.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops")
}

/// The source files of the ops, those of this folder left out.
fn sources() -> io::Result<Vec<PathBuf>> {
    let (mut files, mut directories) = (Vec::new(), vec![directory()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            match path.is_dir() {
                true if path.ends_with("every_op") => {}
                true => directories.push(path),
                false => files.push(path),
            }
        }
    }
    Ok(files)
}

/// The names of the ops in one source file: public methods of `Var`, and the methods of operators on it.
fn ops_in(source: &str) -> impl Iterator<Item = String> {
    let mut start = None;
    source.lines().filter_map(move |line| {
        if line.starts_with("impl") {
            start = match (line.contains(" for Var<"), line.contains("Var<")) {
                (true, _) => Some("    fn "),
                (false, true) => Some("    pub fn "),
                (false, false) => None,
            };
        } else if line == "}" {
            start = None;
        }
        let signature = line.strip_prefix(start?)?;
        signature.split(['(', '<']).next().map(str::to_owned)
    })
}
