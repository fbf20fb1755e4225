//! The plain form of a line: `2024,4,12,080620,1.694,        0.131`, fields perhaps padded or in quotes.
//!
//! Whatever is unusual gives `None`, and the careful parser looks at the line: it decides what is an error and words it.
//! What lasts is not the work but that each field waits for the end of the one before. So the commas and the end of a line are
//! found at once, by a comparison of sixty-four bytes, and fields are read from their ends: lines in a row mostly share year,
//! exporter and importer, codes have six digits, amounts three decimals, and quantities are padded to one width. Lines that
//! differ are read field by field, eight bytes at a time: a field of one to seven digits is one number of 64 bits, without a
//! branch that depends on its length.

use fearless_simd::{Simd, SimdBase, SimdMask, u8x64};
use reorient_core::Year;

use super::Known;
use crate::claims::is_missing;
use crate::input::Pick;
use crate::row::{Row, RowKey};

/// Bytes that must follow the start of a line; one that needs more is unusual.
const AHEAD: usize = 128;
/// Bytes in which commas are looked for at once; no line of CEPII's common form is longer.
const AT_ONCE: usize = 64;
/// Year, exporter and importer with their commas, perhaps in quotes.
const LONGEST_START: usize = 24;
/// A code and its comma.
const CODE: usize = 7;
/// CEPII pads quantities to so many characters.
const PADDED: usize = 13;
const ZEROS: u64 = 0x3030_3030_3030_3030;
const SPACES: u64 = 0x2020_2020_2020_2020;
/// The highest bit of each byte.
const HIGH: u64 = 0x8080_8080_8080_8080;
/// Added to a byte from 0 to 9, it leaves the highest bit at zero, and with any other it sets it.
const TO_HIGH: u64 = 0x7676_7676_7676_7676;
/// A point, three digits and the end of a line.
const POINT_DIGITS_END: u64 = 0x0a_3030_302e;

/// Parses one line after the other.
pub(super) struct Plain<'a> {
    known: Known<'a>,
    start: Start,
}

/// The first three fields, as long as lines begin with the same bytes.
#[derive(Clone, Copy)]
struct Start {
    bytes: [u8; AT_ONCE],
    /// At least six, or 0 where there is none yet.
    length: usize,
    /// Year and countries, with product 0.
    key: RowKey,
}

impl<'a> Plain<'a> {
    pub(super) fn new(known: Known<'a>) -> Self {
        Self { known, start: Start { bytes: [0; AT_ONCE], length: 0, key: RowKey::default() } }
    }

    /// The form that nearly all lines have: a row, whether it is to be kept, and its length with the end of the line. `block`
    /// begins with the line. Every line is checked as a whole; amounts are read of rows that are kept alone.
    #[inline(always)]
    pub(super) fn usual_row<S: Simd>(&self, simd: S, block: &[u8], pick: &Pick) -> Option<(Row, bool, usize)> {
        let bytes: &[u8; AHEAD] = block.first_chunk()?;
        let head = u8x64::from_slice(simd, &bytes[..AT_ONCE]);
        let places = |byte: u8| head.simd_eq(u8x64::splat(simd, byte)).to_bitmask();
        let end = places(b'\n').trailing_zeros() as usize;
        let Start { length, key, .. } = self.start;
        let alike = head.simd_eq(u8x64::from_slice(simd, &self.start.bytes)).to_bitmask();
        if length == 0 || !alike & (bit(length) - 1) != 0 || end == AT_ONCE {
            return None;
        }
        // What stands behind year, exporter and importer: `080620,1.694,        0.131`.
        let line = (bit(end) - 1) >> length << length;
        let [commas, points, spaces, zeros] = [b',', b'.', b' ', b'0'].map(|byte| places(byte) & line);
        let digits = (head - u8x64::splat(simd, b'0')).simd_lt(u8x64::splat(simd, 10)).to_bitmask() & line;
        let value_at = length + CODE;
        let value_end = (commas & commas.wrapping_sub(1)).trailing_zeros().min(63) as usize;
        let padding = spaces.count_ones() as usize;
        let whole_digits = [(value_at, value_end), (value_end + 1 + padding, end)].map(|(from, to)| to.wrapping_sub(from + 4));
        let value_digits = digits & (bit(value_end) - 1) >> value_at << value_at;
        let is_usual = (commas == bit(value_at - 1) | bit(value_end))
            & (points == bit(value_end - 4) | bit(end - 4))
            & (spaces == (bit(padding) - 1) << value_end << 1)
            & (digits == line & !(commas | points | spaces))
            & (value_digits & !zeros != 0)
            & (1..=7).contains(&whole_digits[0])
            & (1..=8).contains(&whole_digits[1]);
        let code = (eight(bytes, length)? ^ ZEROS) << 16;
        let product = u32::try_from(joined(code)).ok()?;
        if !is_usual || product < 10_000 {
            return None;
        }
        let wanted = pick.takes(product);
        let (value, quantity) = match wanted {
            true => (amount(bytes, value_end, whole_digits[0])?, Some(amount(bytes, end, whole_digits[1])?)),
            false => (0, None),
        };
        Some((Row::of_key(key.of_product(product), value, quantity), wanted, end + 1))
    }

