//! Where the bytes come from: plain or compressed, with the first line looked at in advance.

use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::zstd::Zstd;
use crate::error::{Error, ErrorKind};

/// The bytes of a stream, decompressed.
pub(super) struct Source {
    reader: Box<dyn Read + Send>,
    compressed: bool,
    /// Bytes given out since the last row began.
    pub(super) unbroken: usize,
}

/// A first line longer than this is judged by its beginning.
const LONGEST_FIRST_LINE: usize = 1 << 20;

/// A longer row is taken for a quote that was left open, or a line break that is missing, which would swallow the rest of
/// the stream.
pub(super) const LONGEST_ROW: usize = 16 << 20;

impl Source {
    /// Looks at the first bytes: gzip begins with `1f 8b`, zstd with `28 b5 2f fd` (or `5. 2a 4d 18`, a frame to be passed
    /// over). Several gzip members or zstd frames in a row count as one stream.
    pub(super) fn new(mut reader: impl Read + Send + 'static) -> io::Result<Self> {
        let mut magic = Vec::with_capacity(4);
        reader.by_ref().take(4).read_to_end(&mut magic)?;
        let (gzip, zstd) = (magic.starts_with(&[0x1f, 0x8b]), Zstd::is_magic(&magic));
        let whole = Cursor::new(magic).chain(reader);
        let buffered = |whole| BufReader::with_capacity(1 << 16, whole);
        let reader: Box<dyn Read + Send> = match (gzip, zstd) {
            (true, _) => Box::new(MultiGzDecoder::new(buffered(whole))),
            (_, true) => Box::new(Zstd::new(buffered(whole))),
            _ => Box::new(whole),
        };
        Ok(Source { reader, compressed: gzip || zstd, unbroken: 0 })
    }

    /// Whether the bytes come out of gzip or zstd.
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
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "is a quote left open, or a line break missing?"));
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

/// The lines of a stream, without those that are blank or begin with a sign for comments.
#[derive(Debug)]
pub(super) struct Lines {
    reader: BufReader<Source>,
    line: Vec<u8>,
    comment: Option<u8>,
}

impl Lines {
    pub(super) fn new(source: Source, comment: Option<u8>) -> Self {
        Lines { reader: BufReader::with_capacity(1 << 16, source), line: Vec::new(), comment }
    }

    /// Goes to the next line; `false` at the end.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        loop {
            self.line.clear();
            self.reader.get_mut().unbroken = 0;
            if self.reader.read_until(b'\n', &mut self.line)? == 0 {
                return Ok(false);
            }
            match self.bytes().first() {
                None => {}
                Some(first) if Some(*first) == self.comment => {}
                Some(_) => return Ok(true),
            }
        }
    }

    /// The line, without the space around it.
    pub(super) fn bytes(&self) -> &[u8] {
        self.line.trim_ascii()
    }

    /// The line as text.
    pub(super) fn text(&self) -> Result<&str, Error> {
        std::str::from_utf8(self.bytes())
            .map_err(|_| Error::new(ErrorKind::Format, "expected UTF-8, found other bytes"))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("compressed", &self.compressed).finish_non_exhaustive()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
