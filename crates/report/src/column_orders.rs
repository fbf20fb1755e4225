//! Parquet whose footer older readers understand.
//!
//! The library says of every column of doubles that its least and greatest values follow `IEEE_754_TOTAL_ORDER`, a variant of
//! 2026 that older readers do not know: all of Polars 1 refuses the whole file. It has no option for that. Our doubles are
//! never NaN, so the order that the type defines tells the same: it is written over the other, which has the same length.

use std::io::{self, Write};

/// A column order in Thrift's compact protocol: the header of a field that is an empty struct, its end, and that of the union.
const TYPE_DEFINED: [u8; 3] = [0x1c, 0, 0];
const IEEE_754_TOTAL: [u8; 3] = [0x2c, 0, 0];

/// Behind the column orders stand the end of the footer, its length and the closing mark.
const BEHIND: usize = 1 + 4 + 4;

/// Passes a Parquet file on, but for its last bytes, in which the column orders stand.
pub(crate) struct TypeDefinedOrders<W: Write> {
    out: W,
    columns: usize,
    /// What is not passed on yet.
    last: Vec<u8>,
}

impl<W: Write> TypeDefinedOrders<W> {
    /// `columns` are all leaves of the schema.
    pub(crate) fn new(out: W, columns: usize) -> Self {
        Self { out, columns, last: Vec::new() }
    }

    /// Bytes from the header of the list on.
    fn length(&self) -> usize {
        header(self.columns).len() + TYPE_DEFINED.len() * self.columns + BEHIND
    }

    /// Writes the end of the file, which must have been handed over as a whole, and gives back what it was written to.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        let header = header(self.columns);
        let known = self.last.len() == self.length() && self.last.starts_with(&header) && self.last.ends_with(b"PAR1");
        let orders = self.last.len().checked_sub(BEHIND).and_then(|end| self.last.get_mut(header.len()..end)).unwrap_or_default();
        let is_order = |order: &[u8]| order == TYPE_DEFINED || order == IEEE_754_TOTAL;
        if !known || !orders.chunks(TYPE_DEFINED.len()).all(is_order) {
            return Err(io::Error::other("the Parquet library ends a file in another way than this program expects"));
        }
        for order in orders.chunks_mut(TYPE_DEFINED.len()) {
            order.copy_from_slice(&TYPE_DEFINED);
        }
        self.out.write_all(&self.last)?;
        Ok(self.out)
    }
}

impl<W: Write> Write for TypeDefinedOrders<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.length();
        let beyond = (self.last.len() + bytes.len()).saturating_sub(length);
        let of_last = beyond.min(self.last.len());
        self.out.write_all(&self.last[..of_last])?;
        self.last.drain(..of_last);
        let (first, last) = bytes.split_at(beyond - of_last);
        self.out.write_all(first)?;
        self.last.extend_from_slice(last);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Field 7 of the footer, one behind the name of the program, and the head of its list of structs.
fn header(columns: usize) -> Vec<u8> {
    let mut header = vec![0x19];
    match u8::try_from(columns) {
        Ok(few) if few < 15 => header.push(few << 4 | 0xc),
        _ => {
            header.push(0xfc);
            let mut left = columns;
            while left > 0x7f {
                header.push(left.to_le_bytes()[0] | 0x80);
                left >>= 7;
            }
            header.push(left.to_le_bytes()[0]);
        }
    }
    header
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch};
    use arrow::datatypes::{DataType, Field, Schema};
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::basic::ColumnOrder;

    use super::*;

    #[test]
    fn every_column_has_the_order_of_its_type() {
        for n_columns in [1, 2, 14, 15, 127, 128, 300] {
            let field = |at: usize| {
                Field::new(format!("column {at}"), if at % 3 == 1 { DataType::Int32 } else { DataType::Float64 }, true)
            };
            let schema = Arc::new(Schema::new((0..n_columns).map(field).collect::<Vec<_>>()));
            let column = |at: usize| -> ArrayRef {
                if at % 3 == 1 {
                    Arc::new(Int32Array::from(vec![1, 2]))
                } else {
                    Arc::new(Float64Array::from(vec![Some(0.5), None]))
                }
            };
            let batch = RecordBatch::try_new(Arc::clone(&schema), (0..n_columns).map(column).collect()).unwrap();
            let mut writer = ArrowWriter::try_new(TypeDefinedOrders::new(Vec::new(), n_columns), schema, None).unwrap();
            writer.write(&batch).unwrap();
            let bytes = Bytes::from(writer.into_inner().unwrap().finish().unwrap());
            let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
            let orders = builder.metadata().file_metadata().column_orders().unwrap().clone();
            assert_eq!(orders.len(), n_columns);
            assert!(orders.iter().all(|order| matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(_))), "{orders:?}");
            let read: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
            assert_eq!(read, [batch]);
        }
    }

    #[test]
    fn bytes_pass_in_pieces_of_any_length() {
        let mut file = b"PAR1 and rows and much more than the end of a footer".to_vec();
        file.extend(header(2));
        file.extend(IEEE_754_TOTAL);
        file.extend(TYPE_DEFINED);
        file.extend(*b"\0\x20\0\0\0PAR1");
        let at = file.len() - BEHIND - 6;
        for length in 1..=file.len() {
            let mut out = TypeDefinedOrders::new(Vec::new(), 2);
            file.chunks(length).for_each(|piece| out.write_all(piece).unwrap());
            let written = out.finish().unwrap();
            assert_eq!(written.len(), file.len());
            assert_eq!((&written[..at], &written[at + 3..]), (&file[..at], &file[at + 3..]));
            assert_eq!(written[at..at + 3], TYPE_DEFINED);
        }
    }

    #[test]
    fn another_ending_is_refused() {
        for end in [&b""[..], b"PAR1", b"\x19\x1c\x3c\0\0\0\x20\0\0\0PAR1", b"\x19\x1c\x2c\0\0\0\x20\0\0\0PAR2"] {
            let mut out = TypeDefinedOrders::new(Vec::new(), 1);
            out.write_all(end).unwrap();
            assert!(out.finish().is_err());
        }
    }
}