    /// Any plain form.
    #[inline(never)]
    pub(super) fn other_row(&mut self, block: &[u8]) -> Option<(Row, usize)> {
        let bytes: &[u8; AHEAD] = block.first_chunk()?;
        let Start { length, .. } = self.start;
        if length == 0 || bytes[..length] != self.start.bytes[..length] {
            self.start = self.start_of(bytes)?;
        }
        let mut line = Line { bytes, at: self.start.length };
        let (digits, number) = digits(line.word()?);
        let product = if digits == 6 && line.bytes.get(line.at + 6) == Some(&b',') {
            line.at += 7;
            number
        } else {
            line.number()?
        };
        let product = u32::try_from(product).ok().filter(|number| (10_000..1_000_000).contains(number))?;
        let quoted = line.open()?;
        let value = line.thousandths().filter(|value| *value > 0)?;
        line.close(quoted)?;
        line.pass(b',')?;
        let quantity = match padded(bytes, line.at) {
            Some(quantity) => {
                line.at += PADDED + 1;
                Some(quantity)
            }
            None => line.quantity()?,
        };
        Some((Row::of_key(self.start.key.of_product(product), value, quantity), line.at))
    }

    #[cold]
    fn start_of(&self, bytes: &[u8; AHEAD]) -> Option<Start> {
        let mut line = Line { bytes, at: 0 };
        let year = line.number()?;
        let year = u16::try_from(year).ok().and_then(|year| Year::new(year).ok())?;
        // A country that had ended by then goes the careful way, where its rows are counted.
        let exporter = self.known.country(line.number()?, year)?;
        let importer = self.known.country(line.number()?, year)?;
        let length = line.at;
        if self.known.year.is_some_and(|known| known != year) {
            return None;
        }
        let key = RowKey::of_numbers(year.get(), 0, (exporter, importer));
        let start = bytes.first_chunk::<AT_ONCE>().filter(|_| length <= LONGEST_START)?;
        Some(Start { bytes: *start, length, key })
    }
}

#[inline(always)]
fn eight(bytes: &[u8; AHEAD], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// Digits, a point and three more digits before a place, in thousandths; at most eight before the point.
#[inline(always)]
fn amount(bytes: &[u8; AHEAD], end: usize, whole_digits: usize) -> Option<i64> {
    // Eight bytes that end before the point, zeros in the place of those before the field.
    let other_bits = 64_usize.checked_sub(8 * whole_digits)?;
    let whole = (eight(bytes, end.checked_sub(12)?)? ^ ZEROS) >> other_bits << other_bits;
    let decimals = (eight(bytes, end - 8)? ^ ZEROS) >> 40 << 40;
    i64::try_from(joined(whole) * 1000 + joined(decimals)).ok()
}

const fn bit(at: usize) -> u64 {
    1 << at
}

struct Line<'a> {
    bytes: &'a [u8; AHEAD],
    at: usize,
}

