//! Memory of 10,000 waits: allocated bytes, counted by the allocator.

use std::{alloc::System, time::Duration};

use cap::Cap;
use creatify_sandbox::Sandbox;
use creatify_tests::fleet::{sandbox, submit};
use tokio::task::JoinSet;

use crate::together::virtually;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const WAITS: usize = 10_000;

pub fn measure() -> String {
    let bytes = virtually(async {
        let (_sandbox, client) = sandbox(Sandbox::builder()).await;
        let handles = submit(&client, WAITS).await;
        let before = ALLOCATOR.allocated();
        let mut waits = JoinSet::new();
        for handle in handles {
            let client = client.clone();
            waits.spawn(async move {
                client.wait(handle).timeout(Duration::from_secs(24 * 3600)).await.unwrap().id()
            });
        }
        let mut most = 0;
        while !waits.is_empty() {
            most = most.max(ALLOCATOR.allocated().saturating_sub(before));
            tokio::time::sleep(Duration::from_secs(1)).await;
            while waits.try_join_next().is_some() {}
        }
        most
    });
    format!(
        "## Memory\n\n{WAITS} waits, each a task of its own, take {:.1} MiB at most, measured every second; with what the sandbox takes to answer \
         them.\n",
        bytes as f64 / 1024.0 / 1024.0
    )
}
