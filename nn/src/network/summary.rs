//! What a network is made of, in numbers.

use std::fmt;

use thalweg_autograd::Params;
use thalweg_tensor::{Real, Shape};

use super::{LayerSpec, Network, NetworkSpec};
use crate::path;
use crate::summary::write_table;

/// A table of layers: parameters, bytes and work. Prints as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// One for each layer, from the input to the output.
    pub rows: Vec<Row>,
}

/// One layer of a [`Summary`].
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The name with which its parameters begin.
    pub name: String,
    /// The layer, as a specification says it.
    pub layer: String,
    /// The shape of what an example gives.
    pub output: Shape,
    /// How many numbers its parameters have, buffers included.
    pub parameters: usize,
    /// How many bytes these take.
    pub bytes: usize,
    /// Multiply-adds of a forward pass: of products of matrices; what is done number by number is left out.
    pub multiply_adds: usize,
}

impl Summary {
    /// How many numbers all parameters have.
    pub fn parameters(&self) -> usize {
        self.rows.iter().map(|row| row.parameters).sum()
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        self.rows.iter().map(|row| row.bytes).sum()
    }

    /// Multiply-adds of a forward pass.
    pub fn multiply_adds(&self) -> usize {
        self.rows.iter().map(|row| row.multiply_adds).sum()
    }
}

impl Network {
    /// Layers, shapes, parameters, bytes, and the multiply-adds of one example, which is a single step.
    ///
    /// ```
    /// use thalweg_nn::{Network, Params, Rng};
    ///
    /// let mut params = Params::<f32>::new();
    /// let net = Network::new(&mut params, "net", &"linear:4 > relu".parse()?, [3], &mut Rng::new(1))?;
    /// let expected = "\
    /// layer  is        output  parameters  bytes  multiply-adds
    /// net.0  linear:4  [4]             16     64             12
    /// net.1  relu      [4]              0      0              0
    /// all              [4]             16     64             12
    /// ";
    /// assert_eq!(net.summary(&params).to_string(), expected);
    /// # Ok::<(), thalweg_nn::spec::SpecError>(())
    /// ```
    pub fn summary<T: Real>(&self, params: &Params<T>) -> Summary {
        self.summary_of(params, 1)
    }

    /// [`summary`](Network::summary), with the multiply-adds of one sequence of so many steps. Those of attention grow by
    /// the square of them: every step looks at all, also where the future is hidden.
    pub fn summary_of<T: Real>(&self, params: &Params<T>, steps: usize) -> Summary {
        let mut rows = Vec::new();
        self.spec.rows(params, &self.name, self.input(), steps, &mut rows);
        Summary { rows }
    }
}

impl NetworkSpec {
    /// One row for each layer; those within a residual connection stand behind it.
    fn rows<T: Real>(&self, params: &Params<T>, name: &str, input: Shape, steps: usize, rows: &mut Vec<Row>) {
        let mut from = input;
        for (index, spec) in self.layers.iter().enumerate() {
            let (name, output) = (path(name, &index.to_string()), spec.output(from).unwrap_or(from));
            let begin = format!("{name}.");
            let shapes = || {
                let entries = params.layout().entries().iter();
                entries.filter(|entry| entry.name().starts_with(&begin)).map(|entry| entry.shape())
            };
            let inner = if let LayerSpec::Residual(inner) = spec { Some(inner) } else { None };
            let parameters = if inner.is_some() { 0 } else { shapes().map(|shape| shape.len()).sum() };
            // Each weight of a matrix multiplies once at each place: a convolution at all of its output's.
            let weights: usize = shapes().filter(|shape| shape.rank() > 1).map(|shape| shape.len()).sum();
            let places = if output.rank() > 1 { output.dims()[1..].iter().product() } else { 1 };
            let multiply_adds = match spec {
                LayerSpec::Residual(_) | LayerSpec::Embedding { .. } | LayerSpec::LearnedPositions { .. } => 0,
                // How each step matches each, and what it takes from it.
                LayerSpec::Attention { .. } | LayerSpec::Encoder { .. } => weights + 2 * steps * output.len(),
                _ => weights * places,
            };
            let layer = if inner.is_some() { "residual".to_owned() } else { spec.to_string() };
            let bytes = parameters * size_of::<T>();
            rows.push(Row {
                name: name.clone(),
                layer,
                output,
                parameters,
                bytes,
                multiply_adds: steps * multiply_adds,
            });
            if let Some(inner) = inner {
                inner.rows(params, &name, from, steps, rows);
            }
            from = output;
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["layer", "is", "output", "parameters", "bytes", "multiply-adds"].map(str::to_owned);
        let cells = |name: &str, layer: &str, output: String, numbers: [usize; 3]| {
            let [parameters, bytes, work] = numbers.map(|number| number.to_string());
            [name.to_owned(), layer.to_owned(), output, parameters, bytes, work]
        };
        let rows = self.rows.iter().map(|row| {
            cells(&row.name, &row.layer, row.output.to_string(), [row.parameters, row.bytes, row.multiply_adds])
        });
        let output = self.rows.last().map_or(String::new(), |row| row.output.to_string());
        let all = cells("all", "", output, [self.parameters(), self.bytes(), self.multiply_adds()]);
        let rows: Vec<[String; 6]> = std::iter::once(head).chain(rows).chain([all]).collect();
        write_table(f, &rows, [false, false, false, true, true, true])
    }
}
