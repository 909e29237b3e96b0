//! Lines to tokenise: every character of the Basic Multilingual Plane in several surroundings, and seeded mixtures.

/// A surrounding of a character, in which `%` stands for it, and what it shows.
pub const SURROUNDINGS: [(&str, &str); 12] = [
    ("between letters", "ab%cd"),
    ("alone", "ab % cd"),
    ("doubled", "ab %% cd"),
    ("before a word", "ab %cd"),
    ("after a word", "ab% cd"),
    ("between digits", "ab 1%2 cd"),
    ("after a digit", "ab 1% cd"),
    ("before a digit", "ab %1 cd"),
    ("before a full stop", "ab x%. cd"),
    ("between hyphens", "ab x-%-y cd"),
    ("before an ending", "ab x%'s cd"),
    ("in quotes", "ab '%ab' \"%\" cd"),
];

/// All characters of the Basic Multilingual Plane but the line feed, assigned or not.
pub fn characters() -> impl Iterator<Item = char> {
    (1..=0xffff_u32)
        .filter_map(char::from_u32)
        .filter(|&character| character != '\n')
}

/// Steele, Lea and Flood's splitmix64: the same numbers everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }

    fn among<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

/// Pieces of text that some rule may know, by kind; the kinds are drawn with equal chances.
const PIECES: [&[&str]; 16] = [
    &[
        "❤️", "👨‍👩‍👧", "👍🏽", "🇩🇪", "1️⃣", "#️⃣", "☀️", "✌🏻", "🏳️‍🌈", "😀", "♂️", "✈", "☺️☺️", "‼️", "⁉",
        "🧑🏿‍🚀", "*️⃣", "™️", "©", "〰️", "➡️", "⭐", "𝒜", "𠀀",
    ],
    &[
        ":)", ":-)", ";)", ":D", ":-D", "=)", "8-)", ":P", ":p", ":o)", ":(", ":'(", ":-/", "<3", "^_^", "-_-", "(:",
        "(-:", ":]", ":}", "XD", ":O", ">:(", ";-D", "=D", "=P", ":*", ":|", "<:o)", "o_O", "T_T", "(^_^)", ":-*",
        ";D", ":-P", "=]", ":3", "xD", "^.^", "(=",
    ],
    &[
        "-LRB-", "-RRB-", "-LSB-", "-RSB-", "-LCB-", "-RCB-", "-lrb-", "-rrb-", "(", ")", "[", "]", "{", "}", "-LRB",
        "(a)", "[1]", "{x}", "-lsb-s", "x-rcb-",
    ],
    &[
        "&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&nbsp;", "&copy;", "&AMP;", "&#39;", "&#x27;", "&lt", "&eacute;",
        "&", "&amp", "AT&amp;T", "&mdash;", "&lsquo;", "&hellip;", "&bull;",
    ],
    &[
        "http://www.a.com/b?c=d&e", "https://t.co/xYz1", "www.cnn.com", "cnn.com", "350.org", "a.b@c.com",
        "john_doe@x.co.uk", "ebay.co.uk", "http://", "www.", "x.org.", "ftp://a.b/c", "foo.edu", "Amazon.com's",
        "m.net-x", "http://a.b/c.", "bbc.co.uk", "a@b", "amazon.de", "x.gov", "g.co/d", "yahoo.com/x", "ASP.NET",
        ".com", ".net", "www.x.tv/", "a1.com", "Booking.com,", "http://a.b.",
    ],
    &[
        "1,000", "3.5", "1/2", "22 3/4", "5'10\"", "1st", "2nd", "1990s", "'90s", "'09", "80's", "12:30pm", "3 p.m.",
        "6:45", "10%", "#1", "$5", "$3.50", "US$5", "£20", "€3", "5¢", "½", "2½", "+9", "-9", "-0.5", ".22", "1-800",
        "555-1234", "(555) 123-4567", "555 1234", "1.2.3", "2014-12-25", "12/25/2014", "5-3=2", "3x4", "10k", "No. 5",
        "no.5", "1,2,3", "24/7", "747-400", "5.", "5,", "1:1", "1/", "/2", "1,00", "0.5mm", "9-11", "1ST", "4x4s",
        "20/20", "8 1/2", "33⅓", "+1-800-555-1234", "555.123.4567", "1\u{a0}1/2", "½-mile", "2,5", "13th-century",
    ],
    &[
        "doesn`t", "don't", "can’t", "it's", "it`s", "I`m", "we're", "they've", "he'd", "she'll", "y'all", "'tis",
        "’twas", "o'clock", "O'Brien", "ma'am", "rock 'n' roll", "'em", "'cause", "dunkin'", "cannot", "gonna",
        "wanna", "gotta", "lemme", "gimme", "d'oeuvre", "dogs'", "DON'T", "isn''t", "n't", "'s", "'S", "whaddya",
        "'d", "ain't", "could've", "ol'", "Hallowe'en", "l'amour", "ev'ry", "nothin'", "goin'", "n'", "s'more",
        "dont", "aint", "it''s", "it's'", "'ll've", "mustn't've", "more'n", "d'you", "'Twas", "j'ai", "dost",
    ],
    &[
        "U.S.", "U.S.A.", "U.K.", "a.m.", "p.m.", "i.e.", "e.g.", "Ph.D.", "T.V.", "A.", "K.", "b.", "J.R.R.", "etc.",
        "Mr.", "Mrs.", "Dr.", "St.", "st.", "Ave.", "blvd.", "Inc.", "Co.", "Corp.", "vs.", "v.", "Jan.", "jan.",
        "Sept.", "Mon.", "no.", "No.", "fig.", "ft.", "mt.", "rd.", "jr.", "Sr.", "Prof.", "Gen.", "Calif.", "approx.",
        "lb.", "oz.", "in.", "ca.", "pp.", "p.", "al.", "ed.", "Ltd.", "Bros.", "dept.", "Esq.", "Pa.", "N.Y.", "D.C.",
        "a.k.a.", "O.K.", "B.C", "U.S", "Wash.", "sec.", "min.", "hr.", "cf.", "est.", "Op.", "Art.", "Ex.", "PhD.",
        "M.D.", "U.S.-made", "Pvt.", "Fri.", "Ont.", "Rev.", "Sgt.", "Col.", "Capt.", "Lt.", "Cmdr.", "Gov.", "Sen.",
    ],
    &[
        "\"", "'", "''", "``", "`", "“", "”", "‘", "’", "«", "»", "‹", "›", "„", "‚", "″", "′", "「", "」", "\u{92}",
        "\u{93}", "\u{91}", "\u{94}", "‛", "‟", "\"\"", "'\"", "“‘",
    ],
    &[
        ".", "..", "...", "....", ". . .", "…", "-", "--", "---", "-----", "–", "—", "_", "__", "___", "!", "!!", "?!",
        "?", "???", ",", ",,", ";", ":", "::", "/", "//", "\\", "|", "~", "*", "**", "***", "#", "##", "@", "@@", "$",
        "$$", "%", "^", "&&", "+", "++", "=", "==", "<", "<<", ">", ">>", ">>>", "<-", "->", "=>", "\u{85}", "―", "‐",
        "‑", "⁄", "、", "。", "，", "।", "۔", "،", "؟", "・", "·", "•", "°", "¡", "¿", "...?", "?...", "!.", ".!", "-,",
    ],
    &[
        "@home", "#fun", "#1", "c++", "c#", "C/O", "c/o", "w/", "w/o", "and/or", "AC/DC", "R&B", "A&W", "AT&T", "a&b",
        "M&M's", "Q&A", "B&B", "t-shirt", "x-ray", "well-known", "vis-à-vis", "a_b", "file.txt", "IMG_1.JPG", "a.b",
        "airport.A", "sky.The", "man,woman", "stop:go", "x=y", "a+b", "(s)", "dog(s)", "a/b/c", "-a", "a-", "a--b",
        "#a_b", "@a_b", "F-16", "7-Eleven", "e-mail", "G8", "3D", "3-D", "U-turn", "and/", "p/u", "s/he", "README.md",
        "US$", "A$", "C$", "HK$", "us$", "Yahoo!", "Jeopardy!", "JUMP!Inc", "Wham!", "what?no", "Toys\"R\"Us",
    ],
    &[
        "<UNK>", "<b>", "</b>", "<br/>", "<br />", "<a href=\"x\">", "<B a>", "< b >", "<3", "<unk", "<!-- x -->",
        "<!DOCTYPE x>", "<?xml?>", "<a b='c' d=e>", "<p>text</p>", "<x", "</ b>", "<a.b>", "<img src=x/>", "<é>",
    ],
    &[
        "é", "ñandú", "Straße", "ΣΑΣ", "İstanbul", "кошка", "Кошка", "ძაღლი", "ውሻው", "շունը", "ខ្មែរ", "မြန်မာ", "人々", "犬",
        "カタカナ", "한국어", "ｆｕｌｌ", "１２", "ʻ", "hawaiʻi", "कुत्ता", "हिन्दी", "سگ", "می\u{200c}دود", "ไทย", "עברית", "١٢٣",
        "१२", "cafe\u{301}", "n\u{303}", "x\u{301}\u{302}", "ﬁsh", "ŉ", "ǅ", "Ⅷ", "Ⓐ", "ª", "µ", "ß", "ẞ", "ΌΣ", "K",
        "Ω", "日本、東京", "a\u{301}'s", "é-é", "1é", "é1",
    ],
    &[
        "\u{ad}", "\u{a0}", "\u{200b}", "\u{200c}", "\u{200d}", "\u{feff}", "\u{fe0f}", "\u{2028}", "\u{2029}",
        "\u{3000}", "\u{2003}", "\u{202e}", "\t", "  ", "\r", "\u{b}", "\u{c}", "\u{1c}", "\u{7f}", "\u{1}", "\u{fffd}",
        "\u{e000}", "\u{20e3}", "\u{300}", "\u{80}", "\u{95}", "\u{96}", "\u{202f}", "\u{2007}", "\u{1680}", "\u{180e}",
    ],
    &[
        "The", "A", "In", "He", "This", "It", "I", "But", "You", "Theodore", "ON", "a", "at", "PM", "Smith", "IBM",
        "mcdonald", "n", "N", "t", "T", "s", "S", "x", "X", "On", "She", "Some", "Mother", "iPhone", "g", "G",
    ],
    &["a dog", "two cats", "of", "on the", "with a red", "man", "standing", "Street", "sign that says", "next to"],
];

