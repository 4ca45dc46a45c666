//! Which letters of the alphabet a character looks like to a person who reads a name quickly.
//!
//! Unicode's table of confusables (UTS #39) leaves out what is drawn on purpose: small capitals, letters in circles,
//! digits and symbols that stand for letters, and the letters of other scripts that "fancy text" is made of. Those are
//! written out here.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_security::skeleton;

/// For each letter what looks like it and is in no table of Unicode's; its small capital first, if there is one.
const LOOK_ALIKES: [(char, &str); 26] = [
    ('a', "ᴀɐʌɅΛλΔ∆∀⟑₳@4卂дДคªᗩᗅαåǞǟ"),
    ('b', "ʙɓƃ฿8ß乃๒ьЬвВбБ♭6ᗷᏏც"),
    ('c', "ᴄ₵¢ↄƆ匚ᑕ©ςርⅽ<"),
    ('d', "ᴅ∂ðƋƌᗪ๔ԁÐĐΔ∆ᑯ"),
    ('e', "ᴇəɘǝƎƐɛεΣЄєэЭξΞ€3乇Ɇзᗴ∑℮ꞓƩ"),
    ('f', "ꜰƒ₣千Ŧʄғᖴ"),
    ('g', "ɢɠ₲96Ꮆﻮցᘜ"),
    ('h', "ʜɦђ卄Ⱨнᕼհ"),
    ('i', "ɪıɨᏆꮖ!1|¡丨เįΙιᎥ׀ɩ׳ᴉ"),
    ('j', "ᴊʝﾌןᒍ"),
    ('k', "ᴋĸƙκкҜ₭КΚќ"),
    ('l', "ʟł£Ⱡㄥɭⳑᒪ˥"),
    ('m', "ᴍʍɱɯ₥爪๓мМᗰ"),
    ('n', "ɴɲƞηиИйЙпПπΠ₦几ภռրᑎՈոŋ"),
    ('o', "ᴏøØ0θΘσΩ◯○●◦⊙☉⭕ㄖ๏фФ°"),
    ('p', "ᴘþ₱卩קρᑭ"),
    ('q', "ꞯɋợ"),
    ('r', "ʀɹɾяЯ®尺ⱤՐгᖇᏒ"),
    ('s', "ꜱʂ5$§₴丂ร߆ѕᔕƽ"),
    ('t', "ᴛʇƭ7+†ㄒ₮ՇτтТ⊥ተፕ✝"),
    ('u', "ᴜʊμµυ∪ㄩยɄцЦᑌմ"),
    ('v', "ᴠʋ√∨ᐯשνѵ"),
    ('w', "ᴡωшШщЩ山ฬ₩ɰᗯԝ"),
    ('x', "×χ乂אӾ✗✘✕✖ჯ"),
    ('y', "ʏɣγ¥ㄚץɎყУуʎ"),
    ('z', "ᴢƶ乙չⱫ2ʐ"),
];

/// Characters in a row that are the letters A to Z: in black circles, in black squares, and as the halves of flags.
const ALPHABETS: [char; 3] = ['\u{1f150}', '\u{1f170}', '\u{1f1e6}'];

/// Everything that `c` looks like, written with the letters of [`fold`]; nothing if it looks like no letter.
pub fn looks_of(c: char) -> Vec<String> {
    if c.is_ascii_alphabetic() {
        return vec![fold("", c.to_ascii_lowercase())];
    }
    let mut looks = Vec::new();
    let forms = [
        c.to_string(),
        c.to_lowercase().collect(),
        c.to_uppercase().collect(),
    ];
    for form in forms {
        let plain: String = form.nfkd().filter(|c| !is_mark(*c)).collect();
        for seen in [skeleton(&plain).collect::<String>(), plain] {
            let mut written = vec![String::new()];
            for c in seen.nfkd().filter(|c| !is_mark(*c)) {
                let letters = letters_of(c);
                if letters.is_empty() && !c.is_alphanumeric() {
                    // What is drawn around letters, as in `⒜`.
                    continue;
                }
                written = written
                    .iter()
                    .flat_map(|before| letters.iter().map(move |c| fold(before, *c)))
                    .collect();
            }
            looks.extend(written.into_iter().filter(|look| !look.is_empty()));
        }
    }
    looks.sort_unstable();
    looks.dedup();
    looks
}

fn in_alphabet(c: char) -> Option<char> {
    ALPHABETS.iter().find_map(|first| {
        let at = u32::from(c).checked_sub(u32::from(*first))?;
        ('a'..='z').nth(usize::try_from(at).ok()?)
    })
}

/// The letters that one character without marks may be.
fn letters_of(c: char) -> Vec<char> {
    if c.is_ascii_alphabetic() {
        return vec![c.to_ascii_lowercase()];
    }
    let alike = LOOK_ALIKES.iter().filter(|(_, alike)| alike.contains(c));
    in_alphabet(c)
        .into_iter()
        .chain(alike.map(|(letter, _)| *letter))
        .collect()
}

/// The letter that `c` is, drawn in another way: as a small capital, or on a black ground.
pub fn drawn_as(c: char) -> Option<char> {
    let rows = LOOK_ALIKES.iter().filter(|(letter, _)| *letter != 'x');
    let small_capital = rows.filter(|(_, alike)| alike.starts_with(c));
    let mut drawn = small_capital.map(|(letter, _)| *letter);
    in_alphabet(c).or_else(|| drawn.next())
}

/// Adds a letter to what has been written. Letters, and pairs of letters, that are one to a quick eye are written the
/// same: `l` as `i`, `m` as `rn`, `d` as `cl`, `w` as `vv`.
fn fold(before: &str, letter: char) -> String {
    let one = letter.to_string();
    let written = match letter {
        'l' => "i",
        'm' => "rn",
        'd' => "ci",
        'w' => "vv",
        _ => &one,
    };
    [before, written].concat()
}

/// Whether `c` is a combining mark, of whatever kind.
pub fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}
