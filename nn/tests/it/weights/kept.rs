//! The container: its bytes are pinned, and no damage to them does harm.

use allocation_counter::measure;
use thalweg_autograd::{Grads, Params};
use thalweg_nn::weights::{self, Error, from_bytes, to_bytes};
use thalweg_nn::{Network, NetworkSpec, Optimizer, Rng, Schedule, Sgd, Shape};
use xxhash_rust::xxh3::xxh3_64;

const GOLDEN: &[u8] = include_bytes!("../../fixtures/params_sgd.weights");

type Model = (Params<f32>, Sgd<f32>);

/// Two tensors, one of them grown and one frozen, and a velocity.
fn model() -> Model {
    let (mut params, mut sgd) = (Params::new(), Sgd::with_momentum(0.125, 0.5, true));
    let w = params.add_stacked("head.weight", 2, [2, 3], |i| i as f32);
    let b = params.add("head.bias", [3], |i| [0.1, -0.0, f32::from_bits(0x7fc0_0001)][i]);
    params.grow(w, 0, 1, |i| i as f32);
    params.set_trainable(b, false);
    let mut grads = Grads::like(&params);
    grads.of_mut(w).fill(1.0);
    sgd.step(&mut params, &mut grads);
    (params, sgd)
}

/// Files of this version are read by every later program that says so. Where the types have changed on purpose: raise the
/// version in `weights`, and run the next test with `--ignored`.
#[test]
fn the_bytes_of_a_small_file_are_pinned() -> Result<(), Error> {
    assert!(to_bytes(&model())? == GOLDEN, "the format has changed: a new version is due");
    let (params, sgd): Model = from_bytes(GOLDEN)?;
    assert!(to_bytes(&(params, sgd))? == GOLDEN);
    Ok(())
}

#[test]
#[ignore = "writes the fixture of the test above"]
fn write_the_small_file() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/params_sgd.weights");
    weights::save(path, &model()).expect("the fixture can be written");
}

/// With the checksum made to match, damage reaches the types themselves: they refuse it, or what they become is sound.
/// Neither a panic nor a large allocation, whatever the byte.
#[test]
fn damage_that_the_checksum_does_not_show_does_no_harm() {
    let checked = &GOLDEN[..GOLDEN.len() - 8];
    let (mut refused, mut most) = (0, 0);
    for place in 20..checked.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = checked.to_vec();
            bytes[place] ^= flip;
            bytes.extend(xxh3_64(&bytes).to_le_bytes());
            let memory = measure(|| match from_bytes::<Model>(&bytes) {
                Err(Error::Payload(_)) => refused += 1,
                Err(error) => panic!("byte {place}: {error}"),
                Ok((params, _)) => params.layout().iter().for_each(|(param, _)| assert!(params.of(param).len() < 100)),
            });
            most = most.max(memory.bytes_max);
        }
    }
    assert!(refused > 100, "{refused} refused");
    assert!(most < 2 << 20, "{most} bytes at once");
}

/// The bytes of a value, without what is around them in a file.
fn payload(value: &impl serde::Serialize) -> Vec<u8> {
    let file = to_bytes(value).expect("it can be saved");
    file[20..file.len() - 8].to_vec()
}

/// A file of any payload, whose checksum matches.
fn file(payload: &[u8]) -> Vec<u8> {
    let mut file = [&GOLDEN[..12], &(payload.len() as u64).to_le_bytes(), payload].concat();
    file.extend(xxh3_64(&file).to_le_bytes());
    file
}

/// Megabytes of layers within each other, or schedules, would overflow the stack.
#[test]
fn a_crafted_nest_is_refused() {
    const DEEP: usize = 1 << 20;
    let schedule = Schedule::Constant { rate: 0.5 };
    let within = [&8_u32.to_le_bytes()[..], &1_u64.to_le_bytes()].concat(); // the variant, and its steps
    let nest = |depth: usize| [within.repeat(depth), payload(&schedule)].concat();
    assert_eq!(nest(2), payload(&schedule.clone().with_warm_up(1).with_warm_up(1)), "the nest is one");
    let warm = (0..16).fold(schedule.clone(), |schedule, _| schedule.with_warm_up(1));
    assert_eq!(from_bytes::<Schedule>(&file(&nest(16))).ok(), Some(warm));
    for depth in [17, DEEP] {
        let error = from_bytes::<Schedule>(&file(&nest(depth))).expect_err("it is too deep").to_string();
        assert!(error.ends_with("expected at most 16 within each other"), "{error}");
    }

    let network = |depth: usize| {
        let spec = ["residual(".repeat(depth), ")".repeat(depth)].concat().parse().expect("a network");
        Network::new(&mut Params::<f32>::new(), "net", &spec, [2], &mut Rng::new(1)).expect("it fits")
    };
    let shape = payload(&Shape::from([2]));
    let within = [&shape[..], &1_u64.to_le_bytes(), &23_u32.to_le_bytes()].concat(); // one layer, and which
    let nest = |net: &Network, depth: usize| {
        let head = [payload(&"net"), payload(net.spec())].concat();
        [head, within.repeat(depth), shape.clone(), payload(&0_u64), shape.repeat(depth)].concat()
    };
    assert_eq!(nest(&network(2), 2), payload(&network(2)), "the nest is one");
    assert_eq!(from_bytes::<Network>(&file(&nest(&network(16), 16))).ok(), Some(network(16)));
    for depth in [17, DEEP] {
        let error = from_bytes::<Network>(&file(&nest(&network(16), depth))).expect_err("it is too deep").to_string();
        assert!(error.ends_with("expected at most 16 within each other"), "{error}");
    }
    // And what is said, as text.
    let deep = "residual(".repeat(DEEP) + &")".repeat(DEEP);
    assert!(from_bytes::<NetworkSpec>(&file(&payload(&deep))).is_err());
}

/// Sums over θ as a whole count on it.
#[test]
fn the_room_between_entries_must_be_empty() {
    let last = 0x7fc0_0001_u32.to_le_bytes(); // of `head.bias`
    let behind = GOLDEN.windows(4).position(|bytes| bytes == last).expect("it is there") + 4;
    let mut bytes = GOLDEN[..GOLDEN.len() - 8].to_vec();
    bytes[behind] = 1;
    bytes.extend(xxh3_64(&bytes).to_le_bytes());
    let error = from_bytes::<Model>(&bytes).expect_err("there is a number where none belongs");
    assert!(error.to_string().ends_with("the room behind entry head.bias is not empty"), "{error}");
}

#[test]
fn every_cut_and_every_flipped_byte_is_an_error() {
    for place in 0..GOLDEN.len() {
        let mut bytes = GOLDEN.to_vec();
        bytes[place] ^= 0xff;
        let memory = measure(|| {
            assert!(from_bytes::<Model>(&bytes).is_err(), "byte {place}");
            assert!(from_bytes::<Model>(&GOLDEN[..place]).is_err(), "{place} bytes");
        });
        assert!(memory.bytes_max < 4096, "{} bytes at once", memory.bytes_max);
    }
}

/// A vector of numbers is one piece of bytes: 4 for each number, and what is around it.
#[test]
fn a_file_is_as_long_as_its_numbers() -> Result<(), Error> {
    let mut params = Params::<f32>::new();
    params.add("w", [1000, 16], |i| i as f32);
    let length = to_bytes(&params)?.len();
    assert!((64_000..64_200).contains(&length), "{length}");
    Ok(())
}
