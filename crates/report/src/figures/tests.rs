#![allow(clippy::unwrap_used, clippy::panic)]

use reorient_core::{Country, CountryCode, CountryIndex, CountryTable, Sector, Text, Usd, Year};
use reorient_metrics::{Collection, CountryRow, Level, Origin, PanelYear, ShareRow};
use reorient_model::NanoUsd;
use resvg::tiny_skia::Pixmap;
use resvg::usvg::roxmltree::{Document, Node};

use super::font::{Fonts, Type};
use super::{Figure, FigureContext, FigureError, FrontierPoint, PANEL_FIGURES, figures, panel_figures};
use crate::number::NANO_PER_MUSD;
use crate::sample;

const CONTEXT: FigureContext<'_> = FigureContext {
    source: "CEPII BACI HS92 2023",
    bloc: "EU27",
    options: "cap 5 percentage points, map = any",
    cap: Some(0.05),
    synthetic: false,
    version: "1.2.3",
};

const ALL: [&str; 5] = ["figure_10_subsectors", "figure_11_stages", "figure_sectors", "figure_table_a1", "figure_frontier"];

fn frontier() -> Vec<FrontierPoint> {
    let point = |(cap, risk_pct)| FrontierPoint { cap, risk_pct };
    [(0.0, 40.0), (0.02, 28.0), (0.05, 15.5), (0.3, 4.0), (1.0, 1.0)].into_iter().map(point).collect()
}

fn drawn(collection: &Collection, countries: &CountryTable, context: &FigureContext<'_>) -> Vec<Figure> {
    figures(collection, countries, &frontier(), context).unwrap()
}

fn of_sample(context: &FigureContext<'_>) -> Vec<Figure> {
    drawn(&sample::collection(), &sample::countries(), context)
}

/// Every text of a document, one line each.
fn texts(svg: &str) -> String {
    let document = Document::parse(svg).unwrap();
    document.descendants().filter(|node| node.has_tag_name("text")).filter_map(|node| node.text()).fold(
        String::new(),
        |mut all, text| {
            all.push_str(text);
            all.push('\n');
            all
        },
    )
}

/// Left, right, top and bottom of a text that is not turned.
fn place(node: Node<'_, '_>, fonts: &Fonts) -> Option<[f64; 4]> {
    if node.ancestors().any(|ancestor| ancestor.has_attribute("transform")) {
        return None;
    }
    let number = |name| node.attribute(name).unwrap().parse::<f64>().unwrap();
    let (x, y, size) = (number("x"), number("y"), number("font-size"));
    let width = fonts.width(node.text()?, Type { size, bold: node.has_attribute("font-weight") });
    let left = match node.attribute("text-anchor") {
        Some("end") => x - width,
        Some("middle") => x - width / 2.0,
        _ => x,
    };
    Some([left, left + width, y - 0.73 * size, y + 0.2 * size])
}

/// The document is well-formed, its texts lie on the page and apart, and the PNG is the same page.
fn check(figure: &Figure) {
    let Figure { name, svg, png } = figure;
    let document = Document::parse(svg).unwrap_or_else(|error| panic!("{name}: {error}"));
    let view = document.root_element().attribute("viewBox").unwrap();
    let [across, down] = *view.split(' ').skip(2).map(|size| size.parse::<f64>().unwrap()).collect::<Vec<_>>() else { panic!() };
    let fonts = Fonts::embedded().unwrap();
    let nodes = document.descendants().filter(|node| node.has_tag_name("text"));
    let placed: Vec<_> = nodes.filter_map(|node| Some((place(node, &fonts)?, node.text()?))).collect();
    for (index, (one, text)) in placed.iter().enumerate() {
        let [left, right, top, bottom] = *one;
        assert!(left >= 0.0 && right <= across && top >= 0.0 && bottom <= down, "{name}: `{text}` leaves the page: {one:?}");
        for (other, covered) in &placed[..index] {
            let apart = left >= other[1] || right <= other[0] || top >= other[3] || bottom <= other[2];
            assert!(apart, "{name}: `{text}` covers `{covered}`");
        }
    }
    for node in document.descendants() {
        for attribute in node.attributes() {
            assert!(!attribute.value().contains("NaN") && !attribute.value().contains("inf"), "{name}: {attribute:?}");
        }
    }
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "{name}");
    let pixels = Pixmap::decode_png(png).unwrap();
    assert_eq!((f64::from(pixels.width()), f64::from(pixels.height())), (2.5 * across, 2.5 * down), "{name}");
    let dark = pixels.pixels().iter().filter(|pixel| pixel.red() < 100).count();
    assert!(dark > 2_000, "{name}: {dark} dark pixels");
    assert!(pixels.pixels().iter().all(|pixel| pixel.is_opaque()), "{name}");
}

