//! Benchmark of waiting: requests, delay, memory and overhead, beside those of other clients, in
//! one run. `cargo xtask bench` runs it and adds what needs other tools.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a benchmark

mod memory;
mod one_by_one;
mod overhead;
mod plot;
mod together;

use std::{env, fs, path::Path};

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<_> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve"] => overhead::serve(),
        ["calls", how, count, url, job] => overhead::calls(how, count.parse().unwrap(), url, job),
        ["report", folder] => report(Path::new(folder)),
        ["only", "one_by_one"] => println!("{}", one_by_one::measure().0),
        ["only", "together"] => println!("{}", together::measure()),
        ["only", "memory"] => println!("{}", memory::measure()),
        ["only", "overhead"] => println!("{}", overhead::measure()),
        _ => println!(
            "cargo bench -p creatify-tests --bench waiting -- report FOLDER | only one_by_one|together|memory|overhead | serve | \
             calls ours|plain COUNT URL JOB"
        ),
    }
}

/// Writes `waiting.md` and `waiting.svg`, and prints the former.
fn report(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let (one_by_one, points) = one_by_one::measure();
    let sections = [one_by_one, together::measure(), memory::measure(), overhead::measure()];
    plot::draw(&folder.join("waiting.svg"), &points);
    let report = sections.join("\n");
    fs::write(folder.join("waiting.md"), &report).unwrap();
    println!("{report}");
}

/// Returns a row of a Markdown table.
fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}
