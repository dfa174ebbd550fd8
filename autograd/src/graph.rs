//! A pass for readers: as a drawing, and as a table.

use std::fmt::{self, Write};

use thalweg_tensor::{Real, Shape};

use crate::node::{Node, Place};
use crate::{Pass, Tape};

/// What a pass has recorded, node by node; shown as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The nodes, in the order of the computation.
    pub nodes: Vec<NodeSummary>,
}

/// One node of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSummary {
    /// Its number. The first numbers are those of the parameters.
    pub id: usize,
    /// The op, by its name in messages; or `input`, `leaf`, `param`, `view`.
    pub op: &'static str,
    /// The parameter in which its numbers lie.
    pub parameter: Option<String>,
    /// The shape of its output.
    pub shape: Shape,
    /// Its inputs, by number.
    pub inputs: Vec<usize>,
    /// The bytes of the numbers that it adds to the tape: its output, and what it keeps for backward. A view and a
    /// parameter add none.
    pub bytes: usize,
    /// Whether it has a gradient.
    pub needs_grad: bool,
}

impl<T: Real> Pass<'_, T> {
    /// What was recorded so far: op, shape, inputs and bytes of each node.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    ///
    /// let mut params = Params::<f32>::new();
    /// let w = params.add("head.weight", [2, 3], |_| 0.0);
    /// let mut tape = Tape::new();
    /// let pass = tape.pass(&params);
    /// let y = pass.input(&[1.0, 2.0, 3.0]).linear(pass.param(w));
    /// y.reshape([1, 2]).cross_entropy(&[1]);
    /// assert_eq!(
    ///     pass.summary().to_string(),
    ///     "node  op                 shape   inputs  bytes\n\
    ///      0     param head.weight  [2, 3]              0\n\
    ///      1     input              [3]                12\n\
    ///      2     linear             [2]     1, 0        8\n\
    ///      3     view               [1, 2]  2           0\n\
    ///      4     cross_entropy      []      3          12\n\
    ///      5 nodes                                     32\n"
    /// );
    /// ```
    pub fn summary(&self) -> Summary {
        let m = &*self.memory.borrow();
        // Parameters are nodes from the start: those that nothing used are not of this graph.
        let is_used = |id: usize| id >= m.layout.entries().len() || m.inputs.contains(&(id as u32));
        let summarize = |(id, node): (usize, &Node<T>)| {
            let is_view = node.backward.is_none() && !m.inputs_of(id).is_empty();
            let (parameter, numbers) = match node.place {
                Place::Theta(param, _) => (Some(self.name_of(param).to_owned()), 0),
                Place::Tape(_) => (None, if is_view { 0 } else { node.shape.len() + node.saved }),
            };
            NodeSummary {
                id,
                op: node.name,
                parameter,
                shape: node.shape,
                inputs: m.inputs_of(id).iter().map(|&input| input as usize).collect(),
                bytes: numbers * size_of::<T>(),
                needs_grad: node.needs_grad,
            }
        };
        Summary { nodes: m.nodes.iter().enumerate().filter(|(id, _)| is_used(*id)).map(summarize).collect() }
    }

    /// The graph in Graphviz' language DOT, to be drawn by `dot -Tsvg`: parameters as ellipses, views dashed, what has no
    /// gradient in grey. The same pass gives the same text.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    ///
    /// let mut params = Params::<f32>::new();
    /// let w = params.add("w", [2, 2], |_| 1.0);
    /// let mut tape = Tape::new();
    /// let pass = tape.pass(&params);
    /// let _ = pass.param(w).row(0) * pass.input(&[1.0, 2.0]);
    /// assert_eq!(
    ///     pass.to_dot(),
    ///     r#"digraph pass {
    ///     node [shape=box];
    ///     n0 [label="param w\n[2, 2]", shape=ellipse];
    ///     n1 [label="view w\n[2]", style=dashed];
    ///     n2 [label="input\n[2]", color=gray];
    ///     n3 [label="mul\n[2]"];
    ///     n0 -> n1;
    ///     n1 -> n3;
    ///     n2 -> n3;
    /// }
    /// "#
    /// );
    /// ```
    pub fn to_dot(&self) -> String {
        let nodes = self.summary().nodes;
        let mut text = String::from("digraph pass {\n    node [shape=box];\n");
        for node in &nodes {
            let id = node.id;
            let style = match node.op {
                "param" => ", shape=ellipse",
                "view" => ", style=dashed",
                _ => "",
            };
            let color = if node.needs_grad { "" } else { ", color=gray" };
            let (title, shape) = (escaped(&node.title()), node.shape);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "    n{id} [label=\"{title}\\n{shape}\"{style}{color}];");
        }
        for node in &nodes {
            for input in &node.inputs {
                let _ = writeln!(text, "    n{input} -> n{};", node.id);
            }
        }
        text + "}\n"
    }
}

