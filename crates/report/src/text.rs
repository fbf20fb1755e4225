//! Styled, shortened and wrapped text.

use anstyle::Style;

/// In a style, when there is colour.
pub(crate) fn paint(text: &str, style: Style, colour: bool) -> String {
    if colour { format!("{}{text}{}", style.render(), style.render_reset()) } else { text.to_owned() }
}

/// At most `limit` characters, the last one an ellipsis where something is missing; cut at a word where one is near.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    if let Some((whole, rest)) = kept.rsplit_once(' ')
        && rest.chars().count() < 5
    {
        kept.truncate(whole.len());
    }
    kept.truncate(kept.trim_end_matches([' ', ',', ';', '-', '(']).len());
    kept + "…"
}

/// Breaks at spaces; lines after the first begin with `indent`, and room for it is left in all.
pub(crate) fn wrap(text: &str, width: usize, indent: &str) -> String {
    let room = width.saturating_sub(indent.len());
    let mut out = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            out.push('\n');
            out.push_str(indent);
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_at_a_word() {
        assert_eq!(cut("Saint Helena, Ascension and Tristan da Cunha", 24), "Saint Helena, Ascension…");
        assert_eq!(cut("Russian Federation", 18), "Russian Federation");
        assert_eq!(cut("Côte d'Ivoire", 6), "Côte…");
        assert_eq!(cut("Donaudampfschifffahrt", 8), "Donauda…");
    }
}
