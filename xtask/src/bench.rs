//! Measures the release build beside other servers.

use std::process::Command;

use crate::process::{find, run};
use crate::workspace::{cargo, root, target};

pub(crate) fn main(args: &[String]) -> Result<(), String> {
    run(cargo().args(["build", "--release", "--package", "propylon"]))?;
    let python = find("python3").ok_or("bench/bench.py needs python3: apt-get install python3")?;
    let mut bench = Command::new(python);
    bench.current_dir(root()).arg("bench/bench.py");
    bench.arg("--bin").arg(target().join("release/propylon"));
    bench.args(["--config", "bench/propylon.conf.in"]).args(args);
    run(&mut bench)
}
