//! Recurrent networks: cells, `(x, state) → (output, state)`, written as their equations; layers of them; what drives them.
//!
//! All work on one example, `x: [in]`, or on a batch, `x: [n, in]`; the state has the same axis. What is carried lives
//! outside of any pass as a [`State`], a plain value: clone it, save it, carry it on, cut it.
//!
//! | what | |
//! |---|---|
//! | [`Rnn`], [`Lstm`], [`Gru`], [`LayerNormLstm`] | cells: one layer in one direction |
//! | [`LeakyRnn`] | an [`Rnn`] whose units fade |
//! | [`Lru`], [`Rtu`], [`Elstm`] | cells in which no unit hears another: their whole gradient can be kept step by step |
//! | [`Cell`], [`Stackable`], [`GrowHidden`] | what they have in common |
//! | [`Weights`] | the handles of what cells compute with |
//! | [`Recurrent`] | PyTorch's `nn.RNN`, `nn.LSTM`, `nn.GRU`: several layers, both directions, dropout, lengths; itself a cell |
//! | [`State`], [`Carried`], [`Portable`] | what is carried, outside of a pass and within |
//! | [`unroll`] | a sequence by single steps |
//! | [`Tbptt`] | learning from a stream: every k₁ steps, through the last k₂ |

mod arrange;
mod cell;
mod elstm;
mod gru;
mod layer_norm;
mod leaky;
mod lru;
mod lstm;
mod options;
mod rnn;
mod rtu;
mod sequence;
mod stack;
mod state;
mod tbptt;
mod weights;

pub use cell::{Carried, Cell, GrowHidden, Portable, Stackable};
pub use elstm::Elstm;
pub use gru::{Gru, GruForm, Reset, Update};
pub use layer_norm::LayerNormLstm;
pub use leaky::{LeakyForm, LeakyRnn};
pub use lru::{Lru, LruForm, LruState};
pub use lstm::{Lstm, LstmForm, LstmState};
pub use options::{CellOptions, RecurrentOptions};
pub use rnn::{Rnn, RnnForm};
pub use rtu::{Rtu, RtuForm};
pub use sequence::{unroll, unroll_of};
pub use stack::Recurrent;
pub use state::State;
pub use tbptt::Tbptt;
pub use weights::Weights;
