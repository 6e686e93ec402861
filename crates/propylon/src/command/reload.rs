//! `propylon reload`: the running server reads its config again.

use crate::admin::Socket;
use crate::exit::Exit;
use crate::output::{fail, remark, say};

/// Have the running server read its config again
///
/// A config with errors changes nothing; the errors are printed, and the exit code is 3.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  propylon reload\n  propylon reload --admin /run/propylon/admin.sock")]
pub(crate) struct Args {
    #[command(flatten)]
    socket: Socket,
}

impl Args {
    pub(crate) fn run(self) -> Exit {
        match self.socket.ask("POST", "/reload") {
            Ok(reply) if reply.status == 200 => report(&reply.body),
            Ok(reply) if reply.status == 422 => {
                remark(reply.body.trim_end());
                remark("the config is refused, and the old one stays in force");
                Exit::ConfigInvalid
            }
            Ok(reply) => fail(reply.body.trim_end()),
            Err(why) => fail(why),
        }
    }
}

fn report(body: &str) -> Exit {
    let Ok(reloaded) = serde_json::from_str::<serde_json::Value>(body) else {
        return fail("the server's answer cannot be read");
    };
    for warning in reloaded["warnings"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str)
    {
        remark(warning);
    }
    say(&format!("config {} is in force\n", reloaded["generation"]))
}
