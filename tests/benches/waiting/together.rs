//! Measurement of many jobs at once, through the client, against the sandbox, on virtual time.

use creatify_tests::fleet::{Fleet, each_every_five_seconds, waited_for_together};

use crate::row;

const SIZES: [usize; 5] = [1, 10, 100, 1_000, 10_000];
const BESIDE: [usize; 2] = [1_000, 10_000];

pub fn measure() -> String {
    let mut text = "## Many jobs at once\n\nAll in flight at the same time, against the sandbox. The processor's time is that of client and sandbox together.\n\n\
                    | jobs | policy | requests | requests a job | median | mean | 95 % | processor, ms a job | part of a core |\n\
                    |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    let mut add = |jobs: usize, policy: &str, fleet: Fleet| {
        let figures = fleet.figures;
        text += &row(&[
            jobs.to_string(),
            policy.to_owned(),
            (fleet.gets + fleet.lists).to_string(),
            format!("{:.2}", figures.requests),
            format!("{:.1}", figures.median),
            format!("{:.1}", figures.mean),
            format!("{:.1}", figures.percentile_95),
            format!("{:.2}", fleet.processor.as_secs_f64() * 1000.0 / jobs as f64),
            format!("{:.2} %", 100.0 * fleet.processor.as_secs_f64() / fleet.elapsed.as_secs_f64()),
        ]);
    };
    for jobs in SIZES {
        add(jobs, "**creatify**", virtually(waited_for_together(jobs)));
        if BESIDE.contains(&jobs) {
            add(jobs, "each every 5 s", virtually(each_every_five_seconds(jobs)));
        }
    }
    text
}

pub fn virtually<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(work)
}
