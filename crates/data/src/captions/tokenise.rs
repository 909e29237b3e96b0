//! Words of a raw caption.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use unicode_segmentation::UnicodeSegmentation;

/// What a word of a caption is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WordSplit {
    /// Words of raw captions, in lower case, without punctuation.
    ///
    /// See [`tokenise`].
    Words,
    /// Characters of raw captions, in lower case, without punctuation and white space: for scripts without spaces
    /// between words. A letter with its marks is one character (a grapheme cluster of UAX 29).
    Characters,
    /// What the data gives: tokens where the layout has them, else raw captions divided at white space.
    Given,
}

impl WordSplit {
    /// The name in configurations and signatures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Characters => "characters",
            Self::Given => "given",
        }
    }

    /// The words of a raw caption; those that are given keep their capitals and punctuation.
    pub fn split(self, raw: &str) -> Vec<String> {
        match self {
            Self::Words => tokenise(raw),
            Self::Characters => {
                let text = normalised(raw);
                let characters = text.graphemes(true);
                characters
                    .filter(|character| character.contains(char::is_alphanumeric))
                    .map(|character| character.replace(is_joiner, ""))
                    .collect()
            }
            Self::Given => {
                let is_space =
                    |character: char| character.is_whitespace() || character == ZERO_WIDTH_SPACE;
                let words = raw.split(is_space).filter(|word| !word.is_empty());
                words.map(composed).collect()
            }
        }
    }
}

/// Text in Unicode's composed form (NFC), in which the same letters are the same characters.
pub(crate) fn composed(text: &str) -> String {
    let is_composed = is_nfc_quick(text.chars()) == IsNormalized::Yes;
    // Most text is; seeing that takes a tenth of what composing it takes.
    if is_composed {
        text.to_owned()
    } else {
        text.nfc().collect()
    }
}

const ZERO_WIDTH_SPACE: char = '\u{200b}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// Latin letters and the accents that are written for them, as a class of regular expressions.
pub(crate) const LATIN: &str = r"\x{0}-\x{36F}\x{1D00}-\x{1DBF}\x{1E00}-\x{1EFF}\x{2C60}-\x{2C7F}\x{A720}-\x{A7FF}\x{AB30}-\x{AB6F}\x{FB00}-\x{FB06}\x{FF21}-\x{FF5A}";

/// Characters that nobody sees, as a class of regular expressions: marks of direction and of formatting, selectors of
/// variants, frames around characters. The zero-width space, which divides words, and the joiners are not among them.
pub(crate) const UNSEEN: &str = r"\x{AD}\x{34F}\x{600}-\x{605}\x{61C}\x{6DD}\x{70F}\x{8E2}\x{180B}-\x{180F}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}-\x{206F}\x{20DD}-\x{20E0}\x{20E2}-\x{20E4}\x{FE00}-\x{FE0F}\x{FEFF}\x{FFF9}-\x{FFFB}\x{E0001}-\x{E01EF}";

fn is_latin(character: char) -> bool {
    matches!(character,
        '\0'..='\u{36f}' | '\u{1d00}'..='\u{1dbf}' | '\u{1e00}'..='\u{1eff}' | '\u{2c60}'..='\u{2c7f}'
        | '\u{a720}'..='\u{a7ff}' | '\u{ab30}'..='\u{ab6f}' | '\u{fb00}'..='\u{fb06}' | '\u{ff21}'..='\u{ff5a}')
}

fn is_unseen(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{8e2}'
        | '\u{180b}'..='\u{180f}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{20dd}'..='\u{20e0}' | '\u{20e2}'..='\u{20e4}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0001}'..='\u{e01ef}')
}

fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | ZERO_WIDTH_JOINER)
}

/// Lower case in composed form, without what nobody sees.
fn normalised(raw: &str) -> String {
    let raw = composed(raw);
    let lower = raw.chars().flat_map(char::to_lowercase);
    let seen: String = lower.filter(|&character| !is_unseen(character)).collect();
    composed(&seen)
}

/// Whether a character is part of a word wherever it follows one: letters, digits, marks, and the signs that Armenian
/// and Hebrew write within words.
fn continues(character: char) -> bool {
    character.is_alphanumeric()
        || is_combining_mark(character)
        || matches!(character, '\u{55a}'..='\u{55c}' | '\u{55e}' | '\u{5f3}')
}

