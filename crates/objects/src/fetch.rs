//! Trade data from a bucket, as files of a folder that lasts as long as they are used.

use std::fs::File;
use std::io::Write;
use std::path::{Component, Path as FilePath, PathBuf};

use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};
use reorient_engine::sweep::StoreError;
use tempfile::TempDir;

use crate::bucket::Bucket;
use crate::temporary;

/// Bytes of one request.
const PART: u64 = 8 << 20;

/// Files on the local disk; they go when this is dropped.
#[derive(Debug)]
pub struct Fetched {
    path: PathBuf,
    _folder: TempDir,
}

impl Fetched {
    /// The file, or the folder of files.
    pub fn path(&self) -> &FilePath {
        &self.path
    }
}

/// Downloads an object, or all objects below a prefix as a folder, under the names they have. All are there, or it is an error.
///
/// # Errors
/// [`StoreError`] when there is no such object, the server does not give it whole, or the temporary folder cannot hold it.
pub fn fetch_input(url: &str) -> Result<Fetched, StoreError> {
    fetch(&Bucket::open(url)?, url.ends_with('/'))
}

fn fetch(bucket: &Bucket, is_folder: bool) -> Result<Fetched, StoreError> {
    let folder = temporary()?;
    let prefix = bucket.prefix.clone();
    // With the names of the folders above, which may tell revision, release and year.
    let path = match prefix.filename() {
        Some(_) => below(bucket, &Path::default(), &prefix, folder.path())?,
        None => folder.path().join("bucket"),
    };
    let object = if is_folder || prefix.filename().is_none() { None } else { bucket.find(&prefix)? };
    if let Some(object) = object {
        download(bucket, &object, &path)?;
        return Ok(Fetched { path, _folder: folder });
    }
    let mut folders = vec![prefix.clone()];
    let mut count = 0;
    while let Some(next) = folders.pop() {
        let (objects, further) = bucket.list(&next)?;
        folders.extend(further);
        for object in objects {
            download(bucket, &object, &below(bucket, &prefix, &object.location, &path)?)?;
            count += 1;
        }
    }
    if count == 0 {
        let problem = "there is no such object, and none below it".to_owned();
        return Err(StoreError::Missing { path: bucket.address(&prefix), problem });
    }
    Ok(Fetched { path, _folder: folder })
}

/// Where an object goes. Names of objects are any text; ours are names of files.
fn below(bucket: &Bucket, prefix: &Path, location: &Path, folder: &FilePath) -> Result<PathBuf, StoreError> {
    let relative: PathBuf = location.prefix_match(prefix).into_iter().flatten().map(|part| part.as_ref().to_owned()).collect();
    if relative.as_os_str().is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        let problem = "its name is no name of a file".to_owned();
        return Err(StoreError::Missing { path: bucket.address(location), problem });
    }
    Ok(folder.join(relative))
}

/// One object into a file, part by part, all of them of one version of it.
fn download(bucket: &Bucket, object: &ObjectMeta, path: &FilePath) -> Result<(), StoreError> {
    let unwritable = |source| StoreError::Write { path: path.to_owned(), source };
    let parent = path.parent().unwrap_or(FilePath::new("."));
    std::fs::create_dir_all(parent).map_err(unwritable)?;
    let mut file = File::create(path).map_err(unwritable)?;
    let mut offset = 0;
    while offset < object.size {
        let end = object.size.min(offset + PART);
        let options = || GetOptions {
            range: Some(GetRange::Bounded(offset..end)),
            if_match: object.e_tag.clone(),
            ..GetOptions::default()
        };
        let get = async { bucket.store.get_opts(&object.location, options()).await?.bytes().await };
        let bytes = bucket.wait(get).map_err(|error| bucket.unreadable(&object.location, &error))?;
        if bytes.len() as u64 != end - offset {
            let source = std::io::ErrorKind::UnexpectedEof.into();
            return Err(StoreError::Read { path: bucket.address(&object.location), source });
        }
        file.write_all(&bytes).map_err(unwritable)?;
        offset = end;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods)]
mod tests {
    use super::*;
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    #[test]
    fn objects_come_whole_under_their_names() {
        let large: Vec<u8> = (0..PART + 5).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let bucket = |prefix: &str| {
            let bucket = Bucket::with(Box::new(InMemory::new()), Path::from(prefix), "s3://bucket".to_owned()).unwrap();
            for (name, bytes) in [("in/baci/a.csv", large.clone()), ("in/baci/deep/b", vec![]), ("in/baci2", vec![1])] {
                bucket.wait(bucket.store.put(&Path::from(name), bytes.into())).unwrap();
            }
            bucket
        };
        let file = fetch(&bucket("in/baci/a.csv"), false).unwrap();
        assert!(file.path().ends_with("in/baci/a.csv") && std::fs::read(file.path()).unwrap() == large);
        let kept = file.path().to_owned();
        drop(file);
        assert!(!kept.exists());
        for is_folder in [false, true] {
            let folder = fetch(&bucket("in/baci"), is_folder).unwrap();
            assert!(folder.path().ends_with("in/baci") && std::fs::read(folder.path().join("a.csv")).unwrap() == large);
            assert!(std::fs::read(folder.path().join("deep/b")).unwrap().is_empty());
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        }
        assert!(matches!(fetch(&bucket("in/none"), false), Err(StoreError::Missing { .. })));
        assert!(matches!(fetch(&bucket("in/baci2"), true), Err(StoreError::Missing { .. })));
    }
}
