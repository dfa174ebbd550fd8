//! Drawings as SVG.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::element::DashedPathElement;
use plotters::prelude::{
    Cartesian2d, Color, DashedLineSeries, DrawingArea, DrawingAreaErrorKind, IntoDrawingArea, IntoLogRange, LineSeries,
    PathElement, RGBColor, SVGBackend, Text,
};
use plotters::style::{BLACK, WHITE};

use super::{Axis, Curve, Diagram, Drawing};

/// Of a diagram, in pixels; to the right of it, the names of its lines.
const SIZE: (u32, u32) = (640, 480);
const LEGEND: u32 = 230;
/// Of a line of the legend.
const ROW: i32 = 17;
const TITLE: u32 = 40;
/// How many of them stand side by side, if nobody says.
const ACROSS: usize = 3;
const FONT: &str = "sans-serif";
/// Told apart by those who do not see all colours, too (Okabe and Ito 2008).
const COLORS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
    RGBColor(150, 150, 150),
];
/// After all colours, lines of another kind: dashes of so many pixels, and so many between.
const DASHES: [(u32, u32); 2] = [(9, 4), (2, 4)];
/// Of what curves are compared with.
const LEVEL: (u32, u32) = (4, 4);

type Failure = DrawingAreaErrorKind<std::io::Error>;
type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// The whole picture, as text.
pub fn draw(drawing: &Drawing) -> Result<String, Failure> {
    let mut svg = String::new();
    {
        let columns = drawing.diagrams.len().clamp(1, if drawing.across == 0 { ACROSS } else { drawing.across });
        let rows = drawing.diagrams.len().div_ceil(columns).max(1);
        let size = ((SIZE.0 + LEGEND) * columns as u32, SIZE.1 * rows as u32 + TITLE);
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE)?;
        let below = root.titled(&drawing.title, (FONT, 22))?;
        let areas = below.split_evenly((rows, columns));
        for (area, diagram) in areas.iter().zip(&drawing.diagrams) {
            draw_diagram(area, diagram)?;
        }
        root.present()?;
    }
    Ok(svg)
}

/// A curve or a level, as it is drawn and as the legend names it.
struct Line {
    name: String,
    /// The unbroken parts.
    parts: Vec<Vec<(f64, f64)>>,
    color: RGBColor,
    dashes: Option<(u32, u32)>,
}

/// All that is drawn in a diagram: curves, and then what they are compared with.
fn lines(diagram: &Diagram) -> Vec<Line> {
    let color = |k: usize| COLORS[k % COLORS.len()];
    let curves = diagram.curves.iter().enumerate().map(|(k, curve)| {
        let dashes = (k / COLORS.len()).checked_sub(1).map(|kind| DASHES[kind % DASHES.len()]);
        Line { name: curve.name.clone(), parts: pieces(diagram, curve), color: color(k), dashes }
    });
    let ends = range(&diagram.x, xs(diagram));
    let levels = diagram.levels.iter().filter(|(_, level)| diagram.y.shows(*level)).enumerate();
    let levels = levels.map(|(k, (name, level))| Line {
        name: format!("{name}: {}", number(*level)),
        parts: vec![vec![(ends.start, *level), (ends.end, *level)]],
        color: color(diagram.curves.len() + k),
        dashes: Some(LEVEL),
    });
    curves.chain(levels).collect()
}

/// Each axis is one of two kinds, which are types here.
fn draw_diagram(area: &Area<'_>, diagram: &Diagram) -> Result<(), Failure> {
    let (x, y) = (range(&diagram.x, xs(diagram)), range(&diagram.y, ys(diagram)));
    let (plane, beside) = area.split_horizontally(SIZE.0);
    let mut chart = ChartBuilder::on(&plane);
    chart.caption(&diagram.title, (FONT, 17)).margin(12).x_label_area_size(44).y_label_area_size(60);
    let lines = lines(diagram);
    match (diagram.x.is_logarithmic, diagram.y.is_logarithmic) {
        (false, false) => draw_lines(chart.build_cartesian_2d(x, y)?, diagram, &lines),
        (true, false) => draw_lines(chart.build_cartesian_2d(x.log_scale(), y)?, diagram, &lines),
        (false, true) => draw_lines(chart.build_cartesian_2d(x, y.log_scale())?, diagram, &lines),
        (true, true) => draw_lines(chart.build_cartesian_2d(x.log_scale(), y.log_scale())?, diagram, &lines),
    }?;
    draw_legend(&beside, &lines)
}

fn draw_lines<'a, X, Y>(
    mut chart: ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>,
    diagram: &Diagram,
    lines: &[Line],
) -> Result<(), Failure>
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(BLACK.mix(0.04)).bold_line_style(BLACK.mix(0.12));
    mesh.x_label_formatter(&|x| number(*x)).y_label_formatter(&|y| number(*y));
    mesh.x_desc(&diagram.x.name).y_desc(&diagram.y.name);
    mesh.axis_desc_style((FONT, 15)).label_style((FONT, 13)).draw()?;
    for Line { parts, color, dashes, .. } in lines {
        let style = color.stroke_width(2);
        for points in parts.iter().cloned() {
            match *dashes {
                None => chart.draw_series(LineSeries::new(points, style))?,
                Some((on, off)) => chart.draw_series(DashedLineSeries::new(points, on, off, style))?,
            };
        }
    }
    Ok(())
}

