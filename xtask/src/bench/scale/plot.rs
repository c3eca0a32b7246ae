//! Line charts side by side, as SVG.

use std::fmt::Write;

/// A chart: values over GiB, both axes from zero on.
pub struct Chart {
    /// What the values are.
    pub title: &'static str,
    /// Its lines, the same of each chart: the names stand below the first one alone.
    pub lines: Vec<Line>,
}

/// A line through points.
pub struct Line {
    pub name: String,
    /// As SVG names it.
    pub colour: &'static str,
    pub dashed: bool,
    /// GiB, and a value.
    pub points: Vec<(f64, f64)>,
}

/// All sizes are in pixels. What a chart takes, with its margins, and what is below all of them.
const WIDTH: f64 = 430.0;
const HEIGHT: f64 = 310.0;
const NAMES: f64 = 56.0;
/// Where its lines are.
const LEFT: f64 = 56.0;
const RIGHT: f64 = WIDTH - 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = HEIGHT - 48.0;

/// The whole picture.
pub fn draw(charts: &[Chart]) -> String {
    let count = u32::try_from(charts.len()).unwrap_or(1);
    let (width, height) = (WIDTH * f64::from(count), HEIGHT + NAMES);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for (chart, left) in charts.iter().zip((0u32..).map(|it| WIDTH * f64::from(it))) {
        let _ = writeln!(svg, "<g transform=\"translate({left} 0)\">");
        chart.draw(&mut svg);
        svg += "</g>\n";
    }
    if let Some(chart) = charts.first() {
        names(&mut svg, &chart.lines);
    }
    svg + "</svg>\n"
}

impl Chart {
    fn draw(&self, svg: &mut String) {
        text(svg, (LEFT, 22.0), "start", self.title);
        let (rightmost, highest) = self.ends();
        let step = step(highest);
        let top = step * (highest / step).ceil();
        let place = |(gib, value): (f64, f64)| {
            (
                LEFT + (RIGHT - LEFT) * gib / rightmost,
                BOTTOM - (BOTTOM - TOP) * value / top,
            )
        };
        let values = (0u32..).map(|it| step * f64::from(it));
        for value in values.take_while(|it| *it <= top) {
            let (_, y) = place((0.0, value));
            let _ = writeln!(svg, "<path d=\"M{LEFT} {y:.1}H{RIGHT}\" stroke=\"#ddd\"/>");
            text(svg, (LEFT - 8.0, y + 4.0), "end", &format!("{value}"));
        }
        for gib in self.sizes() {
            let (x, _) = place((gib, 0.0));
            text(svg, (x, BOTTOM + 18.0), "middle", &format!("{gib}"));
        }
        let below = ((LEFT + RIGHT) / 2.0, BOTTOM + 36.0);
        text(svg, below, "middle", "GiB of memory");
        for line in &self.lines {
            line.draw(svg, line.points.iter().copied().map(place));
        }
    }

    /// The largest of both; never zero.
    fn ends(&self) -> (f64, f64) {
        let points = self.lines.iter().flat_map(|line| &line.points);
        points.fold((f64::MIN_POSITIVE, f64::MIN_POSITIVE), |ends, point| {
            (ends.0.max(point.0), ends.1.max(point.1))
        })
    }

    fn sizes(&self) -> Vec<f64> {
        let points = self.lines.iter().flat_map(|line| &line.points);
        let mut sizes: Vec<f64> = points.map(|point| point.0).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        sizes
    }
}

impl Line {
    fn draw(&self, svg: &mut String, places: impl Iterator<Item = (f64, f64)>) {
        let places: Vec<_> = places.collect();
        let path: Vec<_> = places
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        self.stroke(svg, &path.join(" "));
        for (x, y) in places {
            let colour = self.colour;
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
            );
        }
    }

    fn stroke(&self, svg: &mut String, points: &str) {
        let dashes = if self.dashed {
            " stroke-dasharray=\"6 4\""
        } else {
            ""
        };
        let _ = writeln!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{dashes}/>",
            self.colour
        );
    }
}

/// What each line is, in two columns.
fn names(svg: &mut String, lines: &[Line]) {
    for (number, line) in (0u32..).zip(lines) {
        let x = LEFT + WIDTH * f64::from(number % 2);
        let y = HEIGHT + 16.0 + 22.0 * f64::from(number / 2);
        line.stroke(svg, &format!("{x},{y} {},{y}", x + 36.0));
        text(svg, (x + 46.0, y + 4.0), "start", &line.name);
    }
}

/// `anchor` is the part of the text that is at the place.
fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, words: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>"
    );
}

/// How far apart marks are, so that there are up to five: 1, 2 or 5, or those with zeros.
fn step(highest: f64) -> f64 {
    let power = 10f64.powf((highest / 5.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|it| it * power);
    let fits = steps.into_iter().find(|step| *step * 5.0 >= highest);
    fits.unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: &[(f64, f64)]) -> Chart {
        Chart {
            title: "time",
            lines: vec![Line {
                name: "a".to_owned(),
                colour: "blue",
                dashed: false,
                points: points.to_vec(),
            }],
        }
    }

    #[test]
    fn what_grows_evenly_is_drawn_straight_from_the_corner() {
        let svg = draw(&[chart(&[(0.0, 0.0), (5.0, 10.0), (10.0, 20.0)])]);
        let middle = ((LEFT + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0);
        let points = format!(
            "points=\"{LEFT:.1},{BOTTOM:.1} {:.1},{:.1} {RIGHT:.1},{TOP:.1}\"",
            middle.0, middle.1
        );
        assert!(svg.contains(&points), "{svg}");
    }

    #[test]
    fn marks_are_round_and_few() {
        for (highest, apart) in [
            (4.9, 1.0),
            (7.0, 2.0),
            (16.0, 5.0),
            (36.0, 10.0),
            (90.0, 20.0),
        ] {
            assert_eq!(step(highest), apart, "{highest}");
        }
    }

    #[test]
    fn nothing_measured_is_drawn_as_nothing() {
        let svg = draw(&[chart(&[]), chart(&[])]);
        assert!(svg.ends_with("</svg>\n"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
