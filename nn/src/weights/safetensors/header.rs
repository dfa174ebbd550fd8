//! The header of a safetensors file: which tensor lies where.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `n`, little-endian |
//! | n | the header, JSON: `{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}` |
//! | … | the numbers; offsets count from here |
//!
//! `"__metadata__"` is the one other key: texts by name. Spaces at the end of the header make the numbers begin at a
//! multiple of 8 bytes. A header from outside is trusted in nothing: see [`Header::parse`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Dtype, Error};

/// The key that is no tensor.
pub(super) const METADATA: &str = "__metadata__";
/// The longest header that is read: that of the format's own implementation.
const LONGEST: u64 = 100_000_000;

/// What is in a file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Header {
    /// Texts by name.
    pub metadata: BTreeMap<String, String>,
    /// Tensors, in the order of the header.
    pub tensors: Vec<(String, Place)>,
}

/// One tensor's type, sizes and place.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Place {
    /// As the file spells it: it need not be a [`Dtype`].
    pub dtype: String,
    pub shape: Vec<usize>,
    /// Begin and end, counted from the end of the header.
    pub data_offsets: [usize; 2],
}

impl Header {
    /// The header of a file, and the numbers behind it.
    ///
    /// # Errors
    ///
    /// Unless it is UTF-8 and JSON, every name is there once, every tensor is as long as its type and shape say, and the
    /// tensors lie one behind the other without a gap or an overlap, from the first byte of the numbers to the last.
    pub fn parse(bytes: &[u8]) -> Result<(Header, &[u8]), Error> {
        let found = bytes.len() as u64;
        let Some((length, rest)) = bytes.split_first_chunk() else {
            return Err(Error::CutShort { expected: 8, found });
        };
        let length = u64::from_le_bytes(*length);
        if length > LONGEST {
            return Err(Error::Header(format!(
                "expected at most {LONGEST} bytes, found {length}: no safetensors file?"
            )));
        }
        let Some((header, numbers)) = rest.split_at_checked(length as usize) else {
            return Err(Error::CutShort { expected: 8 + length, found });
        };
        let header = std::str::from_utf8(header).map_err(|cause| Error::Header(cause.to_string()))?;
        let header: Header = serde_json::from_str(header).map_err(|cause| Error::Header(cause.to_string()))?;
        header.check(numbers.len())?;
        Ok((header, numbers))
    }

    fn check(&self, length: usize) -> Result<(), Error> {
        let mut tensors: Vec<_> = self.tensors.iter().collect();
        tensors.sort_by_key(|(_, place)| place.data_offsets);
        let mut expected = 0;
        for (name, Place { dtype, shape, data_offsets: [begin, end] }) in tensors {
            if *begin != expected || end < begin {
                let should = format!("to begin at {expected}, where the one before ends");
                return Err(Error::tensor(name, should, format!("{begin} to {end}")));
            }
            // Types that we do not know may lie there, as long as nobody asks for them.
            if let Some(dtype) = Dtype::named(dtype) {
                let bytes = shape.iter().try_fold(dtype.bytes(), |bytes, &size| bytes.checked_mul(size));
                if bytes != Some(end - begin) {
                    let should = format!("the bytes of {} {shape:?}", dtype.name());
                    return Err(Error::tensor(name, should, (end - begin).to_string()));
                }
            }
            expected = *end;
        }
        let [expected, found] = [expected, length].map(|bytes| bytes as u64);
        match found {
            _ if found < expected => Err(Error::CutShort { expected, found }),
            _ if found > expected => Err(Error::Trailing { expected, found }),
            _ => Ok(()),
        }
    }

