//! Laws of saving and loading by name.

use super::*;
use proptest::prelude::*;
use thalweg_tensor::Rng;

/// θ of every sort: matrices, stacks, scalars, empty axes, grown tensors; any bits, NaN among them.
fn any_params() -> impl Strategy<Value = Params<f64>> {
    let tensor = (prop::collection::vec(0..4_usize, 0..4), 1..3_usize, 0..3_usize, any::<bool>());
    (prop::collection::vec(tensor, 0..6), any::<u64>()).prop_map(|(tensors, seed)| {
        let (mut params, mut rng) = (Params::new(), Rng::new(seed));
        let mut bits = |_| f64::from_bits(rng.next_u64());
        for (index, (mut dims, blocks, by, frozen)) in tensors.into_iter().enumerate() {
            let blocks = if dims.is_empty() { 1 } else { blocks };
            dims.iter_mut().take(1).for_each(|size| *size *= blocks);
            let param = params.add_stacked(&format!("{index} \"ä\".weight"), blocks, dims.as_slice(), &mut bits);
            if !dims.is_empty() {
                params.grow(param, index % dims.len().min(2), by, &mut bits);
            }
            params.set_trainable(param, !frozen);
        }
        params
    })
}

/// Everything that must come back.
fn bits<T: Real>(params: &Params<T>) -> Vec<(String, Vec<u64>)> {
    let of = |(param, entry): (_, &thalweg_autograd::Entry)| {
        (entry.name().to_owned(), params.of(param).iter().map(|x| x.bits()).collect())
    };
    params.layout().iter().map(of).collect()
}

/// The same layout, other numbers.
fn blank<T: Real>(params: &Params<T>) -> Params<T> {
    let mut blank = params.clone();
    let handles: Vec<_> = params.layout().iter().map(|(param, _)| param).collect();
    handles.into_iter().for_each(|param| blank.of_mut(param).fill(T::from_f64(0.25)));
    blank
}

fn saved<T: Real>(params: &Params<T>, dtype: Option<Dtype>) -> Vec<u8> {
    to_bytes(params, &Saving { dtype, ..Saving::default() }).expect("it can be saved")
}