/// Beside the curves: in their plane it would cover some of them.
fn draw_legend(area: &Area<'_>, lines: &[Line]) -> Result<(), Failure> {
    for (Line { name, color, dashes, .. }, row) in lines.iter().zip(1..) {
        let (y, style) = (TITLE as i32 + ROW * row, color.stroke_width(2));
        let ends = [(0, y), (24, y)];
        match *dashes {
            None => area.draw(&PathElement::new(ends, style))?,
            Some((on, off)) => area.draw(&DashedPathElement::new(ends, on, off, style))?,
        }
        area.draw(&Text::new(name.as_str(), (30, y - 6), (FONT, 13)))?;
    }
    Ok(())
}

/// The unbroken parts of a curve, of the points that can be shown.
fn pieces(diagram: &Diagram, curve: &Curve) -> Vec<Vec<(f64, f64)>> {
    let is_shown = |(x, y): &(f64, f64)| diagram.x.shows(*x) && diagram.y.shows(*y);
    let parts = curve.points.split(|point| !is_shown(point));
    parts.filter(|part| !part.is_empty()).map(<[_]>::to_vec).collect()
}

fn xs(diagram: &Diagram) -> impl Iterator<Item = f64> {
    diagram.curves.iter().flat_map(|curve| &curve.points).map(|point| point.0)
}

fn ys(diagram: &Diagram) -> impl Iterator<Item = f64> {
    let levels = diagram.levels.iter().map(|(_, level)| *level);
    diagram.curves.iter().flat_map(|curve| &curve.points).map(|point| point.1).chain(levels)
}

/// From the least to the greatest that is shown, and a little more; never empty.
fn range(axis: &Axis, values: impl Iterator<Item = f64>) -> Range<f64> {
    let shown = values.filter(|&value| axis.shows(value));
    let scaled = shown.map(|value| if axis.is_logarithmic { value.ln() } else { value });
    let (least, most) = scaled.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), value| (a.min(value), b.max(value)));
    let (least, most) = if least > most { (0.0, 1.0) } else { (least, most) };
    let more = if least == most { 0.5 } else { 0.03 * (most - least) };
    let (from, to) = (least - more, most + more);
    if axis.is_logarithmic { from.exp()..to.exp() } else { from..to }
}

/// As few digits as tell ticks apart.
fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e6).contains(&size) {
        format!("{value:.1e}").replace(".0e", "e")
    } else {
        let digits = (2.0 - size.log10().floor()).clamp(0.0, 5.0) as usize;
        let text = format!("{value:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(name: &str, points: &[(f64, f64)]) -> Curve {
        Curve { name: name.to_owned(), points: points.to_vec() }
    }

    #[test]
    fn everything_that_is_named_is_in_the_picture() {
        let linear = Diagram {
            title: "left".to_owned(),
            x: Axis::new("rows"),
            y: Axis::new("error"),
            curves: (0..20).map(|k| curve(&format!("curve {k}"), &[(0.0, k as f64), (1.0, 2.0)])).collect(),
            levels: vec![("floor".to_owned(), 0.5)],
        };
        let logarithmic = Diagram {
            title: "right".to_owned(),
            x: Axis::logarithmic("rate"),
            y: Axis::logarithmic("cost"),
            curves: vec![curve("nothing below zero", &[(-1.0, 1.0), (1.0, 10.0), (10.0, f64::NAN), (100.0, 1.0)])],
            levels: vec![],
        };
        let drawing = Drawing { title: "Both <sides>".to_owned(), diagrams: vec![linear, logarithmic], across: 1 };
        let svg = draw(&drawing).expect("it is drawn into memory");
        let names = ["Both &lt;sides&gt;", "left", "right", "rows", "error", "rate", "cost", "curve 19", "floor: 0.5"];
        for name in names.into_iter().chain(["nothing below zero"]) {
            assert_eq!(svg.matches(&format!("\n{name}\n")).count(), 1, "{name}\n{svg}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn a_curve_is_broken_where_it_cannot_be_shown() {
        let diagram = Diagram { y: Axis::logarithmic("y"), ..Diagram::default() };
        let broken = curve("", &[(0.0, 1.0), (1.0, 0.0), (2.0, f64::INFINITY), (3.0, 2.0), (4.0, 3.0)]);
        assert_eq!(pieces(&diagram, &broken), [vec![(0.0, 1.0)], vec![(3.0, 2.0), (4.0, 3.0)]]);
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, 0.001, 0.25, 3.0, 20.0, 150_000.0, 1e6, 1.2e6, -0.5, 1e-5];
        assert_eq!(numbers.map(number), ["0", "0.001", "0.25", "3", "20", "150000", "1e6", "1.2e6", "-0.5", "1e-5"]);
    }
}
