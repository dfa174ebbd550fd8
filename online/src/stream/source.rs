//! Where the bytes come from: plain or compressed, with the first line looked at in advance.

use std::io::{self, BufReader, Cursor, Read};

use ::csv::StringRecord;
use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, ErrorKind};

/// The bytes of a stream, decompressed.
pub(super) struct Source {
    reader: Box<dyn Read + Send>,
    compressed: bool,
    /// Bytes given out since the last row began.
    unbroken: usize,
}

/// A first line longer than this is judged by its beginning.
const LONGEST_FIRST_LINE: usize = 1 << 20;

/// A longer row is taken for a quote that was left open, which would swallow the rest of the stream.
const LONGEST_ROW: usize = 64 << 20;

impl Source {
    /// Looks at the first two bytes: gzip begins with `1f 8b`. Several gzip members in a row count as one stream.
    pub(super) fn new(mut reader: impl Read + Send + 'static) -> io::Result<Self> {
        let mut magic = Vec::with_capacity(2);
        reader.by_ref().take(2).read_to_end(&mut magic)?;
        let compressed = magic == [0x1f, 0x8b];
        let whole = Cursor::new(magic).chain(reader);
        let reader: Box<dyn Read + Send> = match compressed {
            true => Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, whole))),
            false => Box::new(whole),
        };
        Ok(Source { reader, compressed, unbroken: 0 })
    }

    /// Whether the bytes come out of gzip.
    pub(super) fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// The first line that is not blank. It is not consumed: only a byte order mark is.
    ///
    /// Reads no further than it must, so that a stream that is still being written starts at once.
    pub(super) fn peek_line(&mut self) -> io::Result<Vec<u8>> {
        let mut seen = Vec::new();
        let line = loop {
            if let Some(line) = whole_line(&seen) {
                break line.to_vec();
            }
            let chunk = seen.len().max(1 << 12);
            let filled = seen.len();
            seen.resize(filled + chunk, 0);
            let read = self.reader.read(&mut seen[filled..]);
            seen.truncate(filled + read.as_ref().map_or(0, |count| *count));
            match read {
                Ok(0) => break seen.clone(),
                Ok(_) if seen.len() >= LONGEST_FIRST_LINE => break seen.clone(),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        let mark = if seen.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let mut seen = Cursor::new(seen);
        seen.set_position(mark as u64);
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(seen.chain(rest));
        Ok(line)
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unbroken > LONGEST_ROW {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "is a quote left open?"));
        }
        let count = self.reader.read(buffer)?;
        self.unbroken += count;
        Ok(count)
    }
}

/// The first line that is not blank, if its end is there. A line break in quotes does not end it.
fn whole_line(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let (mut start, mut quoted) = (0, false);
    for (place, &byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => {
                let line = &bytes[start..place];
                if !line.trim_ascii().is_empty() {
                    return Some(line);
                }
                start = place + 1;
            }
            _ => {}
        }
    }
    None
}

/// The one of `,` `;` and tab that `line` has most of outside quotes; the first of them on ties.
pub(super) fn delimiter_of(line: &[u8]) -> u8 {
    let mut counts = [(b',', 0_u64), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for &byte in line {
        quoted ^= byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += u64::from(byte == *delimiter && !quoted);
        }
    }
    // `max_by_key` takes the last of equals.
    counts.into_iter().rev().max_by_key(|&(_, count)| count).map_or(b',', |(delimiter, _)| delimiter)
}

/// What a failure to read means, after `rows` rows.
pub(super) fn failure(error: io::Error, compressed: bool, rows: u64) -> Error {
    let after = if rows == 0 { "before the first row".to_owned() } else { format!("after row {rows}") };
    match error.kind() {
        io::ErrorKind::UnexpectedEof if compressed => {
            Error::caused_by(ErrorKind::Format, &format!("the compressed file ends early, {after}"), error)
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if compressed => {
            Error::caused_by(ErrorKind::Format, &format!("the compressed file is damaged, {after}"), error)
        }
        io::ErrorKind::FileTooLarge => {
            let expected = format!("expected a row of at most {LONGEST_ROW} bytes, {after}");
            Error::caused_by(ErrorKind::Format, &expected, error)
        }
        _ => Error::caused_by(ErrorKind::Io, &format!("cannot be read, {after}"), error),
    }
}

/// Reads one record that is not blank into `text`; `false` at the end.
///
/// A line of nothing but space is blank too, although the `csv` crate takes it for a record of one field.
pub(super) fn read_record(reader: &mut ::csv::Reader<Source>, text: &mut StringRecord) -> Result<bool, ::csv::Error> {
    loop {
        reader.get_mut().unbroken = 0;
        if !reader.read_record(text)? {
            return Ok(false);
        }
        if text.len() > 1 || !text.iter().all(|field| field.trim().is_empty()) {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_counted_outside_quotes() {
        assert_eq!(delimiter_of(b"a,b;c,d"), b',');
        assert_eq!(delimiter_of(b"\"a,b,c\";d;e"), b';');
        assert_eq!(delimiter_of(b"a\tb"), b'\t');
        assert_eq!(delimiter_of(b"a"), b',');
    }

    /// Gives one byte at a time, as a slow pipe may.
    struct Trickle(Cursor<Vec<u8>>);

    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let end = buffer.len().min(1);
            self.0.read(&mut buffer[..end])
        }
    }

    #[test]
    fn looking_at_the_first_line_consumes_only_the_byte_order_mark() -> io::Result<()> {
        let text = b"\xef\xbb\xbf\r\n  \n\"a\nb\",c\n1,2\n".to_vec();
        let mut source = Source::new(Trickle(Cursor::new(text.clone())))?;
        assert_eq!(source.peek_line()?, b"\"a\nb\",c");
        let mut rest = Vec::new();
        source.read_to_end(&mut rest)?;
        assert_eq!(rest, text[3..]);
        Ok(())
    }
}
