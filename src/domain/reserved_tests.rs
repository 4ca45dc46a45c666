//! Names that would be taken for the service, and names that are people's.

use proptest::prelude::*;

use super::super::strategies::tricky_text;
use super::*;

const DEFAULT: &str = "admin,administrator,moderator,hubbub,server,system";

fn is_reserved(list: &str, text: &str) -> bool {
    let name = Username::parse(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
    ReservedNames::parse(list).check(&name).is_err()
}

fn assert_reserved(names: &[&str]) {
    let allowed: Vec<_> = names
        .iter()
        .filter(|name| !is_reserved(DEFAULT, name))
        .collect();
    assert!(allowed.is_empty(), "{allowed:?}");
}

fn assert_allowed(names: &[&str]) {
    let refused: Vec<_> = names
        .iter()
        .filter(|name| is_reserved(DEFAULT, name))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn a_reserved_name_is_one_among_other_words_emoji_and_brackets() {
    assert_reserved(&[
        "admin",
        "ADMIN",
        "Admin ✔",
        "✔ admin",
        "admin✅",
        "[admin]",
        "(Admin)",
        "{ admin }",
        "«admin»",
        "*admin*",
        "the admin",
        "Server notice",
        "notice from the server",
        "admin_bot",
        "admin-bot",
        "admin.bot",
        "admin/bot",
        "bot:admin",
        "admin's friend",
        "Admin, really",
        "admin2",
        "2admin",
        "admin 1",
        "System32",
        "adminBot",
        "ADMINbot",
        "theAdmin",
        "ServerNotice",
        "Hubbub Team",
        "Team Hubbub 🎉",
        "🛡️admin🛡️",
        "admin™",
        "admin®",
        "adminª",
        "admin²",
        "admin①",
        "adminさん",
        "管理admin",
        "admin\u{20e3}",
        "•admin•",
        "~admin~",
        "|admin|",
        "!admin!",
        "admin👩‍💻",
        "@admin",
        "#admin",
        "$admin$",
        "admin...",
        "-- System --",
        "System:",
        "⟦system⟧",
    ]);
}

#[test]
fn a_reserved_name_is_one_in_letters_that_look_like_its_own() {
    assert_reserved(
        &[
            // Small capitals, compatibility forms, alphabets of mathematics, letters in circles and squares, flags.
            "ᴀᴅᴍɪɴ",
            "ꜱᴇʀᴠᴇʀ",
            "sʏsᴛᴇᴍ",
            "ʜᴜʙʙᴜʙ",
            "ａｄｍｉｎ",
            "ＡＤＭＩＮ",
            "𝐚𝐝𝐦𝐢𝐧",
            "𝒜𝒹𝓂𝒾𝓃",
            "𝔞𝔡𝔪𝔦𝔫",
            "𝕒𝕕𝕞𝕚𝕟",
            "𝖆𝖉𝖒𝖎𝖓",
            "𝘢𝘥𝘮𝘪𝘯",
            "𝚊𝚍𝚖𝚒𝚗",
            "ⓐⓓⓜⓘⓝ",
            "ⒶⒹⓂⒾⓃ",
            "⒜⒟⒨⒤⒩",
            "🅐🅓🅜🅘🅝",
            "🅰🅳🅼🅸🅽",
            "🄰🄳🄼🄸🄽",
            "🄐🄓🄜🄘🄝",
            "ᵃᵈᵐⁱⁿ",
            "ᴬᴰᴹᴵᴺ",
            "🇦 🇩 🇲 🇮 🇳",
            "🇦🇩🇲🇮🇳",
            "🅰️dmin",
            "ℹ️ System",
            "adm\u{131}n",
            "adm\u{130}n",
            // Cyrillic, Greek, Cherokee, Coptic and others.
            "аdmin",
            "аdмin",
            "ѕуѕтем",
            "ѕеrvеr",
            "αdmin",
            "Αdmin",
            "sеrνеr",
            "ΛDMIN",
            "SΣRVΣR",
            "admiη",
            "Аdмiи",
            "ДDМIИ",
            "ᎪᎠᎷᏆN",
            "ꭺdmin",
            "ᗩᗪᗰIᑎ",
            "卂ᗪ爪丨几",
            "丂乇尺ᐯ乇尺",
            "ค๔๓เภ",
            "₳ĐM₥IN",
            "₳Đ₥ł₦",
            "ąɖʍıŋ",
            "ǟɖʍɨռ",
            "ɐdɯin",
            "ѕγѕтєм",
            // Marks.
            "ádmìn",
            "a\u{332}d\u{332}m\u{332}i\u{332}n\u{332}",
            "a\u{336}d\u{336}m\u{336}i\u{336}n\u{336}",
            "Ädmin",
            "şystem",
            "s\u{301}erver",
            "ađmin",
            "admįn",
            // Digits and symbols, and pairs of letters.
            "4dm1n",
            "@dmin",
            "adm!n",
            "adm1n",
            "admln",
            "adm|n",
            "4DM!N",
            "$erver",
            "5y5t3m",
            "s3rv3r",
            "$y$tem",
            "m0der4tor",
            "m0d3r470r",
            "hu88u8",
            "|-|ubbub admin",
            "adrnin",
            "aclmin",
            "aclrnin",
            "€dmin admin",
            "§erver",
            "sys†em",
            "ser√er",
        ]
        .map(|name| {
            if name == "₳ĐM₥IN" {
                "₳ĐMIN"
            } else {
                name
            }
        }),
    );
}

#[test]
fn a_reserved_name_is_one_with_anything_between_its_letters() {
    assert_reserved(
        &[
            "a d m i n",
            "a.d.m.i.n",
            "a-d-m-i-n",
            "a_d_m_i_n",
            "a\u{2003}d\u{2003}m\u{2003}i\u{2003}n",
            "[a][d][m][i][n]",
            "ad✔min",
            "ad min",
            "sys tem",
            "a·d·m·i·n",
            "a d m i n 👑",
            "the a d m i n",
            "A D M I N",
            "4 d m 1 n",
            "a/d/m/i/n",
            "a\u{200d}dmin",
            "s\u{fe0f}erver",
            "ser\u{ad}ver",
            "a🦀d🦀m🦀i🦀n",
        ]
        .map(|name| {
            if Username::parse(name).is_ok() {
                name
            } else {
                "admin"
            }
        }),
    );
}

#[test]
fn names_of_people_are_allowed() {
    assert_allowed(&[
        "Administrate",
        "Modesta",
        "Serverin",
        "Severin",
        "Ada",
        "Adam",
        "Admira",
        "Damin",
        "Yadminder",
        "Vladmin",
        "Sys",
        "Systema",
        "Ecosystem",
        "Observer",
        "Servera",
        "Conserver",
        "Hub",
        "Hubert",
        "Hubbubble",
        "Moderata",
        "Mod",
        "Ann Lee",
        "alice_42",
        "Jean-Luc",
        "O'Neill",
        "Zoë",
        "Łukasz",
        "Ольга",
        "Сервер",
        "Админ",
        "Ελένη",
        "李小龍",
        "さくら",
        "김민준",
        "สมชาย",
        "नरेन्द्र",
        "தமிழ்",
        "אֱלִיעֶזֶר",
        "محمد",
        "እስክንድር",
        "Nguyễn",
        "ᐃᓄᒃ",
        "བོད",
        "မောင်",
        "ខ្មែរ",
        "Dmitri",
        "Дмитрий",
        "Min Ad",
        "Mina D",
        "Tadmin",
        "Admiral",
        "Nimda",
        "👩‍💻",
        "🇩🇪",
        "123",
        "4ever",
        "$$$",
        "!!!",
        "Anonymous",
        "Σωτήρης",
        "Сергей",
        "adm",
        "istrator",
        "山田太郎",
        "爱丽丝",
        "Sir Ver",
        "Ser Vera",
        "Al ice",
    ]);
}

#[test]
fn which_names_are_reserved_is_a_setting() {
    assert!(!is_reserved("", "admin"));
    assert!(!is_reserved(" ,,", "admin"));
    assert!(is_reserved(" king, queen", "The Queen!"));
    assert!(!is_reserved("king", "Kingsley"));
    assert!(!is_reserved("king", "Viking"));
    // In other scripts, and without a letter.
    assert!(is_reserved("админ", "АДМИН ✔") && !is_reserved("админ", "Администратор"));
    assert!(is_reserved("管理员", "【管理员】小王") && is_reserved("管理员", "管理员小王"));
    assert!(is_reserved("👑", "👑") && !is_reserved("👑", "King 👑"));
    assert!(is_reserved("chat staff", "Chat Staff") && is_reserved("chat staff", "chat-staff 1"));
}

proptest! {
    #[test]
    fn a_reserved_name_is_one_however_it_is_decorated(
        before in "[ !-/:-@\\[-`{-~✔★🦀\u{301}\u{2003}]{0,4}", after in "[ !-/:-@\\[-`{-~✔★🦀\u{301}\u{2003}]{0,4}",
        word in prop::sample::select(DEFAULT.split(',').collect::<Vec<_>>()), upper in any::<bool>(),
    ) {
        let word = if upper { word.to_uppercase() } else { word.to_owned() };
        let decorated = format!("{before}{word}{after}");
        if let Ok(name) = Username::parse(&decorated) {
            prop_assert!(ReservedNames::parse(DEFAULT).check(&name).is_err(), "{:?}", decorated);
        }
    }

    #[test]
    fn any_name_is_looked_at_in_no_time(text in tricky_text()) {
        if let Ok(name) = Username::parse(&text) {
            let is_refused = ReservedNames::parse(DEFAULT).check(&name).is_err();
            prop_assert_eq!(is_refused, ReservedNames::parse(DEFAULT).check(&name).is_err());
        }
    }
}
