//! What Unicode says about single characters, as far as the types of this module ask.

use unicode_normalization::char::canonical_combining_class;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;

pub const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
pub const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// Whether a reader sees nothing where `c` stands: whitespace, controls and invisible characters.
pub fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_invisible(c)
}

/// Whether `c` is no whitespace, yet draws nothing by itself.
///
/// Unicode's `Default_Ignorable_Code_Point` (UAX #44; its ranges are stable by policy), and the few others that are
/// drawn empty: the object replacement character, the interlinear annotation marks, the blank Braille pattern, the
/// null notehead and the blank hieroglyphs.
pub fn is_invisible(c: char) -> bool {
    is_default_ignorable(c)
        || matches!(c, '\u{2800}' | '\u{fff9}'..='\u{fffc}' | '\u{13430}'..='\u{13442}' | '\u{1d159}')
}

fn is_default_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether `c` changes the direction of the text around it: the marks, embeddings, overrides and isolates.
pub fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether `c` stacks on the character before it without taking room (general categories Mn and Me).
pub fn is_nonspacing_mark(c: char) -> bool {
    matches!(
        c.general_category(),
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark
    )
}

/// Whether `c` is `Extended_Pictographic` (UTS #51): an emoji that can take part in a joined sequence, or a code point
/// reserved for one.
///
/// Asks the segmentation rules, which have the table, instead of bringing another: by rule GB11 of UAX #29 the three
/// characters `c`, zero width joiner, `c` are one grapheme cluster exactly if `c` is pictographic. (The other rule that
/// spans a joiner, GB9c, needs a virama as well; characters that extend what is before them are excluded first.)
pub fn is_pictographic(c: char) -> bool {
    use GeneralCategory::{Format, ModifierSymbol, NonspacingMark};
    // Skin tones (`ModifierSymbol`), marks and joiners belong to what is before them whatever that is. No ASCII
    // character is pictographic, and looking is cheaper than segmenting.
    if c.is_ascii()
        || matches!(
            c.general_category(),
            Format | ModifierSymbol | NonspacingMark
        )
    {
        return false;
    }
    let mut buffer = [0; 11];
    let mut length = 0;
    for part in [c, ZERO_WIDTH_JOINER, c] {
        length += part.encode_utf8(&mut buffer[length..]).len();
    }
    str::from_utf8(&buffer[..length]).is_ok_and(|probe| probe.graphemes(true).count() == 1)
}

/// Whether `c` is a virama: the sign that takes the vowel off a letter of an Indic script (combining class 9).
pub fn is_virama(c: char) -> bool {
    canonical_combining_class(c) == 9
}

/// Whether `c` is an Arabic letter that connects to the letter after it (`Joining_Type` D).
pub fn joins_forward(c: char) -> bool {
    matches!(c,
        '\u{620}' | '\u{626}' | '\u{628}' | '\u{62a}'..='\u{62e}' | '\u{633}'..='\u{63f}' | '\u{641}'..='\u{647}'
        | '\u{649}'..='\u{64a}' | '\u{66e}'..='\u{66f}' | '\u{678}'..='\u{687}' | '\u{69a}'..='\u{6bf}'
        | '\u{6c1}'..='\u{6c2}' | '\u{6cc}' | '\u{6ce}' | '\u{6d0}'..='\u{6d1}' | '\u{6fa}'..='\u{6fc}' | '\u{6ff}')
}

/// Whether `c` is an Arabic letter that connects to the letter before it (`Joining_Type` D or R).
pub fn joins_backward(c: char) -> bool {
    joins_forward(c)
        || matches!(c,
            '\u{622}'..='\u{625}' | '\u{627}' | '\u{629}' | '\u{62f}'..='\u{632}' | '\u{648}'
            | '\u{671}'..='\u{673}' | '\u{675}'..='\u{677}' | '\u{688}'..='\u{699}' | '\u{6c0}'
            | '\u{6c3}'..='\u{6cb}' | '\u{6cd}' | '\u{6cf}' | '\u{6d2}'..='\u{6d3}' | '\u{6d5}'
            | '\u{6ee}'..='\u{6ef}')
}
