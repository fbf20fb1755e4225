//! Decimal texts from exact integers.

use reorient_model::NanoUsd;

/// Units of 1e-9 USD in one US dollar.
pub const NANO_PER_USD: i128 = NanoUsd::PER_USD;
/// Units of 1e-9 USD in one thousand USD.
pub const NANO_PER_KUSD: i128 = 1_000 * NANO_PER_USD;
/// Units of 1e-9 USD in one million USD.
pub const NANO_PER_MUSD: i128 = 1_000 * NANO_PER_KUSD;
/// Units of 1e-9 USD in one billion USD.
pub const NANO_PER_BUSD: i128 = 1_000 * NANO_PER_MUSD;

/// `nano / nano_per_unit` with exactly `places` decimals, rounded half to even. `nano_per_unit` is positive.
pub fn decimal(nano: i128, nano_per_unit: i128, places: u32) -> String {
    let unit = 10_i128.pow(places);
    let scaled = ratio(nano, nano_per_unit, unit);
    if places == 0 {
        return scaled.to_string();
    }
    let (sign, width) = (if scaled < 0 { "-" } else { "" }, places as usize);
    // Most amounts are short, and short ones are divided and printed faster.
    match (u64::try_from(scaled.unsigned_abs()), u64::try_from(unit)) {
        (Ok(size), Ok(unit)) => format!("{sign}{}.{:0width$}", size / unit, size % unit),
        _ => format!("{sign}{}.{:0width$}", scaled.abs() / unit, scaled.abs() % unit),
    }
}

/// `part` in percent of `whole` with `places` decimals, rounded half to even; none when `whole` is zero.
pub fn percent(part: NanoUsd, whole: NanoUsd, places: u32) -> Option<String> {
    // The sign belongs above the bar.
    let sign = whole.0.signum();
    (sign != 0).then(|| decimal(part.0 * sign * 100, whole.0.abs(), places))
}