#[test]
fn the_sample_gives_every_figure() {
    let figures = of_sample(&CONTEXT);
    assert_eq!(figures.iter().map(|figure| figure.name).collect::<Vec<_>>(), ALL);
    for figure in &figures {
        check(figure);
        let texts = texts(&figure.svg);
        for part in ["EU27", "CEPII BACI HS92 2023", "reorient 1.2.3", "cap 5 percentage points, map = any"] {
            assert!(texts.contains(part), "{}: {part} is not in\n{texts}", figure.name);
        }
        assert!(!figure.svg.to_lowercase().contains("synthetic"), "{}", figure.name);
    }
    assert!(texts(&figures[0].svg).contains("40.0 → 23.3"));
    assert!(texts(&figures[1].svg).contains("no imports"));
    assert!(texts(&figures[3].svg).contains("Saint Helena"));
    assert!(texts(&figures[4].svg).contains("cap 5 pp: 15.5 %"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert_eq!(of_sample(&CONTEXT), of_sample(&CONTEXT));
}

#[test]
fn synthetic_data_are_marked_across_every_figure() {
    for figure in of_sample(&FigureContext { synthetic: true, ..CONTEXT }) {
        check(&figure);
        assert!(texts(&figure.svg).matches("SYNTHETIC DATA").count() >= 2, "{}", figure.name);
        assert!(texts(&figure.svg).contains("(synthetic data)"), "{}", figure.name);
    }
}

#[test]
fn colours_have_a_second_sign() {
    let figures = of_sample(&CONTEXT);
    let bars = &figures[3].svg;
    for sector in ["energy", "health"] {
        assert!(bars.contains(&format!("id=\"figure_table_a1-{sector}\"")));
    }
    assert!(figures[0].svg.contains("<circle") && figures[0].svg.contains("<polygon"));
}

#[test]
fn what_has_no_data_has_no_figure() {
    let (mut collection, countries) = (sample::collection(), sample::countries());
    collection.table_a1.clear();
    for row in &mut collection.shares {
        "all".clone_into(&mut row.name);
    }
    assert_eq!(figures(&collection, &countries, &[], &CONTEXT).unwrap(), []);
    assert_eq!(figures(&collection, &countries, &frontier()[..1], &CONTEXT).unwrap(), []);
    collection.shares.clear();
    assert_eq!(figures(&collection, &countries, &[], &CONTEXT).unwrap(), []);
    let mut nothing = sample::collection();
    nothing.table_a1.clear();
    for row in &mut nothing.shares {
        (row.imports, row.before) = (Usd::ZERO, Usd::ZERO);
    }
    assert_eq!(figures(&nothing, &countries, &[], &CONTEXT).unwrap(), []);
}

#[test]
fn points_that_are_no_curve_are_refused() {
    for (at, cap, risk_pct) in
        [(1, -0.1, 1.0), (1, 1.1, 1.0), (2, 0.01, 1.0), (0, f64::NAN, 1.0), (3, 0.4, f64::NAN), (3, 0.4, 101.0), (3, 0.4, -1.0)]
    {
        let mut points = frontier();
        points[at] = FrontierPoint { cap, risk_pct };
        let result = figures(&sample::collection(), &sample::countries(), &points, &CONTEXT);
        assert!(matches!(result, Err(FigureError::Frontier { index, .. }) if index == at), "{cap} {risk_pct}");
    }
    for cap in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let context = FigureContext { cap: Some(cap), ..CONTEXT };
        let result = figures(&sample::collection(), &sample::countries(), &[], &context);
        assert!(matches!(result, Err(FigureError::Cap(_))), "{cap}");
    }
}

/// Rows of all sizes, named to do harm.
fn hostile() -> (Collection, CountryTable) {
    let long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft ".repeat(40);
    let names = [
        "<script>alert(1)</script>",
        "a & b \"quoted\" 'single' ]]> <!-- --> &amp; &#0;",
        "Türkiye, Côte d'Ivoire, São Tomé, Curaçao",
        "中文 العربية עברית 🚢 e\u{301} \u{202e}turned",
        "\0\u{1}\u{1b}[31mred\r\n\ttabs\u{ffff}",
        "",
        "   ",
        long.as_str(),
        "100% %s {} {0} ${x} url(#a)",
    ];
    let country = |(at, name): (usize, &&str)| Country {
        code: CountryCode::new(u16::try_from(at + 1).unwrap()).unwrap(),
        iso2: None,
        iso3: Text::name(format!("X{at:02}")).unwrap(),
        // Names are texts; that others are drawn as letters too is a test of `escape`.
        name: Text::name(*name).unwrap_or_default(),
    };
    let countries = CountryTable::new(names.iter().enumerate().map(country).collect()).unwrap();
    let sectors = [Sector::Health, Sector::Ict, Sector::Energy, Sector::Minerals, Sector::All];
    let size = |at: usize| NanoUsd([0, 1, 1_000, 23_000_000_000_000_000, 7][at % 5] * NANO_PER_MUSD / 1_000);
    // From rows of the sample, which have whatever fields a row has.
    let (some_share, some_gain) = (sample::collection().shares[0].clone(), sample::collection().table_a1[0].clone());
    let gain = |at: usize| {
        let mut row: CountryRow = some_gain.clone();
        (row.rank, row.country) = (at + 1, CountryIndex(u16::try_from(at).unwrap()));
        (row.increase, row.increase_min, row.increase_max) = (size(at), NanoUsd(0), NanoUsd(size(at).0 * 2));
        row.main_sector = sectors[at % 5];
        row
    };
    let share = |level, name: &str, imports: i64, before: i64, after: i64| {
        let mut row: ShareRow = some_share.clone();
        (row.level, row.origin) = (level, Origin::AllRisk);
        name.clone_into(&mut row.name);
        (row.imports, row.before, row.after) = (Usd::new(imports), Usd::new(before), Usd::new(after).into());
        (row.after_min, row.after_max) = (Usd::new(after / 2).into(), row.after);
        row
    };
    let amounts = [(0, 0, 0), (1, 1, 0), (23_000_000_000_000, 1, 23_000_000_000_000), (i64::MAX, i64::MAX, i64::MAX), (3, 1, 1)];
    let mut shares = vec![share(Level::Overall, "all", i64::MAX, i64::MAX, 1)];
    for level in [Level::Sector, Level::Subsector, Level::Stage] {
        for (at, name) in names.iter().enumerate() {
            let (imports, before, after) = amounts[at % amounts.len()];
            shares.push(share(level, name, imports, before, after));
        }
    }
    let table_a1 = (0..names.len()).map(gain).collect();
    (Collection { shares, table_a1, ..sample::collection() }, countries)
}

#[test]
fn hostile_names_and_extreme_values_stay_in_their_places() {
    let (collection, countries) = hostile();
    let long = "</svg><script>&'\" ".repeat(2_000);
    for (bloc, options, synthetic) in [("EU27", "", false), (long.as_str(), long.as_str(), true), ("", "\0", false)] {
        let context = FigureContext { source: options, bloc, options, version: "<1>", synthetic, cap: Some(1.0) };
        let figures = drawn(&collection, &countries, &context);
        assert_eq!(figures.len(), 5);
        for figure in &figures {
            check(figure);
            assert!(!figure.svg.contains("<script") && !figure.svg.contains("</svg><"), "{}", figure.name);
        }
    }
}

#[test]
fn one_row_of_nothing_and_a_hundred_rows_too_many_are_drawn() {
    let (collection, countries) = hostile();
    let row = |at: usize, before: i64| ShareRow {
        name: format!("Personal Protective Equipment and Durable Medical Equipment {at}"),
        imports: Usd::new(1_000),
        before: Usd::new(before),
        ..collection.shares[1].clone()
    };
    let one = Collection { shares: vec![row(0, 0)], table_a1: collection.table_a1[..1].to_vec(), ..sample::collection() };
    let flat = [FrontierPoint { cap: 0.0, risk_pct: 0.0 }, FrontierPoint { cap: 1.0, risk_pct: 0.0 }];
    let context = FigureContext { cap: Some(0.0), ..CONTEXT };
    let figures = figures(&one, &countries, &flat, &context).unwrap();
    assert_eq!(
        figures.iter().map(|figure| figure.name).collect::<Vec<_>>(),
        ["figure_sectors", "figure_table_a1", "figure_frontier"]
    );
    figures.iter().for_each(check);

    let many = (0..220).map(|at| row(at, 5)).map(|row| ShareRow { level: Level::Subsector, ..row }).collect();
    let many = Collection { shares: many, table_a1: vec![], ..sample::collection() };
    let figures = drawn(&many, &countries, &CONTEXT);
    check(&figures[0]);
    assert!(texts(&figures[0].svg).contains("The first 120 of 220 rows"));
}

/// The sample in several years, in one of them with nothing.
fn panel(years: std::ops::RangeInclusive<u16>) -> Vec<PanelYear> {
    let year = |year: u16| {
        let mut collection = sample::collection();
        if year == 2001 {
            collection.shares.iter_mut().for_each(|row| (row.imports, row.before) = (Usd::ZERO, Usd::ZERO));
            collection.headline.hhi = None;
        }
        PanelYear::new(Year::new(year).unwrap(), "EU27".to_owned(), 27, collection)
    };
    years.map(year).collect()
}

#[test]
fn a_panel_has_its_figures_and_they_are_sound() {
    for (years, synthetic) in [(1995..=2024, false), (2000..=2003, false), (2022..=2023, true)] {
        let context = FigureContext { synthetic, ..CONTEXT };
        let figures = panel_figures(&panel(years), &sample::countries(), &context).unwrap();
        assert_eq!(figures.iter().map(|figure| figure.name).collect::<Vec<_>>(), PANEL_FIGURES);
        for figure in &figures {
            check(figure);
            assert_eq!(figure.svg.contains("SYNTHETIC DATA"), synthetic, "{}", figure.name);
            assert!(texts(&figure.svg).contains("CEPII BACI HS92 2023"));
        }
        assert!(texts(&figures[0].svg).contains("Russian Federation") && texts(&figures[2].svg).contains("Health"));
        assert!(figures[0].svg.contains("40.0 before, 15.6 after"), "the words for those who do not see it");
    }
    let again = || panel_figures(&panel(2000..=2003), &sample::countries(), &CONTEXT).unwrap();
    assert_eq!(again(), again());
    assert_eq!(panel_figures(&panel(2023..=2023), &sample::countries(), &CONTEXT).unwrap(), []);
}
