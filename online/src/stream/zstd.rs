//! Bytes out of zstd.

use std::error::Error as StdError;
use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Zstd frames, one after the other, as one stream of bytes. Checksums are checked where there are any.
pub(super) struct Zstd<R> {
    reader: R,
    decoder: FrameDecoder,
    /// In a frame, not between two or at the end.
    inside: bool,
}

/// How far back a frame may refer, and so about what it takes to unpack it: what `zstd --long` asks for.
const LARGEST_WINDOW: u64 = 128 << 20;

impl<R: BufRead> Zstd<R> {
    pub(super) fn new(reader: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(LARGEST_WINDOW);
        Zstd { reader, decoder, inside: false }
    }

    /// Goes to the next frame; `false` at the end.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.reader.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.reader) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut self.reader.by_ref().take(length), &mut io::sink())? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(damaged(error)),
            }
        }
        Ok(false)
    }
}

impl Zstd<()> {
    /// Whether a stream that begins like this is zstd.
    pub(super) fn is_magic(bytes: &[u8]) -> bool {
        matches!(bytes, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.inside {
                if !self.begin()? {
                    return Ok(0);
                }
                self.inside = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let block = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.reader, block).map_err(damaged)?;
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let (expected, found) = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
            if expected.is_some() && expected != found {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum does not match"));
            }
            self.inside = false;
        }
    }
}

/// As the system would say it: an early end is one, whatever was being read.
fn damaged(error: FrameDecoderError) -> io::Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(system) = error.downcast_ref::<io::Error>() {
            return io::Error::new(system.kind(), system.to_string());
        }
        cause = error.source();
    }
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    fn unpack(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut found = Vec::new();
        Zstd::new(bytes).read_to_end(&mut found).map(|_| found)
    }

    #[test]
    fn frames_in_a_row_are_one_stream() -> io::Result<()> {
        let [one, two] = [&b"rain "[..], b"and sun"].map(|text| compress_to_vec(text, CompressionLevel::Fastest));
        let skipped = [0x52, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9];
        assert!(Zstd::is_magic(&one) && Zstd::is_magic(&skipped) && !Zstd::is_magic(b"a,b\n"));
        assert_eq!(unpack(&[&one[..], &skipped, &two].concat())?, b"rain and sun");
        assert_eq!(unpack(b"")?, b"");
        for cut in 1..one.len() {
            assert_eq!(unpack(&one[..cut]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof, "{cut}");
        }
        assert_eq!(unpack(&skipped[..9]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(unpack(b"not zstd").unwrap_err().kind(), io::ErrorKind::InvalidData);
        Ok(())
    }
}
