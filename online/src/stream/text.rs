//! A text as counts: words and their parts, hashed into a fixed number of columns.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// XXH3's seed for words.
const WORDS: u64 = 0;
/// XXH3's seed for trigrams.
const TRIGRAMS: u64 = 1;

/// Counts, and memory that is used again and again.
#[derive(Clone, Debug, Default)]
pub(super) struct TextCounts {
    counts: Vec<f64>,
    word: String,
}

impl TextCounts {
    /// How often each column is met: `count[h mod columns]` for each token, where `h` is its XXH3-64.
    ///
    /// The tokens are the words, which are the longest runs of letters and digits, in lower case (seed 0); and of each
    /// word, set between `<` and `>`, every three characters in a row (seed 1): of `Oslo` these are `<os`, `osl`, `slo`,
    /// `lo>`. So words that share a part share columns, and a slip of the keyboard does not make a stranger.
    pub(super) fn of(&mut self, text: &str, columns: u32) -> &[f64] {
        self.counts.clear();
        self.counts.resize(columns as usize, 0.0);
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            self.word.clear();
            self.word.push('<');
            word.chars().for_each(|c| self.word.extend(c.to_lowercase()));
            self.word.push('>');
            let mut count = |token: &str, seed| {
                let column = xxh3_64_with_seed(token.as_bytes(), seed) % u64::from(columns);
                self.counts[column as usize] += 1.0;
            };
            count(&self.word[1..self.word.len() - 1], WORDS);
            let starts = self.word.char_indices().map(|(place, _)| place);
            let ends = self.word.char_indices().map(|(place, c)| place + c.len_utf8()).skip(2);
            starts.zip(ends).for_each(|(start, end)| count(&self.word[start..end], TRIGRAMS));
        }
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> Vec<f64> {
        TextCounts::default().of(text, 1 << 16).to_vec()
    }

    #[test]
    fn each_word_counts_once_and_so_does_each_of_its_trigrams() {
        let mut expected = vec![0.0; 1 << 16];
        for (token, seed) in [("oslo", 0), ("<os", 1), ("osl", 1), ("slo", 1), ("lo>", 1), ("å", 0), ("<å>", 1)] {
            expected[(xxh3_64_with_seed(token.as_bytes(), seed) % (1 << 16)) as usize] += 1.0;
        }
        assert_eq!(counts("Oslo, Å!"), expected);
        assert_eq!(counts("å--OSLO"), expected, "neither order nor case nor punctuation is seen");
        assert_eq!(counts(" ?! ").iter().sum::<f64>(), 0.0);
    }

    #[test]
    fn the_columns_of_a_word_are_those_of_every_release() {
        assert_eq!(xxh3_64_with_seed(b"rain", WORDS), 867_523_730_932_068_441);
        assert!(TextCounts::default().of("rain", 8)[867_523_730_932_068_441 % 8] >= 1.0);
    }
}