    /// The bytes before the numbers.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; 8];
        serde_json::to_writer(&mut bytes, self).map_err(|cause| Error::Header(cause.to_string()))?;
        bytes.resize(bytes.len().next_multiple_of(8), b' ');
        let length = bytes.len() as u64 - 8;
        if length > LONGEST {
            return Err(Error::TooLarge { limit: LONGEST, found: Some(length) });
        }
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        Ok(bytes)
    }
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.metadata.is_empty() {
            map.serialize_entry(METADATA, &self.metadata)?;
        }
        self.tensors.iter().try_for_each(|(name, place)| map.serialize_entry(name, place))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Header;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let (mut header, mut names) = (Header::default(), BTreeSet::new());
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(serde::de::Error::custom(format_args!("{name:?} is there twice")));
            }
            if name == METADATA {
                header.metadata = map.next_value()?;
            } else {
                header.tensors.push((name, map.next_value()?));
            }
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(header: &str, numbers: usize) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; numbers]].concat()
    }

    #[track_caller]
    fn refused(bytes: &[u8], expected: &str) {
        let message = Header::parse(bytes).map_or_else(|error| error.to_string(), |_| "no error".to_owned());
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn malicious_headers_are_refused() {
        let one = |place: &str| file(&format!(r#"{{"a":{place}}}"#), 8);
        let f32s =
            |shape: &str, offsets: &str| one(&format!(r#"{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}"#));
        assert!(Header::parse(&f32s("[2]", "[0,8]")).is_ok());
        refused(b"", "cut short: expected 8 bytes, found 0");
        refused(&u64::MAX.to_le_bytes(), "expected at most 100000000 bytes, found 18446744073709551615");
        refused(&99_999_999_u64.to_le_bytes(), "cut short: expected 100000007 bytes, found 8");
        refused(&file("", 0), "header: EOF");
        refused(&file("[]", 0), "expected tensors by name");
        refused(&file(&"[".repeat(100_000), 0), "header: ");
        refused(&[&4_u64.to_le_bytes()[..], b"{\"\xff\""].concat(), "header: invalid utf-8");
        refused(&f32s("[2]", "[0,4]"), r#"tensor "a": expected the bytes of F32 [2], found 4"#);
        refused(&f32s("[4]", "[0,16]"), "cut short: expected 16 bytes, found 8");
        refused(&f32s("[1]", "[0,4]"), "expected 4 bytes, found 4 more after the end");
        refused(&f32s("[1]", "[4,8]"), "expected to begin at 0, where the one before ends, found 4 to 8");
        refused(&f32s("[1]", "[0,-4]"), "header: invalid value");
        refused(&f32s("[1]", "[8,4]"), "found 8 to 4");
        refused(&f32s("[4611686018427387904,4]", "[0,0]"), "the bytes of F32");
        refused(&f32s("[1e99]", "[0,8]"), "header: ");
        refused(&f32s("[2]", "[0,8,8]"), "header: ");
        refused(&one("{}"), "missing field `dtype`");
        refused(&file(r#"{"__metadata__":{"epoch":3}}"#, 0), "header: invalid type");
    }

    #[test]
    fn two_tensors_neither_share_a_name_nor_a_byte() {
        let place = |offsets: &str| format!(r#"{{"dtype":"F32","shape":[1],"data_offsets":{offsets}}}"#);
        let two =
            |[a, b]: [&str; 2], [x, y]: [&str; 2]| file(&format!(r#"{{"{a}":{},"{b}":{}}}"#, place(x), place(y)), 8);
        assert!(Header::parse(&two(["a", "b"], ["[4,8]", "[0,4]"])).is_ok());
        refused(&two(["a", "a"], ["[0,4]", "[4,8]"]), r#""a" is there twice"#);
        refused(&two(["a", r"\u0061"], ["[0,4]", "[4,8]"]), r#""a" is there twice"#);
        refused(&two(["a", "b"], ["[0,4]", "[0,4]"]), r#"tensor "b": expected to begin at 4"#);
        refused(&two(["a", "b"], ["[0,4]", "[2,6]"]), r#"tensor "b": expected to begin at 4"#);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(names in prop::collection::btree_set("\\PC{1,9}|[\"\\\\\n]", 0..6), note in "\\PC{0,9}") {
            let mut header = Header::default();
            header.metadata.insert(note.clone(), note);
            for (index, name) in names.into_iter().enumerate() {
                let place = Place { dtype: "BF16".into(), shape: vec![3, 1], data_offsets: [6 * index, 6 * index + 6] };
                header.tensors.push((name, place));
            }
            let mut bytes = header.to_bytes().unwrap();
            prop_assert!(bytes.len().is_multiple_of(8));
            let numbers = vec![7; 6 * header.tensors.len()];
            bytes.extend(&numbers);
            prop_assert_eq!(Header::parse(&bytes).unwrap(), (header, &numbers[..]));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "\\PC{0,40}") {
            let _ = Header::parse(&bytes);
            let _ = Header::parse(&file(&text, bytes.len()));
        }
    }
}
