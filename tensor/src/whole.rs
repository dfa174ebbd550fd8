//! What a tensor does by way of its view, without the word: `x.row(0)` is `x.view().row(0)`.

use crate::{AxisIndex, AxisRange, Elements, Real, Shape, Tensor, View};

impl<T: Real> Tensor<T> {
    /// The element at this index, one number for each axis: [`View::at`].
    ///
    /// # Panics
    ///
    /// When the index has another number of axes, or lies outside.
    #[track_caller]
    pub fn at(&self, index: &[usize]) -> T {
        self.view().at(index)
    }

    /// The elements in row-major order: [`View::iter`].
    pub fn iter(&self) -> Elements<'_, T> {
        self.view().iter()
    }
}

/// Methods that return views.
macro_rules! through_the_view {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*);)*) => {
        /// Views of the tensor; nothing is copied. Each is the method of [`View`] of the same name, and panics where
        /// that does.
        impl<T: Real> Tensor<T> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name(&self, $($argument: $type),*) -> View<'_, T> {
                self.view().$name($($argument),*)
            })*
        }
    };
}

through_the_view! {
    /// The axes in reverse order: [`View::transpose`].
    transpose();
    /// The axes in another order: [`View::permute`].
    permute(axes: &[usize]);
    /// With two axes exchanged: [`View::swap_axes`].
    swap_axes(a: usize, b: usize);
    /// Stretched to `shape`: [`View::broadcast_to`].
    broadcast_to(shape: impl Into<Shape>);
    /// Without an axis of size 1: [`View::squeeze`].
    squeeze(axis: usize);
    /// With a new axis of size 1: [`View::unsqueeze`].
    unsqueeze(axis: usize);
    /// The part within `range` along `axis`: [`View::slice`].
    slice(axis: usize, range: impl AxisRange);
    /// Every `step`-th element along `axis`: [`View::step_by`].
    step_by(axis: usize, step: usize);
    /// What lies at `index` along `axis`: [`View::select`].
    select(axis: usize, index: impl AxisIndex);
    /// What lies at `index` along the first axis: [`View::row`].
    row(index: impl AxisIndex);
}

impl<T: Real> Tensor<T> {
    /// `N` equal parts of an axis: [`View::split`].
    ///
    /// # Panics
    ///
    /// When there is no such axis, or it cannot be cut into `N` equal parts.
    #[track_caller]
    pub fn split<const N: usize>(&self, axis: usize) -> [View<'_, T>; N] {
        self.view().split(axis)
    }

    /// The parts before and from `index` along `axis`: [`View::split_at`].
    ///
    /// # Panics
    ///
    /// When there is no such axis, or `index` lies beyond it.
    #[track_caller]
    pub fn split_at(&self, axis: usize, index: impl AxisIndex) -> [View<'_, T>; 2] {
        self.view().split_at(axis, index)
    }
}
