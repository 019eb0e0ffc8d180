//! The programs under `apps/`: small shops that fail, and report it through the real SDKs.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use crate::door::{Answer, Request};
use crate::secrets::Plant;
use crate::{Project, tools, wait};

/// A shop that serves HTTP. It ends, with everything sent, when its standard input closes; so it never outlives the
/// test.
pub struct Shop {
    address: SocketAddr,
    input: Option<ChildStdin>,
    process: Child,
}

impl Shop {
    /// The Flask app.
    pub fn flask(project: &Project, plant: Option<&Plant>) -> Shop {
        let mut command = Command::new(tools::python());
        command.arg("serve.py").current_dir(tools::apps().join("python"));
        Shop::start(command, project, plant)
    }

    /// The Express app.
    pub fn express(project: &Project, plant: Option<&Plant>) -> Shop {
        let mut command = Command::new("node");
        command.arg("serve.js").current_dir(tools::apps().join("node"));
        Shop::start(command, project, plant)
    }

    fn start(mut command: Command, project: &Project, plant: Option<&Plant>) -> Shop {
        configure(&mut command, project, plant);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the shop starts");
        let output = process.stdout.take().expect("it was piped");
        let (tell, told) = mpsc::channel();
        // Reads on after the port, so that a chatty app never blocks on a full pipe.
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(port) = line.strip_prefix("listening ").and_then(|port| port.parse::<u16>().ok()) {
                    let _ = tell.send(port);
                }
            }
        });
        let port = told.recv_timeout(wait::DEADLINE).expect("the shop says where it listens");
        Shop { address: ([127, 0, 0, 1], port).into(), input: process.stdin.take(), process }
    }

    /// A customer's GET, who gives the name `u-1`.
    pub fn get(&self, path: &str) -> Answer {
        self.visit("u-1", path)
    }

    /// A GET by a named customer.
    pub fn visit(&self, customer: &str, path: &str) -> Answer {
        self.send(Request::bare("GET", path).header("X-Customer", customer))
    }

    /// Any request.
    pub fn send(&self, request: Request) -> Answer {
        request.send(self.address).expect("the shop answers")
    }

    /// Lets it send what it has and end.
    pub fn close(mut self) {
        self.input = None;
        let status = wait::until("the shop to end", || self.process.try_wait().expect("its state can be asked"));
        assert!(status.success(), "the shop ended with {status}");
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a plain Python script of the shop (`job.py KIND`) and returns its exit code.
pub fn python_job(kind: &str, project: &Project) -> Option<i32> {
    let mut command = Command::new(tools::python());
    command.args(["job.py", kind]).current_dir(tools::apps().join("python"));
    run(command, project, None)
}

/// Runs the plain Node script, which nobody catches, and returns its exit code.
pub fn node_job(project: &Project) -> Option<i32> {
    let mut command = Command::new("node");
    command.arg("job.js").current_dir(tools::apps().join("node"));
    run(command, project, None)
}

/// Runs the Rust app with these kinds of trouble and returns its exit code.
pub fn rust_job(kinds: &[&str], project: &Project, plant: Option<&Plant>) -> Option<i32> {
    let mut command = Command::new(tools::rust_shop_binary());
    command.args(kinds);
    run(command, project, plant)
}

fn run(mut command: Command, project: &Project, plant: Option<&Plant>) -> Option<i32> {
    configure(&mut command, project, plant);
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    output.status.code()
}

/// With a plant, the SDK's own scrubbing is off and everything personal is sent.
fn configure(command: &mut Command, project: &Project, plant: Option<&Plant>) {
    command.env("SENTRY_DSN", &project.dsn);
    if let Some(plant) = plant {
        command.env("PLANT", plant.marker()).env("SHOP_SCRUB", "off");
    }
}
