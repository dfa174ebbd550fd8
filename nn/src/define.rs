//! Networks as plain structs.

/// Defines a network: a struct of layers, and a constructor that names each parameter after the fields that lead to it.
///
/// ```
/// use thalweg_autograd::{Params, Tape, Var};
/// use thalweg_nn::{Activation, Linear, network};
/// use thalweg_tensor::{Real, Rng};
///
/// network! {
///     /// Two layers.
///     pub struct Classifier(inputs: usize, classes: usize) {
///         hidden: Linear::new(inputs, 32),
///         head: Linear::new(32, classes),
///     }
/// }
///
/// impl Classifier {
///     /// `[inputs]` → logits `[classes]`.
///     fn forward<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
///         self.head.forward(self.hidden.forward_with(x, Activation::Tanh))
///     }
/// }
///
/// let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
/// let net = Classifier::new(&mut params, "", 4, 3, &mut Rng::new(1));
/// assert!(params.find("hidden.weight").is_some() && params.find("head.bias").is_some());
/// let logits = net.forward(tape.pass(&params).input(&[1.0, 2.0, 3.0, 4.0])).to_tensor();
/// assert_eq!(logits.shape().dims(), [3]);
/// ```
///
/// The struct is what one would write by hand,
///
/// ```ignore
/// #[derive(Clone, Debug, PartialEq)]
/// pub struct Classifier { hidden: Linear, head: Linear }
///
/// impl Classifier {
///     pub fn new<T: Real>(params: &mut Params<T>, name: &str, inputs: usize, classes: usize, rng: &mut Rng) -> Self {
///         Classifier {
///             hidden: Linear::new(params, &path(name, "hidden"), inputs, 32, rng),
///             head: Linear::new(params, &path(name, "head"), 32, classes, rng),
///         }
///     }
/// }
/// ```
///
/// so what is left to write is `forward`, in plain Rust. All layers are constructed alike, `(params, name, sizes …, rng)`, and
/// so is a network: it is a layer, and may be a field of another one. In parentheses after the struct's name stand the
/// arguments of its constructor, if there are any. Attributes, such as `#[derive(serde::Serialize)]`, go to the struct and
/// its fields. A field that is no layer is written `field: Type = value`.
///
/// A layer's type is one word, perhaps with parameters, and in scope; there are no lists of layers. A struct that needs either
/// is written by hand, as above.
#[macro_export]
macro_rules! network {
    (
        $(#[$attribute:meta])*
        $vis:vis struct $name:ident $(($($argument:ident: $type:ty),* $(,)?))? { $($fields:tt)* }
    ) => {
        $crate::network!(@fields [
            [$(#[$attribute])*] [$vis] $name [$($($argument: $type,)*)?] params name rng
        ] [] [] $($fields)*);
    };
    // field: Layer::new(sizes …)
    (@fields $head:tt [$($declared:tt)*] [$($made:tt)*]
        $(#[$attribute:meta])* $vis:vis $field:ident:
        $layer:ident $(<$($parameter:ty),+>)? :: $new:ident ($($size:expr),* $(,)?) $(, $($rest:tt)*)?
    ) => {
        $crate::network!(@fields $head
            [$($declared)* $(#[$attribute])* $vis $field: $layer $(<$($parameter),+>)?,]
            [$($made)* { $field: ($layer $(<$($parameter),+>)?) $new ($($size,)*) }]
            $($($rest)*)?);
    };
    // field: Type = value
    (@fields $head:tt [$($declared:tt)*] [$($made:tt)*]
        $(#[$attribute:meta])* $vis:vis $field:ident: $type:ty = $value:expr $(, $($rest:tt)*)?
    ) => {
        $crate::network!(@fields $head
            [$($declared)* $(#[$attribute])* $vis $field: $type,]
            [$($made)* { $field = $value }]
            $($($rest)*)?);
    };
    (@fields
        [[$(#[$attribute:meta])*] [$vis:vis] $name:ident [$($argument:ident: $type:ty,)*] $params:ident $path:ident $rng:ident]
        [$($declared:tt)*] [$($made:tt)*]
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name { $($declared)* }

        impl $name {
            /// Adds the parameters of every layer to θ, named after the fields that lead to them.
            ///
            /// # Panics
            /// If a name is taken.
            #[track_caller]
            #[allow(unused_variables)]
            $vis fn new<T: $crate::Real>(
                $params: &mut $crate::Params<T>,
                $path: &str,
                $($argument: $type,)*
                $rng: &mut $crate::Rng,
            ) -> Self {
                $crate::network!(@make $name $params $path $rng [] $($made)*)
            }
        }
    };
    (@make $name:ident $params:ident $path:ident $rng:ident [$($made:tt)*]
        { $field:ident: ($($layer:tt)*) $new:ident ($($size:expr,)*) } $($rest:tt)*
    ) => {
        $crate::network!(@make $name $params $path $rng [
            $($made)*
            $field: <$($layer)*>::$new($params, &$crate::path($path, stringify!($field)), $($size,)* $rng),
        ] $($rest)*)
    };
    (@make $name:ident $params:ident $path:ident $rng:ident [$($made:tt)*] { $field:ident = $value:expr } $($rest:tt)*) => {
        $crate::network!(@make $name $params $path $rng [$($made)* $field: $value,] $($rest)*)
    };
    (@make $name:ident $params:ident $path:ident $rng:ident [$($made:tt)*]) => { $name { $($made)* } };
}

/// The name of a part within a whole: `encoder` and `weight` are `encoder.weight`. What has no name adds none.
///
/// ```
/// use thalweg_nn::path;
/// assert_eq!([path("encoder", "weight"), path("", "weight")], ["encoder.weight", "weight"]);
/// ```
pub fn path(whole: &str, part: &str) -> String {
    if whole.is_empty() { part.to_owned() } else { format!("{whole}.{part}") }
}

#[cfg(test)]
mod tests {
    use crate::{Cell, Embedding, Linear, Lstm, Params, Rng, Tape};

    network! {
        /// A network with sizes as arguments, and settings.
        struct Encoder(words: usize, hidden: usize) {
            pub words: Embedding::new(words, 3),
            lstm: Lstm::new(3, 2 * hidden),
            scale: f64 = 0.5 + words as f64,
        }
    }

    network! {
        struct Tagger {
            encoder: Encoder::new(10, 4),
            head: Linear::without_bias(8, 2)
        }
    }

    network! {
        struct Nothing {}
    }

    #[test]
    fn names_follow_the_fields() {
        let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
        let tagger = Tagger::new(&mut params, "", &mut rng);
        Tagger::new(&mut params, "second", &mut rng);
        Nothing::new(&mut params, "nothing", &mut rng);
        let names: Vec<&str> = params.layout().entries().iter().map(|entry| entry.name()).collect();
        let expected = ["words.weight", "lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0"]
            .map(|name| format!("encoder.{name}"));
        assert_eq!(names[..6], [&expected.each_ref().map(String::as_str)[..], &["head.weight"]].concat());
        assert!(names[6..].iter().zip(&names).all(|(second, first)| *second == format!("second.{first}")));
        assert_eq!((names.len(), tagger.encoder.scale), (12, 10.5));
    }

    /// The same layer, made by hand, has the same numbers: fields are made in their order.
    #[test]
    fn a_network_is_what_one_would_write_by_hand() {
        let [mut params, mut by_hand] = [(); 2].map(|()| Params::<f32>::new());
        let tagger = Tagger::new(&mut params, "", &mut Rng::new(7));
        let mut rng = Rng::new(7);
        Embedding::new(&mut by_hand, "encoder.words", 10, 3, &mut rng);
        Lstm::new(&mut by_hand, "encoder.lstm", 3, 8, &mut rng);
        Linear::without_bias(&mut by_hand, "head", 8, 2, &mut rng);
        assert_eq!(params, by_hand);

        let (words, lstm) = (tagger.encoder.words, tagger.encoder.lstm);
        let mut tape = Tape::new();
        let pass = tape.pass(&params);
        let x = words.forward(&pass, &[3, 1, 4]);
        let (h, _) = lstm.last(x, lstm.start(&pass, None));
        assert_eq!(tagger.head.forward(h).shape().dims(), [2]);
    }
}
