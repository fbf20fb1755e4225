//! The drawing as pixels.

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::FigureError;

/// Length of the signature and of the header chunk, after which other chunks may stand.
const HEADER: usize = 33;

/// The chunk `pHYs` with its checksum: 10,000 pixels to the metre, so that 1,600 pixels print 160 mm wide.
const RESOLUTION: [u8; 21] = [0, 0, 0, 9, b'p', b'H', b'Y', b's', 0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10, 1, 148, 105, 81, 25];

/// Renders a drawing without text elements at its own size, on white.
pub(super) fn render(name: &'static str, svg: &str) -> Result<Vec<u8>, FigureError> {
    let failed = |reason: String| FigureError::Drawing { name, reason };
    let tree = Tree::from_str(svg, &Options::default()).map_err(|error| failed(error.to_string()))?;
    let size = tree.size().to_int_size();
    let pixmap = Pixmap::new(size.width(), size.height());
    let mut pixmap = pixmap.ok_or_else(|| failed(format!("{} x {} pixels", size.width(), size.height())))?;
    pixmap.fill(Color::WHITE);
    resvg::render(&tree, Transform::identity(), &mut pixmap.as_mut());
    let mut png = pixmap.encode_png().map_err(|error| failed(error.to_string()))?;
    png.splice(HEADER..HEADER, RESOLUTION);
    Ok(png)
}