proptest! {
    #[test]
    fn saving_and_loading_is_the_identity(params in any_params()) {
        let mut loaded = blank(&params);
        let report = from_bytes(&saved(&params, None), &mut loaded, &Loading::strict()).unwrap();
        prop_assert_eq!(report.loaded.len(), params.layout().entries().len());
        prop_assert_eq!(bits(&loaded), bits(&params));

        let single = params.cast::<f32>();
        let mut loaded = blank(&single);
        from_bytes(&saved(&single, None), &mut loaded, &Loading::strict()).unwrap();
        prop_assert_eq!(bits(&loaded), bits(&single));
    }

    /// The container too, with the layout: grown rooms, frozen entries.
    #[cfg(feature = "checkpoint")]
    #[test]
    fn the_container_keeps_layout_and_bits(params in any_params()) {
        let loaded: Params<f64> = crate::weights::from_bytes(&crate::weights::to_bytes(&params).unwrap()).unwrap();
        prop_assert_eq!(loaded.layout(), params.layout());
        prop_assert_eq!(bits(&loaded), bits(&params));
    }

    /// Under random names and shapes in the file, the report says exactly which are what, and only what fits changes.
    #[test]
    fn the_report_is_exact(fates in prop::collection::vec(0..5_u8, 0..12)) {
        let (mut theirs, mut ours, mut expected) = (Params::<f64>::new(), Params::<f64>::new(), Report::default());
        for (index, fate) in fates.iter().enumerate() {
            let name = format!("layer{index}.weight");
            let (file, shape) = (format!("net.{name}"), [index + 1, 2]);
            if *fate != 3 {
                ours.add(&name, shape, |i| i as f64);
            }
            match fate {
                0 | 1 => { theirs.add(&file, shape, |i| -1.0 - i as f64); expected.loaded.push(name); }
                2 => {
                    theirs.add(&file, [2, index + 1, 1], |_| -1.0);
                    expected.misshaped.push(Misshaped { name, expected: shape.into(), found: vec![2, index + 1, 1] });
                }
                3 => { theirs.add(&file, shape, |_| -1.0); expected.unexpected.push(file); }
                _ => expected.missing.push(name),
            }
        }
        let (file, before) = (saved(&theirs, None), ours.clone());
        let strict = from_bytes(&file, &mut ours, &Loading::strict().prefixes(&[("net.", "")]));
        if expected.is_complete() {
            prop_assert_eq!(&strict.unwrap(), &expected);
        } else {
            prop_assert!(matches!(strict, Err(Error::Incomplete(report)) if *report == expected));
            prop_assert_eq!(&ours, &before, "nothing changes on an error");
        }
        ours.clone_from(&before);
        let report = from_bytes(&file, &mut ours, &Loading::partial().prefixes(&[("net.", "")])).unwrap();
        prop_assert_eq!(&report, &expected);
        for (param, entry) in ours.layout().iter() {
            let loaded = expected.loaded.iter().any(|name| name == entry.name());
            let new = |i: usize| if loaded { -1.0 - i as f64 } else { before.of(param)[i] };
            prop_assert!(ours.of(param).iter().enumerate().all(|(i, x)| x.to_bits() == new(i).to_bits()));
        }
    }

    /// Every cut and every flipped bit of a file is loaded or refused; on an error nothing has changed.
    #[test]
    fn damage_never_panics(place in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut params = Params::<f32>::new();
        params.add("a.weight", [2, 3], |i| i as f32);
        params.add("b", [], |_| 1.0);
        let before = params.clone();
        let good = saved(&params, Some(Dtype::BF16));
        let place = place.index(good.len());
        prop_assert!(from_bytes(&good[..place], &mut params, &Loading::strict()).is_err());
        let mut flipped = good.clone();
        flipped[place] ^= 1 << bit;
        if from_bytes(&flipped, &mut params, &Loading::partial()).is_err() {
            prop_assert_eq!(params, before);
        }
    }

    /// Half precision: the error is half of the distance between neighbours at most, and a second time there is none.
    #[test]
    fn halves_are_the_nearest(numbers in prop::collection::vec(-60000.0..60000.0_f64, 1..20), scale in -20..1_i32) {
        let mut params = Params::<f64>::new();
        let w = params.add("w", [numbers.len()], |i| numbers[i] * f64::powi(2.0, scale));
        for (dtype, step) in [(Dtype::F16, f64::powi(2.0, -10)), (Dtype::BF16, f64::powi(2.0, -7))] {
            let file = saved(&params, Some(dtype));
            let mut loaded = blank(&params);
            from_bytes(&file, &mut loaded, &Loading::strict()).unwrap();
            for (x, y) in params.of(w).iter().zip(loaded.of(w)) {
                let binade = f64::from_bits(x.to_bits() & 0x7ff0_0000_0000_0000).max(f64::powi(2.0, -14));
                prop_assert!((x - y).abs() <= 0.5 * step * binade, "{dtype:?}: {x:e} became {y:e}");
            }
            prop_assert_eq!(saved(&loaded, Some(dtype)), file);
        }
    }
}

#[test]
fn half_precision_is_half_the_size() {
    let mut params = Params::<f32>::new();
    params.add("w", [1000], |i| i as f32);
    let numbers = |dtype| saved(&params, dtype).len() / 1000;
    assert_eq!([None, Some(Dtype::F16), Some(Dtype::BF16), Some(Dtype::F64)].map(numbers), [4, 2, 2, 8]);
}

