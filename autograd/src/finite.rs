//! Where the first number that is not finite came from.
//!
//! A pass records every op it runs, so nothing has to be switched on: when a loss is NaN, ask the pass. A pass that
//! nobody asks pays nothing.

use std::fmt;

use thalweg_tensor::{Real, Shape};

use crate::node::{Memory, Place};
use crate::{Grads, Param, Pass, Var};

/// The first op that gave a number which is not finite: a value, or a gradient of one of its inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct NonFinite {
    /// The op, by its name in messages: `div`; or `input`, `leaf`, `param`.
    pub op: &'static str,
    /// Its node: the number of nodes recorded before it in the pass.
    pub node: usize,
    /// The shape of its output.
    pub shape: Shape,
    /// What went in: for each input its node, described as this one is (`param head.weight`).
    pub inputs: Vec<String>,
    /// What is not finite: the output, or the gradient of this input that its backward gave.
    pub gradient_of: Option<usize>,
    /// The first element that is not finite, row-major.
    pub element: usize,
    /// The element: NaN, ∞ or −∞.
    pub value: f64,
    description: String,
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.description)?;
        match self.gradient_of {
            None => write!(f, ": element {} is {}", self.element, self.value)?,
            Some(i) => {
                write!(f, ": its backward gave input {i} a gradient whose element {} is {}", self.element, self.value)?
            }
        }
        let mut between = "; inputs: ";
        for input in &self.inputs {
            write!(f, "{between}{input}")?;
            between = ", ";
        }
        Ok(())
    }
}

impl std::error::Error for NonFinite {}

impl<T: Real> Pass<'_, T> {
    /// Whether every value of this pass is finite: inputs, parameters and the output of every op so far.
    ///
    /// # Errors
    /// The first node, in the order of the computation, that holds a NaN or an infinity.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    ///
    /// let (params, mut tape) = (Params::<f64>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// let x = pass.input(&[1.0, 0.0, 4.0]);
    /// let loss = (x.ln() * x).sum(); // 0 · ln 0
    /// assert!(loss.item().is_nan());
    /// let error = pass.check_finite().unwrap_err();
    /// assert_eq!(error.to_string(), "node 1, ln [3]: element 1 is -inf; inputs: node 0, input [3]");
    /// ```
    pub fn check_finite(&self) -> Result<(), Box<NonFinite>> {
        let m = &*self.memory.borrow();
        for (id, node) in m.nodes.iter().enumerate() {
            if let Some(bad) = first_bad(node.read(&m.value, self.params.as_slice())) {
                return Err(Box::new(self.report(m, id, None, bad)));
            }
        }
        Ok(())
    }

    fn report(&self, m: &Memory<T>, id: usize, gradient_of: Option<usize>, bad: (usize, f64)) -> NonFinite {
        let (node, (element, value)) = (&m.nodes[id], bad);
        NonFinite {
            op: node.name,
            node: id,
            shape: node.shape,
            inputs: m.inputs_of(id).iter().map(|&input| self.describe(m, input as usize)).collect(),
            gradient_of,
            element,
            value,
            description: self.describe(m, id),
        }
    }

    /// A node in words: its number, op and shape, and the name of a parameter.
    fn describe(&self, m: &Memory<T>, id: usize) -> String {
        let node = &m.nodes[id];
        match node.place {
            Place::Theta(param, _) => format!("node {id}, {} {} {}", node.name, self.name_of(param), node.shape),
            Place::Tape(_) => format!("node {id}, {} {}", node.name, node.shape),
        }
    }

    pub(crate) fn name_of(&self, param: Param) -> &str {
        self.params.layout().entry(param).name()
    }
}

