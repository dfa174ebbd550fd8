//! Leaves of a random tree.

use serde::{Deserialize, Serialize};

use super::example::Column;
use super::random::{Random, Seed};
use super::settings::{Options as _, generator, options, wrong};
use super::{Error, Generator};

options! {
    /// Options of [`Tree`].
    TreeOptions as "tree" {
        /// How many classes.
        classes: usize = 2, in 1..=4096;
        /// How many features are numbers.
        numbers: usize = 5, in 0..=4096;
        /// How many features are categories.
        categorical: usize = 5, in 0..=4096;
        /// How many categories each of these has.
        categories: usize = 5, in 1..=4096;
        /// The depth at which every branch has come to a leaf.
        depth: usize = 5, in 0..=20;
        /// The first depth at which there may be a leaf.
        first: usize = 3, in 0..=20;
        /// The share of leaves from there on.
        leaves: f64 = 0.15, in 0.0..=1.0;
        /// The seed of the tree, so that other rows can be drawn from the same one; by default one derived from the seed of
        /// the rows (River's rows: the same).
        model: Option<u64> = None, in ..;
    }
}

/// The most nodes a tree may come to have.
const LARGEST: f64 = (1_u32 << 20) as f64;

/// Uniform features, classified by a tree that splits at random (Domingos and Hulten, Mining high-speed data streams, KDD
/// 2000): a number between the bounds that the path has left it, a category into all its values, once on a path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    options: TreeOptions,
    seed: Seed,
    random: Random,
    /// The root is the last.
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Node {
    Leaf(usize),
    Number { feature: usize, split: f64, children: [usize; 2] },
    Category { feature: usize, children: Vec<usize> },
}

/// What is needed while a tree grows.
struct Growth<'a> {
    options: &'a TreeOptions,
    random: Random,
    nodes: Vec<Node>,
}

impl Tree {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// If an option is out of its range, there is no feature, or the tree could have more than a million nodes.
    pub fn new(options: TreeOptions, seed: Seed) -> Result<Self, Error> {
        options.check()?;
        let features = options.numbers + options.categorical;
        if features == 0 {
            return Err(wrong("tree", "expected a feature, found numbers=0 and categorical=0".into()));
        }
        let branches = if options.categorical > 0 { options.categories.max(2) } else { 2 };
        if (branches as f64).powi(options.depth as i32) > LARGEST {
            let what =
                format!("expected at most {LARGEST} leaves, found {branches} branches at a depth of {}", options.depth);
            return Err(wrong("tree", what));
        }
        let random = options.model.map_or(seed.part(0), |number| Seed { number, ..seed }).random();
        let mut growth = Growth { options: &options, random, nodes: Vec::new() };
        let bounds = vec![[0.0, 1.0]; options.numbers];
        growth.grow(0, &(0..features).collect::<Vec<_>>(), &bounds);
        let nodes = growth.nodes;
        Ok(Tree { options, seed, random: seed.random(), nodes })
    }

    /// The class of a row.
    #[must_use]
    pub fn label(&self, x: &[f64]) -> usize {
        let mut node = self.nodes.last();
        // A child stands before its parent, so that this comes to an end.
        loop {
            node = match node {
                Some(Node::Number { feature, split, children }) => {
                    self.nodes.get(children[usize::from(x[*feature] >= *split)])
                }
                Some(Node::Category { feature, children }) => self.nodes.get(children[x[*feature] as usize]),
                Some(Node::Leaf(class)) => return *class,
                None => return 0,
            }
        }
    }
}

impl Growth<'_> {
    /// Grows a branch and returns where its first node is. `open` are the features that may be split, `bounds` what numbers
    /// can be here.
    fn grow(&mut self, depth: usize, open: &[usize], bounds: &[[f64; 2]]) -> usize {
        let options = self.options;
        let leaf = depth >= options.depth
            || open.is_empty()
            || (depth >= options.first && options.leaves >= 1.0 - self.random.uniform());
        let node = if leaf {
            Node::Leaf(self.random.below(options.classes))
        } else {
            // Numbers stay open, so that they stand at their places.
            let feature = open[self.random.below(open.len())];
            match bounds.get(feature) {
                Some(&[low, high]) => {
                    let split = (high - low) * self.random.uniform() + low;
                    let children = [[low, split], [split, high]].map(|part| {
                        let mut bounds = bounds.to_vec();
                        bounds[feature] = part;
                        self.grow(depth + 1, open, &bounds)
                    });
                    Node::Number { feature, split, children }
                }
                None => {
                    let open: Vec<usize> = open.iter().copied().filter(|&other| other != feature).collect();
                    let children = (0..options.categories).map(|_| self.grow(depth + 1, &open, bounds)).collect();
                    Node::Category { feature, children }
                }
            }
        };
        self.nodes.push(node);
        self.nodes.len() - 1
    }
}

generator!(Tree, TreeOptions);

impl Generator for Tree {
    fn columns(&self) -> Vec<Column> {
        let TreeOptions { numbers, categorical, .. } = self.options;
        let numbers = (0..numbers).map(|index| format!("number{index}"));
        let names = numbers.chain((0..categorical).map(|index| format!("category{index}")));
        names.map(|name| Column { name, words: &[] }).collect()
    }

    fn classes(&self) -> usize {
        self.options.classes
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        let start = x.len();
        x.extend((0..self.options.numbers).map(|_| self.random.uniform()));
        x.extend((0..self.options.categorical).map(|_| self.random.code(self.options.categories)));
        self.label(&x[start..]) as f64
    }

    fn check(&self) -> Result<(), Error> {
        let TreeOptions { classes, numbers, categorical, categories, .. } = self.options;
        let stands = |(place, node): (usize, &Node)| match node {
            Node::Leaf(class) => *class < classes,
            Node::Number { feature, children, .. } => *feature < numbers && children.iter().all(|&child| child < place),
            Node::Category { feature, children } => {
                (numbers..numbers + categorical).contains(feature)
                    && children.len() == categories
                    && children.iter().all(|&child| child < place)
            }
        };
        if self.nodes.is_empty() || !self.nodes.iter().enumerate().all(stands) {
            return Err(wrong("tree", "expected children that stand before their parents, found others".into()));
        }
        self.options.check()
    }
}