#[test]
fn what_is_too_large_is_an_error_unless_asked_for() {
    let mut params = Params::<f64>::new();
    let w = params.add("w", [3], |i| [1.0, 70000.0, f64::INFINITY][i]);
    let with = |dtype, allow_overflow| Saving { dtype: Some(dtype), allow_overflow, ..Saving::default() };
    let error = to_bytes(&params, &with(Dtype::F16, false)).expect_err("it is too large");
    assert_eq!(error.to_string(), r#"tensor "w": expected numbers that F16 can hold, found 7e4"#);
    let file = to_bytes(&params, &with(Dtype::F16, true)).expect("that was asked for");
    let mut loaded = params.clone();
    from_bytes(&file, &mut loaded, &Loading::strict()).expect("it is a good file");
    assert_eq!(loaded.of(w), [1.0, f64::INFINITY, f64::INFINITY]);

    assert!(to_bytes(&params, &with(Dtype::F32, false)).is_ok());
    params.of_mut(w)[0] = 1e300;
    assert!(to_bytes(&params, &with(Dtype::F32, false)).is_err());
    // The same on the way in: a file in double precision for a θ in single.
    let file = saved(&params, None);
    let mut single = params.cast::<f32>();
    single.of_mut(w).fill(0.5);
    let error = from_bytes(&file, &mut single, &Loading::strict()).expect_err("it is too large");
    assert_eq!(error.to_string(), r#"tensor "w": expected numbers that F32 can hold, found 1e300"#);
    assert_eq!(single.of(w), [0.5; 3]);
}

/// A file with one tensor `w` of this type and shape.
fn file_of(name: &str, dtype: &str, shape: Vec<usize>, numbers: &[u8]) -> Vec<u8> {
    let place = Place { dtype: dtype.to_owned(), shape, data_offsets: [0, numbers.len()] };
    let header = Header { tensors: vec![(name.to_owned(), place)], ..Header::default() };
    [header.to_bytes().expect("it is a good header"), numbers.to_vec()].concat()
}

#[test]
fn counters_are_whole_numbers_that_need_a_place_only_if_there_is_one() {
    let name = "norm.num_batches_tracked";
    let file = |count: i64| file_of(name, "I64", vec![], &count.to_le_bytes());
    let mut params = Params::<f32>::new();
    let report = from_bytes(&file(3), &mut params, &Loading::strict()).expect("it has no place, and needs none");
    assert_eq!(report.left_out, [name]);
    let counter = params.add(name, [], |_| 0.0);
    assert!(from_bytes(&file(12345), &mut params, &Loading::strict()).is_ok_and(|report| report.loaded == [name]));
    assert_eq!(params.of(counter), [12345.0]);
    let error = from_bytes(&file((1 << 24) + 1), &mut params, &Loading::strict()).expect_err("it would be rounded");
    assert!(error.to_string().ends_with("expected numbers that F32 can hold, found 16777217"), "{error}");
}

#[test]
fn an_unknown_type_matters_only_where_it_is_asked_for() {
    let mut params = Params::<f32>::new();
    let file = file_of("w", "F8_E4M3", vec![3], &[1, 2, 3]);
    assert!(from_bytes(&file, &mut params, &Loading::partial()).is_ok_and(|report| report.unexpected == ["w"]));
    params.add("w", [3], |_| 0.0);
    let error = from_bytes(&file, &mut params, &Loading::partial()).expect_err("nobody can read it");
    let expected = r#"tensor "w": expected numbers of type F16, BF16, F32, F64 or I64, found F8_E4M3"#;
    assert_eq!(error.to_string(), expected);
}

#[test]
fn names_may_neither_clash_nor_be_reserved() {
    let (mut theirs, mut ours) = (Params::<f32>::new(), Params::<f32>::new());
    theirs.add("a.w", [1], |_| 1.0);
    theirs.add("b.w", [1], |_| 1.0);
    ours.add("w", [1], |_| 0.0);
    let loading = Loading::partial().prefixes(&[("a.", ""), ("b.", "")]);
    let error = from_bytes(&saved(&theirs, None), &mut ours, &loading).expect_err("both want one place");
    assert_eq!(error.to_string(), r#"tensor "b.w": expected a place of its own, found "w", as for "a.w""#);
    theirs.add("__metadata__", [1], |_| 0.0);
    assert!(to_bytes(&theirs, &Saving::default()).is_err());
    assert!(to_bytes(&ours, &Saving { dtype: Some(Dtype::I64), ..Saving::default() }).is_err());
}

#[test]
fn texts_are_kept_and_files_are_named() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.safetensors");
    let mut params = Params::<f32>::new();
    params.add("w", [2], |i| i as f32);
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned()), ("epoch".to_owned(), "3".to_owned())]);
    save(&path, &params, &Saving { metadata: metadata.clone(), ..Saving::default() }).expect("it can be written");
    let report = load(&path, &mut params, &Loading::strict()).expect("it can be read");
    assert_eq!(report.metadata, metadata);
    params.add("b", [2], |_| 0.0);
    let error = load(&path, &mut params, &Loading::strict()).expect_err("b is missing").to_string();
    assert!(
        error.ends_with("safetensors: the tensors are not those of the model\nloaded      1\nmissing     b"),
        "{error}"
    );
    let error = load(folder.path().join("no"), &mut params, &Loading::strict()).expect_err("there is none");
    assert!(error.to_string().contains("no: cannot read: "), "{error}");
    Ok(())
}