impl Line<'_> {
    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn word(&self) -> Option<u64> {
        eight(self.bytes, self.at)
    }

    fn pass(&mut self, byte: u8) -> Option<()> {
        (self.byte()? == byte).then(|| self.at += 1)
    }

    fn spaces(&mut self) -> Option<()> {
        loop {
            let spaces = ((self.word()? ^ SPACES).trailing_zeros() / 8) as usize;
            self.at += spaces;
            if spaces < 8 {
                return Some(());
            }
        }
    }

    /// Passes padding and perhaps a quote; tells whether there was one.
    fn open(&mut self) -> Option<bool> {
        if self.byte()? > b'"' {
            return Some(false);
        }
        self.spaces()?;
        let quoted = self.pass(b'"').is_some();
        if quoted {
            self.spaces()?;
        }
        Some(quoted)
    }

    /// Passes padding and the quote that was opened.
    fn close(&mut self, quoted: bool) -> Option<()> {
        if self.byte()? == b' ' {
            self.spaces()?;
        }
        if quoted {
            self.pass(b'"')?;
            self.spaces()?;
        }
        Some(())
    }

    /// A whole field of one to seven digits, with its comma.
    fn number(&mut self) -> Option<u64> {
        let quoted = self.open()?;
        let (digits, number) = digits(self.word()?);
        self.at += digits;
        self.close(quoted)?;
        self.pass(b',')?;
        (1..8).contains(&digits).then_some(number)
    }

    /// One to seven digits, perhaps a point and one to three more, in thousandths.
    fn thousandths(&mut self) -> Option<i64> {
        let (whole_digits, whole) = digits(self.word()?);
        if !(1..8).contains(&whole_digits) {
            return None;
        }
        self.at += whole_digits;
        let mut number = whole * 1000;
        let word = self.word()?;
        if word & 0xff == u64::from(b'.') {
            let (digits, fraction) = digits(word >> 8);
            if digits == 3 {
                self.at += 4;
                number += fraction;
            } else {
                self.at += 1 + digits;
                number += fraction * *[0, 100, 10].get(digits).filter(|unit| **unit > 0)?;
            }
        }
        i64::try_from(number).ok()
    }

    /// Whether a word goes on at a place.
    fn is_word(&self, at: usize) -> bool {
        self.bytes.get(at).is_some_and(|byte| !matches!(byte, b' ' | b'"' | b'\r' | b'\n'))
    }

    /// Passes a word for a quantity that is missing.
    #[cold]
    fn missing(&mut self) -> Option<()> {
        let length = self.bytes[self.at..].iter().position(|byte| matches!(byte, b' ' | b'"' | b',' | b'\r' | b'\n'))?;
        is_missing(&self.bytes[self.at..self.at + length]).then(|| self.at += length)
    }

    /// The last field in any form, with the end of the line.
    fn quantity(&mut self) -> Option<Option<i64>> {
        let quoted = self.open()?;
        let quantity = match self.byte()? {
            b'N' if self.bytes.get(self.at + 1) == Some(&b'A') && !self.is_word(self.at + 2) => {
                self.at += 2;
                None
            }
            b'\n' | b'\r' | b'"' => None,
            b'0'..=b'9' => Some(self.thousandths()?),
            _ => self.missing().map(|()| None)?,
        };
        self.close(quoted)?;
        if self.byte()? == b'\r' {
            self.at += 1;
        }
        self.pass(b'\n')?;
        Some(quantity)
    }
}

/// Digits at the front of eight bytes: how many, and their number. The first byte is the lowest.
const fn digits(word: u64) -> (usize, u64) {
    let word = word ^ ZEROS;
    // A carry disturbs bytes behind the first that is no digit alone.
    let others = (word.wrapping_add(TO_HIGH) | word) & HIGH;
    let count = (others.trailing_zeros() / 8) as usize;
    if count == 0 {
        return (0, 0);
    }
    // Zeros in front up to eight digits.
    (count, joined(word << (64 - 8 * count)))
}

/// The number of eight digits from 0 to 9, the first in the lowest byte: pairs, fours and eights are joined.
#[inline(always)]
const fn joined(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}

