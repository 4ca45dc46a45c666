//! What the word filter finds, and what it does not.

use proptest::prelude::*;

use super::*;

fn filter(rules: &str) -> WordFilter {
    WordFilter::parse(rules).unwrap_or_else(|e| panic!("{e}"))
}

fn masked_by(rules: &str, text: &str) -> String {
    match filter(rules).check(text) {
        Filtered::Masked(text) => text,
        Filtered::Passed => text.to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn words_are_found_in_any_form_and_script_and_nowhere_else() {
    for (rule, text, masked) in [
        ("darn", "Darn it, DARN!", "#### it, ####!"),
        ("darn", "darning darn-it", "darning ####-it"),
        ("darn*", "darning", "####ing"),
        ("*arn", "darn", "d###"),
        ("*arn*", "darned", "d###ed"),
        (
            "darn",
            "ｄａｒｎ d\u{200b}a\u{200d}rn dárn dàr\u{301}n",
            "#### #### #### ####",
        ),
        ("crème", "creme CRÈME", "##### #####"),
        ("buy now", "Buy   NOW please", "###   ### please"),
        ("c++", "I like C++!", "I like ###!"),
        ("傻瓜", "你这个傻瓜abc", "你这个##abc"),
        ("傻瓜abc", "这傻瓜abc吗", "这#####吗"),
        ("сволочь", "Ах ты СВОЛОЧЬ", "Ах ты #######"),
        ("바보", "이 바보 야", "이 ## 야"),
        ("ไอ้บ้า", "แกไอ้บ้าเอ๊ย", "แก####เอ๊ย"),
        ("🖕", "so 🖕🏽 there", "so # there"),
    ] {
        assert_eq!(masked_by(&format!("mask {rule}"), text), masked, "{rule}");
    }
}

#[test]
fn patterns_are_found_in_the_text_as_it_was_written() {
    let rules = r"mask /\bcoupon-\d{4}\b/";
    assert_eq!(
        masked_by(rules, "use Coupon-1234 or coupon-12"),
        "use ########### or coupon-12"
    );
    let both = "mask /b.d/\nmask bed";
    assert_eq!(masked_by(both, "bad bed bid"), "### ### ###");
}

#[test]
fn refusing_comes_before_holding_and_holding_before_masking() {
    let filter = filter("mask a\nhold b\nrefuse: c\n\n# a comment\nhold /[0-9]{6}/");
    assert_eq!(filter.count(), 4);
    assert_eq!(filter.check("a b c"), Filtered::Refused);
    assert_eq!(filter.check("a B"), Filtered::Held("B".into()));
    assert_eq!(
        filter.check("call 1234567"),
        Filtered::Held("123456".into())
    );
    assert_eq!(filter.check("a d"), Filtered::Masked("# d".to_owned()));
    assert_eq!(filter.check("d"), Filtered::Passed);
    assert!(filter.finds_in_name("Mr C") && !filter.finds_in_name("Mr D"));
}

#[test]
fn what_is_no_rule_is_named_with_its_line() {
    for (rules, line, problem) in [
        ("refuse a\nblock b", 2, "begin it with refuse, hold or mask"),
        ("mask", 1, "write a word"),
        ("mask **", 1, "write a word"),
        (
            "\n\nhold /(/",
            3,
            "the pattern cannot be used: unclosed group",
        ),
        ("hold /a*/", 1, "make it need a character"),
        ("hold /a{1000}{1000}/", 1, "the pattern cannot be used"),
    ] {
        let error = WordFilter::parse(rules)
            .err()
            .unwrap_or_else(|| panic!("{rules}"));
        assert_eq!(error.line, line, "{rules}");
        assert!(
            error.problem.contains(problem),
            "{rules}: {}",
            error.problem
        );
    }
    assert!(WordFilter::parse(&"mask w\n".repeat(RULES_MAX + 1)).is_err());
    assert!(WordFilter::parse(&"mask /w/\n".repeat(PATTERNS_MAX + 1)).is_err());
}

#[test]
fn a_long_list_is_read_and_searched() {
    let list: String = (0..RULES_MAX)
        .map(|n| format!("refuse word{n}\n"))
        .collect();
    let filter = filter(&list);
    assert_eq!(filter.check("a word19999 here"), Filtered::Refused);
    assert_eq!(filter.check("a word20000 here"), Filtered::Passed);
}

proptest! {
    #[test]
    fn whatever_is_around_a_word_it_is_masked_and_the_rest_stays(
        before in "\\PC{0,12}", after in "\\PC{0,12}",
    ) {
        let filter = filter("mask *zqx*");
        let text = format!("{before}zqx{after}");
        let Filtered::Masked(masked) = filter.check(&text) else {
            return Err(TestCaseError::fail("it was not found"));
        };
// The last character may be one with the word.
        let last = before.graphemes(true).next_back().map_or(0, str::len);
        prop_assert!(masked.starts_with(&before[..before.len() - last]), "{masked}");
        prop_assert!(!masked.contains("zqx"));
        prop_assert_eq!(filter.check(&masked), Filtered::Passed);
    }

    #[test]
    fn any_rules_are_read_or_refused(rules in "(mask|hold|refuse)? ?[*/a(\\[]?\\PC{0,20}[*/]?") {
        if let Ok(filter) = WordFilter::parse(&rules) {
            let _any = filter.check("a text with (some) *signs* /in/ it");
        }
    }
}