/// A character whose kind is drawn before itself, so that small scripts are not rare.
fn character(random: &mut Random) -> char {
    loop {
        let (first, count) = match random.below(6) {
            0 | 1 => (0x21, 0x5e),
            2 => (0xa0, 0x260),
            3 => (0x300, 0x1d00),
            4 => (0x2000, 0x1000),
            _ => (0x1, 0xffff),
        };
        let found = u32::try_from(first + random.below(count)).expect("few characters");
        if let Some(found) = char::from_u32(found).filter(|&found| found != '\n') {
            return found;
        }
    }
}

fn special(random: &mut Random) -> String {
    if random.below(4) == 0 {
        return (0..=random.below(3))
            .map(|_| character(random))
            .collect();
    }
    let kind = random.below(PIECES.len());
    random.among(PIECES[kind]).to_owned()
}

/// A caption with up to four strange things at random places.
fn disturbed(random: &mut Random, captions: &[String]) -> String {
    let mut line: Vec<char> = captions[random.below(captions.len())].chars().collect();
    for _ in 0..=random.below(4) {
        let mut at = random.below(line.len() + 1);
        let is_at_word = random.below(3) > 0;
        while is_at_word && at < line.len() && line[at] != ' ' {
            at += 1;
        }
        let special = special(random);
        let (before, after) = *random.among(&[&("", ""), &(" ", ""), &("", " "), &(" ", " ")]);
        line.splice(at..at, format!("{before}{special}{after}").chars());
    }
    line.into_iter().collect()
}

/// Strange things only.
fn strange(random: &mut Random) -> String {
    let mut line = String::new();
    for _ in 0..=random.below(6) {
        line += &special(random);
        line += random.among(&["", "", " "]);
    }
    line
}

/// `count` lines made of captions and of what may stand in them.
pub fn mixtures(seed: u64, count: usize, captions: &[String]) -> Vec<String> {
    let mut random = Random::new(seed);
    let line = |_| match random.below(4) {
        0 => strange(&mut random),
        _ => disturbed(&mut random, captions),
    };
    (0..count).map(line).collect()
}