/// A quantity of up to eight digits and three decimals that is padded to [`PADDED`] characters and ends its line.
#[inline(always)]
fn padded(bytes: &[u8; AHEAD], at: usize) -> Option<i64> {
    let field: &[u8; PADDED + 4] = bytes.get(at..)?.first_chunk()?;
    let whole = u64::from_le_bytes(*field[1..].first_chunk()?);
    let rest = u64::from_le_bytes(*field[9..].first_chunk()?) ^ POINT_DIGITS_END;
    let digits = whole ^ ZEROS;
    let others = (digits.wrapping_add(TO_HIGH) | digits) & HIGH;
    // Exact for every byte: its highest bit is set when the byte is a space.
    let padding = whole ^ SPACES;
    let padding = !((padding & !HIGH).wrapping_add(!HIGH) | padding | !HIGH);
    let spaces = padding.count_ones();
    let in_front = spaces < 8 && padding == HIGH & !(u64::MAX << (8 * spaces));
    // What is no digit is a space, and spaces stand in front.
    if others != padding || !in_front || field[0] != b' ' {
        return None;
    }
    let is_point = rest & 0xff == 0 && rest >> 32 & 0xff == 0;
    let [tenths, hundredths, thousandths] = [8, 16, 24].map(|shift| rest >> shift & 0xff);
    if !is_point || tenths > 9 || hundredths > 9 || thousandths > 9 {
        return None;
    }
    let whole = joined(digits & (u64::MAX << (8 * spaces)));
    i64::try_from(whole * 1000 + tenths * 100 + hundredths * 10 + thousandths).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::careful::{Layout, parse_line};
    use super::*;
    use fearless_simd::{Fallback, Level, dispatch};
    use proptest::prelude::*;

    /// By the widest instructions, without any, and field by field.
    fn read(plain: &mut Plain<'_>, text: &[u8]) -> [Option<(Row, usize)>; 3] {
        let row = |(row, wanted, length): (Row, bool, usize)| {
            assert!(wanted);
            (row, length)
        };
        let vectors = dispatch!(Level::new(), simd => plain.usual_row(simd, text, &Pick::all()));
        let without = plain.usual_row(Fallback::new(), text, &Pick::all());
        [vectors.map(row), without.map(row), plain.other_row(text)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn what_is_read_fast_is_what_is_read_with_care(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "2023", "2022", " ", "\"", ",", ",", ",", "4", "8", "842", "999", "0", "010121", "10121", "270900", "1.5", ".", "7",
                "-", "NA", "NaN", ".", "null", "\\N", "             ", "0.131", "12345678", "        0.131", "1e3", "\t", "\r", "2.000",
            ]), 0..16),
            start in proptest::sample::select(vec!["", "2023,", "2023,4,8,270900,", "2023,\" 4\",842,\"010121\",\"  1.5\","]),
            end in proptest::sample::select(vec!["\n", "\r\n", ",        0.131\n", ",1.5,\"           NA\"\n", "7\n"]),
        ) {
            let countries: Vec<u16> = (0..1000).map(|number| if [4, 8, 842].contains(&number) { u16::MAX } else { 0 }).collect();
            let known = Known { countries: &countries, year: Year::new(2023).ok(), other_year: "", keeps_without_quantity: false };
            let layout = Layout::new("", b"t,i,j,k,v,q", None, None).unwrap();
            let line = format!("{start}{}{end}", parts.concat());
            let text = line.clone() + &" ".repeat(AHEAD);
            let mut plain = Plain::new(known);
            // With and without a line before that begins alike.
            plain.other_row(format!("2023,4,8,270900,1.5,2{:128}", "\n").as_bytes());
            for mut plain in [plain, Plain::new(known)] {
                for (row, length) in read(&mut plain, text.as_bytes()).into_iter().flatten() {
                    prop_assert_eq!(length, line.len());
                    prop_assert_eq!(parse_line(line.as_bytes(), &layout, &known).unwrap().unwrap(), (row, None));
                }
            }
        }
    }

    #[test]
    fn the_forms_of_cepii_are_read_fast() {
        let countries = vec![u16::MAX; 1000];
        let known = Known { countries: &countries, year: Year::new(2023).ok(), other_year: "", keeps_without_quantity: false };
        for line in [
            "2023,4,8,270900,1.5,2\n",
            "2023,4,842,010121,1234567.891,        0.131\n",
            "2023,4,842,010121,0.001,           NA\n",
            "2023,4,842,10121,1,\r\n",
            "2023,4,842,10121,1,.\n",
            "2023,4,842,10121,1,   NaN\r\n",
            "2023,4,842,10121,1,\"\\N\"\n",
            "2023,\"  4\",842,\"010121\",\"   34.954\",\"           NA\"\n",
        ] {
            let read = Plain::new(known).other_row(format!("{line}{:128}", "").as_bytes());
            assert_eq!(read.map(|(_, length)| length), Some(line.len()), "{line}");
        }
    }

    #[test]
    fn usual_lines_are_read_at_once() {
        let countries = vec![u16::MAX; 1000];
        let known = Known { countries: &countries, year: Year::new(2023).ok(), other_year: "", keeps_without_quantity: false };
        let layout = Layout::new("", b"t,i,j,k,v,q", None, None).unwrap();
        let mut plain = Plain::new(known);
        plain.other_row(format!("2023,4,842,270900,1.5,2{:128}", "\n").as_bytes());
        let text = |field: &str, quantity: &str| format!("2023,4,842,{field},{quantity:>13}\n");
        for field in ["010121,0.001", "270900,1234567.891", "999999,10.000", "270900,1000000.000"] {
            for quantity in ["0.131", "12345678.999", "0.000"] {
                let line = text(field, quantity);
                let (expected, _) = parse_line(line.as_bytes(), &layout, &known).unwrap().unwrap();
                for read in read(&mut plain, format!("{line}{:128}", "").as_bytes()) {
                    assert_eq!(read, Some((expected, line.len())), "{line}");
                }
            }
        }
        for field in [
            "010121,0.000",
            "010121,1.2345",
            "010121,12345678.000",
            "01012,1.500",
            "010121,1,500",
            "010121,.500",
            "01012x,1.500",
            "010121,1.5 0",
            "009999,1.500",
        ] {
            let line = format!("{}{:128}", text(field, "0.131"), "");
            let [vectors, plain_code, _] = read(&mut plain, line.as_bytes());
            assert_eq!((vectors, plain_code), (None, None), "{line}");
        }
        for quantity in ["", "NA", "NaN", "xNA", "1NA", "N A", "NA ", "0.1x1", "123456789.000", "1 0.000", ".131"] {
            let line = format!("{}{:128}", text("010121,1.500", quantity), "");
            let [vectors, plain_code, _] = read(&mut plain, line.as_bytes());
            assert_eq!((vectors, plain_code), (None, None), "{line}");
        }
    }

    #[test]
    fn digits_are_counted_and_joined() {
        for text in ["", "0", "7", "42", "999", "2024", "080620", "1234567", "12345678"] {
            for rest in [",", ".123456789", "\n\n", "x", " ", "/", ":", "\u{ff}"] {
                let line = format!("{text}{rest}        ");
                let (count, number) = digits(u64::from_le_bytes(*line.as_bytes().first_chunk().unwrap()));
                assert_eq!((count, number), (text.len(), text.parse().unwrap_or(0)), "{line}");
            }
        }
    }

    #[test]
    fn padded_quantities_are_those_of_thirteen_characters() {
        let read = |field: &str| {
            let mut bytes = [b'x'; AHEAD];
            bytes[7..7 + field.len()].copy_from_slice(field.as_bytes());
            padded(&bytes, 7)
        };
        for (number, expected) in [("0.131", 131), ("12345678.999", 12_345_678_999), ("7.000", 7000)] {
            assert_eq!(read(&format!("{number:>13}\n")), Some(expected));
        }
        let odd =
            ["           NA\n", "123456789.000\n", "        0.13 \n", "       1 .131\n", "     1 20.131\n", "    \"120.131\n"];
        for field in
            odd.into_iter().chain(["        0.131\r", "        0,131\n", "         .131\n", "       -0.131\n", "        0.1x1\n"])
        {
            assert_eq!(read(field), None, "{field}");
        }
    }
}