impl Summary {
    /// The bytes of all nodes' numbers; the tape holds as many again for gradients, and begins each node on a cache line.
    pub fn bytes(&self) -> usize {
        self.nodes.iter().map(|node| node.bytes).sum()
    }
}

impl NodeSummary {
    /// The op, and the parameter that it shows.
    fn title(&self) -> String {
        self.parameter.as_ref().map_or(self.op.to_owned(), |name| format!("{} {name}", self.op))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["node", "op", "shape", "inputs", "bytes"].map(str::to_owned);
        let rows = self.nodes.iter().map(|node| {
            let inputs: Vec<String> = node.inputs.iter().map(usize::to_string).collect();
            [node.id.to_string(), node.title(), node.shape.to_string(), inputs.join(", "), node.bytes.to_string()]
        });
        let rows: Vec<[String; 5]> = std::iter::once(head).chain(rows).collect();
        let (count, total) = (format!("{} nodes", self.nodes.len()), self.bytes().to_string());
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [id, op, shape, inputs, bytes] = [0, 1, 2, 3, 4].map(width);
        let bytes = bytes.max(total.len());
        for [a, b, c, d, e] in &rows {
            writeln!(f, "{a:id$}  {b:op$}  {c:shape$}  {d:inputs$}  {e:>bytes$}")?;
        }
        let rest = id + op + shape + inputs + 6;
        writeln!(f, "{count:rest$}  {total:>bytes$}")
    }
}

impl<T: Real> fmt::Debug for Tape<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tape({} nodes, {} bytes)", self.memory.borrow().nodes.len(), self.bytes())
    }
}

impl<T: Real> fmt::Debug for Pass<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pass({} nodes)", self.memory.borrow().nodes.len())
    }
}

/// A name within double quotes in DOT: quotes and backslashes escaped, no line breaks.
fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            letter if letter.is_control() => text.push(' '),
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::{Params, Tape};

    #[test]
    fn names_cannot_break_out_of_the_drawing() {
        let mut params = Params::<f64>::new();
        let p = params.add("a\"]; \\ evil\n", [1], |_| 0.0);
        params.set_trainable(p, false);
        let mut tape = Tape::new();
        let pass = tape.pass(&params);
        pass.param(p).row(0);
        assert_eq!(
            pass.to_dot(),
            "digraph pass {\n    node [shape=box];\n    \
             n0 [label=\"param a\\\"]; \\\\ evil \\n[1]\", shape=ellipse, color=gray];\n    \
             n1 [label=\"view a\\\"]; \\\\ evil \\n[]\", style=dashed, color=gray];\n    n0 -> n1;\n}\n"
        );
    }

    #[test]
    fn an_empty_pass_has_an_empty_graph() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        assert_eq!(pass.to_dot(), "digraph pass {\n    node [shape=box];\n}\n");
        assert_eq!(pass.summary().to_string(), "node  op  shape  inputs  bytes\n0 nodes                      0\n");
    }

    #[test]
    fn what_is_kept_for_backward_counts_and_views_do_not() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let x = pass.leaf(&[1.0, 2.0, 3.0]);
        x.slice(0, 0..2).detach();
        x.cross_entropy(&[0]);
        let summary = pass.summary();
        let rows: Vec<_> = summary.nodes.iter().map(|node| (node.op, node.bytes, node.needs_grad)).collect();
        assert_eq!(rows, [("leaf", 24, true), ("view", 0, true), ("detach", 16, false), ("cross_entropy", 32, true)]);
        assert_eq!(summary.bytes(), 72);
    }
}
