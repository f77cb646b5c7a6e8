//! One job at a time, 20,000 of them for each kind of progress.

use std::time::Duration;

use creatify::wait::{Adaptive, PollPolicy};
use creatify_tests::one_by_one::{
    Figures, Profile, competitors, earlier, jobs, wait_for, wait_with_hints,
};

use crate::row;

const JOBS: usize = 20_000;
const EARLIER: usize = 20;
const SEED: u64 = 42;

/// Figures of a policy, for the plot.
pub struct Point {
    pub series: String,
    pub figures: Figures,
}

pub fn measure() -> (String, Vec<Point>) {
    let mut text = format!(
        "## One job at a time\n\n{JOBS} simulated jobs for each kind of progress; queue and render log-normal with medians of 15 and 150 s and a sigma \
         of 0.6. Seconds between a job being done and its user knowing.\n\n| progress | policy | requests a job | median | mean | 95 % |\n|---|---|---|---|---|---|\n"
    );
    let mut points = Vec::new();
    for profile in Profile::ALL {
        let jobs = jobs(JOBS, profile, SEED);
        let known = earlier(&self::jobs(EARLIER, profile, SEED + 1));
        let name = format!("{profile:?}").to_lowercase();
        let mut add = |progress: &str, policy: &str, figures: Figures| {
            text += &row(&[
                progress.to_owned(),
                policy.to_owned(),
                format!("{:.1}", figures.requests),
                format!("{:.1}", figures.median),
                format!("{:.1}", figures.mean),
                format!("{:.1}", figures.percentile_95),
            ]);
        };
        if profile == Profile::Informative {
            for (name, policy) in competitors() {
                let figures = wait_for(&jobs, policy.as_ref(), None);
                add("any", name, figures);
                points.push(Point { series: name.to_owned(), figures });
            }
        }
        let own = Adaptive::default();
        add(&name, "**creatify**", wait_for(&jobs, &own, None));
        add(&name, "**creatify**, 20 earlier jobs known", wait_for(&jobs, &own, Some(known)));
        add(&name, "**creatify**, with webhooks", wait_with_hints(&jobs, &own, None, 0.0));
        let lossy = wait_with_hints(&jobs, &own, None, 0.3);
        add(&name, "**creatify**, with webhooks of which 3 in 10 are lost", lossy);
        for request_cost in [0.3, 1.0, 4.0, 16.0, 64.0] {
            let policy: &dyn PollPolicy =
                &Adaptive::between(Duration::from_secs(1), Duration::from_secs(120))
                    .request_cost(request_cost);
            for (series, earlier) in [("", None), (", earlier jobs known", Some(known))] {
                if matches!(profile, Profile::Informative | Profile::Absent) {
                    let series = format!("creatify, progress {name}{series}");
                    points.push(Point { series, figures: wait_for(&jobs, policy, earlier) });
                }
            }
        }
    }
    text += "\nThe other policies do not use progress. Which is better depends on the number of requests too:\n\
             `Adaptive::request_cost` moves along the lines of the plot.\n\n![requests against delay](waiting.svg)\n";
    (text, points)
}
