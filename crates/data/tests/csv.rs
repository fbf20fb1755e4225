//! CEPII's CSV with everything that CEPII and spreadsheets do to it.
#![allow(clippy::unwrap_used, missing_docs)]

use reorient_core::{ProductIndex, Usd};
use reorient_data::{DataError, Trade, TradeSource};

fn read(name: &str, text: &str) -> Result<Trade, DataError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let source = TradeSource::open(&path)?;
    source.read(source.years()[0], None)
}

#[test]
fn every_way_of_writing_a_row_gives_the_same_row() {
    let plain = "t,i,j,k,v,q\n2023,4,842,010121,34.954,68.0\n2023,4,4,270900,1,2\n";
    let expected = read("BACI_HS92_Y2023_V202401b.csv", plain).unwrap().table;
    assert_eq!(expected.rows(ProductIndex(0)).values, [Usd::new(34_954)]);
    for (what, text) in [
        (
            "quoted and padded",
            "\"t\",\"i\",\"j\",\"k\",\"v\",\"q\"\n2023,\"  4\",842,\"010121\",\"   34.954\",\"        68.0\"\n2023,4,4,270900,\"     1.000\",\"         NA\"\n",
        ),
        ("lost zeros", "t,i,j,k,v,q\n2023,4,842,10121,34.954,\n2023,4,4,270900,1.0000,NA\n"),
        ("carriage returns", "t,i,j,k,v,q\r\n2023,4,842,010121,34.954,68.0\r\n2023,4,4,270900,1,2\r\n"),
        ("byte order mark, capitals", "\u{feff}T,I,J,K,V,Q\n2023,4,842,010121,34.954,68.0\n2023,4,4,270900,1,2\n"),
        ("another order of columns", "k,v,q,t,j,i\n270900,1,2,2023,4,4\n010121,34.954,68.0,2023,842,4"),
        ("empty lines", "t,i,j,k,v,q\n\n2023,4,842,010121,34.954,68.0\n2023,4,4,270900,1,2\n\n"),
    ] {
        assert_eq!(read("baci_hs92_y2023.csv", text).unwrap().table, expected, "{what}");
    }
}

#[test]
fn errors_name_the_file_the_line_the_column_and_the_value() {
    for (row, expected) in [
        ("23,4,8,270900,1,2", "line 2, column `t`: `23`"),
        ("2023,USA,8,270900,1,2", "line 2, column `i`: `USA`"),
        ("2023,4,999,270900,1,2", "line 2, column `j`: `999`: this country is not in the country table"),
        ("2023,4,8,27.09,1,2", "line 2, column `k`: `27.09`"),
        ("2023,4,8,270900,1e3,2", "line 2, column `v`: `1e3`"),
        ("2023,4,8,270900,1.0005,2", "line 2, column `v`: `1.0005`"),
        ("2023,4,8,270900,,2", "line 2, column `v`: ``"),
        ("2023,4,8,270900,NA,2", "line 2, column `v`: `NA`"),
        ("2023,4,8,270900,0,2", "line 2, column `v`: `0`: a flow must be more than zero"),
        ("2023,4,8,270900,-1,2", "line 2, column `v`: `-1`"),
        ("2023,4,8,270900,1,x", "line 2, column `q`: `x`"),
        ("2023,4,8,270900,1,-2", "line 2, column `q`: `-2`"),
        ("2023,4,8,270900,1", "line 2: it has 5 fields instead of 6"),
        ("2023,4,8,270900,1,2\n2022,4,8,270901,1,2", "line 3, column `t`: `2022`"),
        ("2023,4,8,270900,1,2\n2023,4,8,270900,3,2", "product 270900, exporter 4, importer 8 stand twice"),
        ("", "no rows"),
    ] {
        let error = read("BACI_HS92_Y2023.csv", &format!("t,i,j,k,v,q\n{row}\n")).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("BACI_HS92_Y2023.csv"), "{error}");
    }
    let text = "t,i,j,k,v,q\r\n2023,4,8,270900,1,2\r\n\r\n2023,4,8,270901,x,2\r\n";
    assert!(read("BACI_HS92.csv", text).unwrap_err().to_string().contains("line 4, column `v`: `x`"));
    assert!(read("BACI_HS92.csv", "t,i,j,k,v\n").unwrap_err().to_string().contains("column `q` is missing"));
}

#[test]
fn a_name_without_a_revision_says_what_to_do() {
    let text = "t,i,j,k,v,q\n2023,4,842,010121,34.954,68.0\n";
    let error = read("trade_2023.csv", text).unwrap_err().to_string();
    assert!(error.contains("trade_2023.csv") && error.contains("rename"), "{error}");
    assert!(read("trade.txt", text).unwrap_err().to_string().contains("give a BACI .zip"));
}
