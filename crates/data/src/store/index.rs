//! Where the rows of each product are in a file of ours, and the hashes of the pages that hold them.
//!
//! Rows are cut into blocks of whole products. Each column stores a block as one Parquet data page, and a row group holds
//! the pages of many blocks, column by column: what is before a page follows from the lengths of those before it. The index
//! is stored as little-endian numbers of 32 bits, between the row groups and the page index of Parquet.

use std::ops::Range;

use reorient_core::ProductCode;

use super::MAGIC;
use crate::DataError;

/// The first half of a BLAKE3 hash.
pub(super) type Hash = [u8; 16];
/// Columns but that of products: exporter, importer, value, quantity.
pub(super) const PAGES: usize = 4;
/// The first of them are hashed as one, since no reader wants one without the others.
pub(super) const TRADE_PAGES: usize = 3;

const HEADER: usize = 3 * 4;
const PRODUCT: usize = 2 * 4;
const GROUP: usize = 2 * 4 + 16;
const BLOCK: usize = (1 + PAGES) * 4 + 2 * 16;

/// The whole index, with the positions that follow from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Index {
    /// Products with their numbers of rows, ascending by product.
    pub(crate) products: Vec<(ProductCode, usize)>,
    pub(super) groups: Vec<Group>,
    pub(super) blocks: Vec<Block>,
}

/// A row group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) blocks: Range<usize>,
    pub(super) rows: usize,
    /// The column of products with its dictionary.
    pub(super) products: Range<u64>,
    pub(super) products_hash: Hash,
    /// Position after its last column.
    pub(super) end: u64,
}

/// A stretch of whole products within a row group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Positions in [`Index::products`].
    pub(super) products: Range<usize>,
    /// Rows of the file before it.
    pub(super) rows_before: usize,
    pub(super) rows: usize,
    /// One page per column, by position in the file.
    pub(super) pages: [Range<u64>; PAGES],
    /// Of the pages of exporter, importer and value, one behind the other.
    pub(super) trade_hash: Hash,
    pub(super) quantity_hash: Hash,
}

/// What a writer knows of a row group.
#[derive(Debug, Clone)]
pub(super) struct GroupParts {
    pub(super) products_length: usize,
    pub(super) products_hash: Hash,
    pub(super) blocks: Vec<BlockParts>,
}

/// What a writer knows of a block.
#[derive(Debug, Clone)]
pub(super) struct BlockParts {
    pub(super) n_products: usize,
    pub(super) lengths: [usize; PAGES],
    pub(super) trade_hash: Hash,
    pub(super) quantity_hash: Hash,
}

/// First half of the BLAKE3 hash of pages, one behind the other.
pub(super) fn hash_of(pages: &[&[u8]]) -> Hash {
    let mut half = Hash::default();
    // In one piece: the hasher is twice as fast where it sees many of its chunks at once.
    let hash = if let [only] = pages { blake3::hash(only) } else { blake3::hash(&pages.concat()) };
    half.copy_from_slice(&hash.as_bytes()[..16]);
    half
}

/// The bytes of an index; `products` are all products with their numbers of rows.
///
/// # Errors
/// A word on what does not fit into 32 bits.
pub(super) fn encode(products: &[(u32, usize)], groups: &[GroupParts]) -> Result<Vec<u8>, String> {
    let n_blocks: usize = groups.iter().map(|group| group.blocks.len()).sum();
    let mut bytes = Vec::with_capacity(HEADER + products.len() * PRODUCT + groups.len() * GROUP + n_blocks * BLOCK);
    let put = |bytes: &mut Vec<u8>, number: usize| -> Result<(), String> {
        let number = u32::try_from(number).map_err(|_| format!("{number} does not fit into the index"))?;
        bytes.extend(number.to_le_bytes());
        Ok(())
    };
    for count in [products.len(), groups.len(), n_blocks] {
        put(&mut bytes, count)?;
    }
    for (product, rows) in products {
        bytes.extend(product.to_le_bytes());
        put(&mut bytes, *rows)?;
    }
    for group in groups {
        put(&mut bytes, group.blocks.len())?;
        put(&mut bytes, group.products_length)?;
        bytes.extend(group.products_hash);
    }
    for block in groups.iter().flat_map(|group| &group.blocks) {
        for number in std::iter::once(block.n_products).chain(block.lengths) {
            put(&mut bytes, number)?;
        }
        bytes.extend(block.trade_hash);
        bytes.extend(block.quantity_hash);
    }
    Ok(bytes)
}