/// Whether a character that does not continue words by itself does so between these two.
fn connects(before: char, character: char, after: Option<char>) -> bool {
    let is_other_letter =
        |letter: char| (letter.is_alphabetic() || is_combining_mark(letter)) && !is_latin(letter);
    let is_hebrew = |letter: char| matches!(letter, '\u{590}'..='\u{5f2}') && continues(letter);
    match (character, after) {
        (ZERO_WIDTH_JOINER, _) if is_combining_mark(before) => true,
        (joiner, Some(after)) if is_joiner(joiner) => continues(after),
        ('\'' | '\u{2018}' | '\u{2019}' | '\u{ff07}', Some(after)) => {
            is_other_letter(before) && is_other_letter(after)
        }
        ('"' | '\u{5f4}', Some(after)) => is_hebrew(before) && is_hebrew(after),
        _ => false,
    }
}

/// Splits a raw caption into lower-case words of any script: the longest runs of letters, digits and marks, in
/// Unicode's composed form (NFC).
///
/// In Latin script everything else separates words, an apostrophe and a full stop within a word too:
/// `"A dog's D.C. t-shirt ."` gives `a dog s d c t shirt`. On the 35,000 captions of Flickr8k's
/// training and validation images this gives exactly the tokens of Karpathy's
/// `dataset_flickr8k.json`. In other scripts, what UAX 29 holds to be inside a word stays there: zero-width joiners,
/// the apostrophe of Ukrainian, the signs that Hebrew and Armenian write within words. What nobody sees is dropped.
/// Scripts without spaces between words keep their runs of letters whole; see [`WordSplit::Characters`].
pub fn tokenise(raw: &str) -> Vec<String> {
    let text = normalised(raw);
    let mut words = Vec::new();
    let mut word = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_inside = match word.chars().next_back() {
            None => character.is_alphanumeric(),
            Some(before) => {
                continues(character) || connects(before, character, characters.peek().copied())
            }
        };
        if is_inside {
            word.push(character);
        } else if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Whether a word is a run of letters too long for one word, of a script that writes no spaces between words.
pub(super) fn is_without_spaces(word: &str) -> bool {
    /// Longer words are hardly found in the dictionaries of these scripts.
    const LONGEST: [usize; 2] = [6, 20];
    let (mut ideographs, mut letters) = (0, 0);
    for character in word.chars() {
        match character {
            // Kana and ideographs.
            '\u{3041}'..='\u{30ff}'
            | '\u{3400}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{323af}' => {
                ideographs += 1;
            }
            // Thai, Lao, Burmese, Khmer.
            '\u{e01}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' => {
                letters += 1;
            }
            _ => {}
        }
    }
    ideographs > LONGEST[0] || letters > LONGEST[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(raw: &str) -> String {
        tokenise(raw).join(" ")
    }

    #[test]
    fn words_are_lower_case_when_raw_has_capitals() {
        assert_eq!(joined("A Black Dog"), "a black dog");
    }

    #[test]
    fn punctuation_separates_when_within_words() {
        assert_eq!(
            joined("A dog's S.C.U.B.A. t-shirt , \"5\" o'clock do n't ."),
            "a dog s s c u b a t shirt 5 o clock do n t"
        );
        assert_eq!(
            joined("l’homme 3,000.5 a_b x:y col·lecció"),
            "l homme 3 000 5 a b x y col lecció"
        );
    }

    #[test]
    fn no_words_when_raw_has_only_punctuation() {
        for raw in [
            "",
            " . - ",
            "\u{fe0f}\u{301}\u{200d}",
            "\u{2764}\u{fe0f} \u{1f468}\u{200d}\u{1f469}",
        ] {
            assert!(tokenise(raw).is_empty(), "{raw:?}");
            assert!(WordSplit::Characters.split(raw).is_empty(), "{raw:?}");
        }
    }

    #[test]
    fn letters_stay_when_not_ascii() {
        assert_eq!(joined("Ein CAFÉ, zwei Kaffees"), "ein café zwei kaffees");
        assert_eq!(joined("İzmir"), "i\u{307}zmir");
    }

    #[test]
    fn words_are_whole_in_every_script() {
        for text in [
            "एक कुत्ता घास पर दौड़ रहा है",
            "দুই ব্যক্তি রাস্তায় হাঁটছেন",
            "ஒரு நாய் புல்லில் ஓடுகிறது",
            "అతను గడ్డిపై పరుగెత్తుతున్నాడు",
            "അവന്\u{200d} വന്നു",
            "ක්\u{200d}රීඩා කරන ළමයි",
            "สุนัข วิ่ง บน หญ้า ที่ น้ำ",
            "ຫມາ ແລ່ນ ຢູ່ ຫຍ້າ",
            "ឆ្កែ កំពុង រត់",
            "שָׁלוֹם לַכֶּלֶב",
            "צה\"ל ארה״ב ג׳ירפה",
            "كَلْبٌ يَجْرِي عَلَى العُشْبِ",
            "او می\u{200c}رود خانه\u{200c}ها",
            "ძაღლი მირბის ბალახზე",
            "м'ята під’їзд",
            "ինչո՞ւ շունը վազում է",
            "ከሳር ላይ ውሻ ይሮጣል",
            "개가 풀밭에서 뛴다",
            "con chó chạy trên cỏ ướt",
            "ο σκύλος τρέχει",
            "བཀྲ་ཤིས".split('་').next().unwrap(),
        ] {
            let expected: Vec<String> = text.split(' ').map(composed).collect();
            assert_eq!(tokenise(text), expected, "{text}");
            let marked = format!("\u{202b}«{}», ...\u{200f}", text.replace(' ', ", "));
            assert_eq!(tokenise(&marked), expected, "{text}");
        }
    }

    #[test]
    fn forms_of_one_word_are_one_word() {
        for (one, other) in [
            ("café", "cafe\u{301}"),
            ("CAFÉ", "CAFE\u{301}"),
            ("việt", "vie\u{323}\u{302}t"),
            ("한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
            ("दौड़", "दौ\u{921}\u{93c}"),
            ("دوست", "\u{200f}دوست\u{200f}"),
            ("می\u{200c}رود", "می\u{200c}رود\u{200c}"),
            ("cooperate", "co\u{ad}operate"),
            ("5", "5\u{fe0f}\u{20e3}"),
            ("Å", "\u{212b}"),
        ] {
            assert_eq!(tokenise(one), tokenise(other), "{one}");
            assert_eq!(tokenise(one).len(), 1, "{one}");
            assert_eq!(
                WordSplit::Characters.split(one),
                WordSplit::Characters.split(other),
                "{one}"
            );
        }
    }

    #[test]
    fn other_scripts_split_where_latin_does_when_no_sign_connects() {
        assert_eq!(joined("дом.Кот, \"дом\" 'кот'"), "дом кот дом кот");
        assert_eq!(joined("שלום\"abc\" \"של\""), "שלום abc של");
        assert_eq!(joined("หมา\u{200b}แมว"), "หมา แมว");
    }

    #[test]
    fn characters_are_words_when_asked_for() {
        let characters = |raw| WordSplit::Characters.split(raw).join(" ");
        assert_eq!(
            characters("一只狗，在草地上跑。2只"),
            "一 只 狗 在 草 地 上 跑 2 只"
        );
        assert_eq!(characters("น้ำ วิ่ง"), "น้ำ วิ่ ง");
        assert_eq!(characters("犬が走る"), "犬 が 走 る");
        assert_eq!(characters("か\u{3099}"), "が");
        assert_eq!(characters("A dog"), "a d o g");
    }

    #[test]
    fn given_words_are_kept_but_for_their_form() {
        let given = |raw| WordSplit::Given.split(raw);
        assert_eq!(
            given(" A dog's\tcafe\u{301} .\n"),
            ["A", "dog's", "café", "."]
        );
        assert_eq!(
            given("一只 狗\u{3000}跑\u{200b}了"),
            ["一只", "狗", "跑", "了"]
        );
    }

    #[test]
    fn runs_without_spaces_are_noticed_when_too_long_for_words() {
        assert!(is_without_spaces("一只狗在草地上跑"));
        assert!(is_without_spaces("สุนัขกำลังวิ่งอยู่บนสนามหญ้า"));
        assert!(!is_without_spaces("草地上"));
        assert!(!is_without_spaces("donaudampfschifffahrtsgesellschaft"));
    }
}
