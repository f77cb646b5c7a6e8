//! Plot of requests for each job against the median delay, as an SVG.

use std::{collections::BTreeMap, path::Path};

use plotters::prelude::*;

use crate::one_by_one::Point;

const COLORS: [RGBColor; 8] = [
    RGBColor(120, 120, 120),
    RGBColor(160, 120, 60),
    RGBColor(120, 60, 120),
    RGBColor(0, 114, 178),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
];

pub fn draw(file: &Path, points: &[Point]) {
    let mut series: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for point in points {
        series
            .entry(&point.series)
            .or_default()
            .push((point.figures.requests, point.figures.median));
    }
    let area = SVGBackend::new(file, (900, 600)).into_drawing_area();
    area.fill(&WHITE).unwrap();
    let mut chart = ChartBuilder::on(&area)
        .caption(
            "One job at a time: requests against delay, both lower is better",
            ("sans-serif", 20),
        )
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(56)
        .build_cartesian_2d((2.0..100.0).log_scale(), (0.4..40.0).log_scale())
        .unwrap();
    chart
        .configure_mesh()
        .x_desc("requests a job")
        .y_desc("median delay in seconds")
        .x_label_formatter(&|value| format!("{value:.0}"))
        .y_label_formatter(&|value| format!("{value:.1}"))
        .light_line_style(RGBColor(240, 240, 240))
        .draw()
        .unwrap();
    for ((name, mut points), color) in series.into_iter().zip(COLORS) {
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        let markers =
            points.clone().into_iter().map(move |point| Circle::new(point, 5, color.filled()));
        chart.draw_series(markers).unwrap();
        let line = chart.draw_series(LineSeries::new(points, color.stroke_width(2))).unwrap();
        line.label(name).legend(move |(x, y)| Circle::new((x + 8, y), 5, color.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.9))
        .border_style(RGBColor(200, 200, 200))
        .draw()
        .unwrap();
    area.present().unwrap();
}