impl Index {
    /// Understands the bytes of an index that starts at `start` of the file, where the row groups end.
    ///
    /// # Errors
    /// [`DataError::File`] when they do not describe row groups that fill the file up to there.
    pub(super) fn decode(name: &str, bytes: &[u8], start: u64) -> Result<Self, DataError> {
        let unfit = |what: &str| DataError::file(name, format!("the index of products does not fit the rows: {what}"));
        let mut reader = Reader(bytes);
        let mut count = || reader.number().ok_or_else(|| unfit("it is cut off"));
        let (n_products, n_groups, n_blocks) = (count()?, count()?, count()?);
        let length = [(n_products, PRODUCT), (n_groups, GROUP), (n_blocks, BLOCK)]
            .iter()
            .try_fold(HEADER, |sum, (count, size)| sum.checked_add(count.checked_mul(*size)?));
        if length != Some(bytes.len()) {
            return Err(unfit("its length is another one"));
        }
        let cut_off = || unfit("it is cut off");
        let mut products: Vec<(ProductCode, usize)> = Vec::with_capacity(n_products);
        for _ in 0..n_products {
            let (number, rows) = reader.number().zip(reader.number()).ok_or_else(cut_off)?;
            let code = u32::try_from(number).ok().and_then(|number| ProductCode::from_number(number).ok());
            let code = code.ok_or_else(|| unfit(&format!("{number} is no product")))?;
            if rows == 0 || products.last().is_some_and(|(last, _)| *last >= code) {
                return Err(unfit(&format!("product {code} is out of order or has no rows")));
            }
            products.push((code, rows));
        }
        let mut heads = Vec::with_capacity(n_groups);
        for _ in 0..n_groups {
            let (blocks, length) = reader.number().zip(reader.number()).ok_or_else(cut_off)?;
            heads.push((blocks, length as u64, reader.hash().ok_or_else(cut_off)?));
        }
        let mut index = Self { products, groups: Vec::with_capacity(n_groups), blocks: Vec::with_capacity(n_blocks) };
        let mut position = MAGIC.len() as u64;
        for (n_blocks, products_length, products_hash) in heads {
            let products = position..position + products_length;
            let first = index.blocks.len();
            let rows_before = index.rows();
            for _ in 0..n_blocks {
                index.read_block(&mut reader).ok_or_else(|| unfit("a block holds other products"))?;
            }
            position = products.end;
            for column in 0..PAGES {
                for block in &mut index.blocks[first..] {
                    let length = block.pages[column].end;
                    block.pages[column] = position..position + length;
                    position += length;
                }
            }
            let blocks = first..index.blocks.len();
            let rows = index.rows() - rows_before;
            index.groups.push(Group { blocks, rows, products, products_hash, end: position });
        }
        if position != start || index.blocks.len() != n_blocks || index.last_product() != index.products.len() {
            return Err(unfit("row groups do not fill the file"));
        }
        Ok(index)
    }

    /// Appends a block whose pages have their lengths alone.
    fn read_block(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let first = self.last_product();
        let products = first..first.checked_add(reader.number()?)?;
        let rows = self.products.get(products.clone())?.iter().map(|(_, rows)| rows).sum();
        let mut pages = [const { 0..0 }; PAGES];
        for page in &mut pages {
            page.end = reader.number()? as u64;
        }
        let rows_before = self.rows();
        let (trade_hash, quantity_hash) = (reader.hash()?, reader.hash()?);
        self.blocks.push(Block { products, rows_before, rows, pages, trade_hash, quantity_hash });
        Some(())
    }

    fn last_product(&self) -> usize {
        self.blocks.last().map_or(0, |block| block.products.end)
    }

    /// Rows of the file.
    pub(crate) fn rows(&self) -> usize {
        self.blocks.last().map_or(0, |block| block.rows_before + block.rows)
    }
}

/// Takes numbers and hashes off the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self) -> Option<usize> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        usize::try_from(u32::from_le_bytes(*number)).ok()
    }

    fn hash(&mut self) -> Option<Hash> {
        let (hash, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*hash)
    }
}