impl<T: Real> Var<'_, T> {
    /// Whether [`backward`](Var::backward) from here gives finite gradients everywhere: to parameters, leaves and all
    /// values in between. It runs backward once more, on a gradient of its own, and looks after each op: for when a
    /// gradient has turned out not to be finite.
    ///
    /// # Errors
    /// The first op, in the order of backward, that gave one of its inputs a gradient with a NaN or an infinity.
    ///
    /// # Panics
    /// If `self` is not a single number.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    ///
    /// let (params, mut tape) = (Params::<f64>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// let length = pass.leaf(&[0.0, 0.0]).square().sum().sqrt(); // 0, but the slope of √ at 0 is ∞
    /// assert!(pass.check_finite().is_ok());
    /// let error = length.check_finite_gradient().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "node 3, sqrt []: its backward gave input 0 a gradient whose element 0 is inf; inputs: node 2, sum []"
    /// );
    /// ```
    #[track_caller]
    pub fn check_finite_gradient(self) -> Result<(), Box<NonFinite>> {
        let shape = self.shape();
        assert!(shape.len() == 1, "check_finite_gradient: a single number expected, the shape is {shape}");
        let (pass, mut first) = (self.pass, None);
        pass.backward(self, &[T::ONE], &mut Grads::like(pass.params), |m, id, grads| {
            for (i, &input) in m.inputs_of(id).iter().enumerate() {
                let input = &m.nodes[input as usize];
                if first.is_none() && input.needs_grad {
                    let bad = first_bad(input.read(&m.grad, grads.as_slice()));
                    first = bad.map(|bad| pass.report(m, id, Some(i), bad));
                }
            }
        });
        first.map_or(Ok(()), |first| Err(Box::new(first)))
    }
}

/// The first element that is not finite, and its value.
fn first_bad<T: Real>(numbers: &[T]) -> Option<(usize, f64)> {
    numbers.iter().position(|x| !x.is_finite()).map(|element| (element, numbers[element].to_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Params, Tape};
    use proptest::prelude::*;

    proptest! {
        /// Wherever in a chain a NaN, an infinity or an overflow is made, that op is named, and not those behind it.
        #[test]
        fn the_first_culprit_is_named(length in 1usize..30, at in 0usize..30, kind in 0usize..3) {
            let (params, mut tape, at) = (Params::<f64>::new(), Tape::new(), at.min(length));
            let pass = tape.pass(&params);
            let mut x = pass.input(&[0.5, 1.0]);
            for step in 0..=length {
                x = match kind {
                    _ if step != at => x.sigmoid() * 2.0,
                    0 => (x - x).ln(),
                    1 => (x * 0.0 - 1.0).sqrt(),
                    _ => (x * 1e4).exp(),
                };
            }
            let error = pass.check_finite().unwrap_err();
            prop_assert_eq!(error.op, ["ln", "sqrt", "exp"][kind]);
            prop_assert_eq!(error.node, 2 * at + [2, 3, 2][kind]);
            prop_assert_eq!(error.shape, Shape::from([2]));
        }
    }

    #[test]
    fn a_parameter_that_is_not_finite_is_named() {
        let mut params = Params::<f64>::new();
        let w = params.add("head.weight", [2, 2], |i| if i == 3 { f64::NEG_INFINITY } else { 1.0 });
        let mut tape = Tape::new();
        let pass = tape.pass(&params);
        let _ = pass.input(&[1.0, 1.0]).linear(pass.param(w));
        let error = pass.check_finite().unwrap_err();
        assert_eq!(error.to_string(), "node 0, param head.weight [2, 2]: element 3 is -inf");
    }

    #[test]
    fn the_op_whose_backward_overflows_is_named_even_when_its_input_has_other_users() {
        let mut params = Params::<f64>::new();
        let w = params.add("w", [2], |i| i as f64);
        let mut tape = Tape::new();
        let pass = tape.pass(&params);
        let w = pass.param(w);
        // The gradient of √ at 0 is infinite; tanh uses the same parameter, before and after.
        let loss = (w.tanh() + w.sqrt() + w.tanh()).sum();
        let error = loss.check_finite_gradient().unwrap_err();
        assert_eq!((error.op, error.node, error.gradient_of, error.element), ("sqrt", 2, Some(0), 0));
        assert_eq!(error.inputs, ["node 0, param w [2]"]);
        assert_eq!(w.tanh().sum().check_finite_gradient(), Ok(()));
    }
}
