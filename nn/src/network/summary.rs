//! What a network is made of, in numbers.

use std::fmt;

use thalweg_autograd::Params;
use thalweg_tensor::{Real, Shape};

use super::Network;
use crate::path;

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
    /// Multiply-adds for one example in a forward pass: of products of matrices; what is done number by number is left out.
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

    /// Multiply-adds for one example in a forward pass.
    pub fn multiply_adds(&self) -> usize {
        self.rows.iter().map(|row| row.multiply_adds).sum()
    }
}

impl Network {
    /// Layers, shapes, parameters, bytes, multiply-adds.
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
        let row = |(index, (layer, output)): (usize, (String, Shape))| {
            let name = path(&self.name, &index.to_string());
            let begin = format!("{name}.");
            let entries = || params.layout().entries().iter().filter(|entry| entry.name().starts_with(&begin));
            let parameters = entries().map(|entry| entry.shape().len()).sum();
            // Each weight of a matrix multiplies once at each place: a convolution at all of its output's.
            let places = if output.rank() > 1 { output.dims()[1..].iter().product() } else { 1 };
            let weights: usize = entries().map(|entry| entry.shape()).filter(|s| s.rank() > 1).map(|s| s.len()).sum();
            Row { name, layer, output, parameters, bytes: parameters * size_of::<T>(), multiply_adds: weights * places }
        };
        let outputs = self.layers.iter().map(|(_, shape)| *shape);
        let layers = self.spec.layers.iter().map(|layer| layer.to_string()).zip(outputs);
        Summary { rows: layers.enumerate().map(row).collect() }
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
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [a, b, c, d, e, g] = [0, 1, 2, 3, 4, 5].map(width);
        for [name, layer, output, parameters, bytes, work] in &rows {
            writeln!(f, "{name:a$}  {layer:b$}  {output:c$}  {parameters:>d$}  {bytes:>e$}  {work:>g$}")?;
        }
        Ok(())
    }
}