/// Commas between the thousands of a decimal text.
pub fn grouped(text: &str) -> String {
    let start = usize::from(text.starts_with('-'));
    let end = text.find('.').unwrap_or(text.len());
    let mut out = String::with_capacity(text.len() + text.len() / 3);
    for (at, character) in text.char_indices() {
        if at > start && at < end && (end - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(character);
    }
    out
}

/// An amount in prose: `1.2 bn USD`, or a smaller unit where that would be nothing, such as `12.3 M$`; never `0.0`.
pub fn usd(amount: NanoUsd) -> String {
    let (number, unit) = in_prose(amount);
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

/// Two amounts in prose: `0.6 to 1.3 bn USD`, `12.3 M$ to 1.3 bn USD`; one where both read the same.
pub fn usd_range(least: NanoUsd, most: NanoUsd) -> String {
    let ((from, of_from), (to, of_to)) = (in_prose(least), in_prose(most));
    match (from == to, of_from == of_to) {
        (true, true) => usd(most),
        (false, true) => format!("{from} to {to} {of_to}"),
        _ => format!("{} to {}", usd(least), usd(most)),
    }
}

/// The unit of all amounts of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unit {
    nano: i128,
    /// What it is called.
    pub(crate) name: &'static str,
}

impl Unit {
    /// Billions, or millions where no amount is a billion.
    pub(crate) fn of(amounts: impl Iterator<Item = NanoUsd>) -> Self {
        let has_billions = amounts.into_iter().any(|amount| amount.0.abs() >= NANO_PER_BUSD);
        if has_billions { Self { nano: NANO_PER_BUSD, name: "bn USD" } } else { Self { nano: NANO_PER_MUSD, name: "M$" } }
    }

    /// An amount with one decimal.
    pub(crate) fn show(self, amount: NanoUsd) -> String {
        grouped(&decimal(amount.0, self.nano, 1))
    }
}

/// The number and its unit: the largest in which one decimal shows something.
fn in_prose(amount: NanoUsd) -> (String, &'static str) {
    let units = [(NANO_PER_BUSD, "bn USD"), (NANO_PER_MUSD, "M$"), (NANO_PER_KUSD, "thousand USD")];
    let shown = units.into_iter().map(|(size, unit)| (decimal(amount.0, size, 1), unit));
    let found = shown.clone().find(|(number, _)| number != "0.0");
    let (number, unit) = match found {
        Some(found) => found,
        None if amount.0 == 0 => return ("0 USD".to_owned(), ""),
        None => return ("less than 100 USD".to_owned(), ""),
    };
    (grouped(&number).replacen('-', "−", 1), unit)
}

/// Million USD with six decimals.
pub(crate) fn musd(amount: NanoUsd) -> String {
    decimal(amount.0, NANO_PER_MUSD, 6)
}

/// `numerator / denominator * unit` as the nearest integer, half to even. The denominator is positive.
pub(crate) fn ratio(numerator: i128, denominator: i128, unit: i128) -> i128 {
    // Short amounts of units with whole multiples, as those of money are, take one short division.
    if denominator % unit == 0
        && let (Ok(numerator), Ok(divisor)) = (i64::try_from(numerator), i64::try_from(denominator / unit))
    {
        return rounded(numerator.div_euclid(divisor).into(), numerator.rem_euclid(divisor).into(), divisor.into());
    }
    let whole = numerator.div_euclid(denominator);
    let rest = numerator.rem_euclid(denominator) * unit;
    rounded(whole * unit + rest / denominator, rest % denominator, denominator)
}

/// `down + rest / divisor` as the nearest integer, half to even; the rest is not negative and below the divisor.
fn rounded(down: i128, rest: i128, divisor: i128) -> i128 {
    let twice = 2 * rest;
    let up = twice > divisor || (twice == divisor && down.rem_euclid(2) == 1);
    down + i128::from(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_digit() {
        for (nano, places, text) in [
            (5, 0, "0"),
            (15, 0, "2"),
            (25, 0, "2"),
            (26, 0, "3"),
            (-5, 0, "0"),
            (-15, 0, "-2"),
            (-25, 0, "-2"),
            (-26, 0, "-3"),
            (-4, 0, "0"),
            (1234, 1, "123.4"),
            (7, 3, "0.700"),
            (-7, 3, "-0.700"),
        ] {
            assert_eq!(decimal(nano, 10, places), text, "{nano} / 10 with {places} places");
        }
    }

    #[test]
    fn rounding_carries_into_the_whole() {
        assert_eq!(decimal(999_999_500_001, NANO_PER_KUSD, 6), "1.000000");
        assert_eq!(decimal(999_999_500_000, NANO_PER_KUSD, 6), "1.000000");
        assert_eq!(decimal(999_998_500_000, NANO_PER_KUSD, 6), "0.999998");
        assert_eq!(decimal(-999_999_999_999, NANO_PER_KUSD, 6), "-1.000000");
        assert_eq!(decimal(-1, NANO_PER_KUSD, 6), "0.000000");
    }

    #[test]
    fn a_world_of_trade_does_not_overflow() {
        let world = 23_000_000_000_000 * NANO_PER_USD;
        assert_eq!(decimal(world, NANO_PER_MUSD, 6), "23000000.000000");
        assert_eq!(percent(NanoUsd(world), NanoUsd(world), 6).as_deref(), Some("100.000000"));
        assert_eq!(percent(NanoUsd(world / 3), NanoUsd(world), 6).as_deref(), Some("33.333333"));
        assert_eq!(percent(NanoUsd(1), NanoUsd(0), 6), None);
        assert_eq!(percent(NanoUsd(-1), NanoUsd(8), 1).as_deref(), Some("-12.5"));
    }

    #[test]
    fn small_amounts_are_not_nothing_in_prose() {
        let usd_of = |dollars: i128| usd(NanoUsd(dollars * NANO_PER_USD));
        for (dollars, text) in [
            (358_250_504_000, "358.3 bn USD"),
            (12_345_678_900_000, "12,345.7 bn USD"),
            (50_000_001, "0.1 bn USD"),
            (50_000_000, "50.0 M$"),
            (49_999_999, "50.0 M$"),
            (-1_250_000_000, "−1.2 bn USD"),
            (-12_300_000, "−12.3 M$"),
            (50_001, "0.1 M$"),
            (49_000, "49.0 thousand USD"),
            (51, "0.1 thousand USD"),
            (1, "less than 100 USD"),
            (0, "0 USD"),
        ] {
            assert_eq!(usd_of(dollars), text, "{dollars}");
        }
        let range = |least: i128, most: i128| usd_range(NanoUsd(least * NANO_PER_MUSD), NanoUsd(most * NANO_PER_MUSD));
        assert_eq!(range(600, 1300), "0.6 to 1.3 bn USD");
        assert_eq!(range(20, 1300), "20.0 M$ to 1.3 bn USD");
        assert_eq!(range(-20, 0), "−20.0 M$ to 0 USD");
        assert_eq!(range(1300, 1301), "1.3 bn USD");
        assert_eq!(range(0, 0), "0 USD");
    }

    #[test]
    fn thousands_are_separated() {
        for (text, expected) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-123456.7890", "-123,456.7890"),
            ("1234567.1", "1,234,567.1"),
            ("-100", "-100"),
        ] {
            assert_eq!(grouped(text), expected);
        }
    }
}
