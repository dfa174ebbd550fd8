//! What can be wrong with a shape that comes from outside.

use crate::{MAX_RANK, Shape};
use std::fmt;

/// Why sizes, or sizes and data, do not make a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShapeError {
    /// More than [`MAX_RANK`] axes.
    TooManyAxes {
        /// The number of axes asked for.
        rank: usize,
    },
    /// The number of elements overflows `usize`, or there is no memory for them.
    TooLarge,
    /// The data has another length than the shape.
    Length {
        /// The shape asked for.
        shape: Shape,
        /// The number of elements that came.
        length: usize,
    },
}

impl fmt::Display for ShapeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShapeError::TooManyAxes { rank } => {
                write!(formatter, "{rank} axes, but at most {MAX_RANK} are supported")
            }
            ShapeError::TooLarge => write!(formatter, "more elements than there can be memory for"),
            ShapeError::Length { shape, length } => {
                write!(formatter, "{shape} holds {} elements, but {length} came", shape.len())
            }
        }
    }
}

impl std::error::Error for ShapeError {}
