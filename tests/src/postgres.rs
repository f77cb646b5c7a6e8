//! A private PostgreSQL server for tests. It ends with the test process, however that ends.

use std::{
    env, fs,
    io::{ErrorKind, Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// Variable with which a missing server is a failure: `1`.
const REQUIRED: &str = "CREATIFY_REQUIRE_POSTGRES";
/// Time for the server to start or stop on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(50);
/// Runs the server until a line or the end of its input arrives, the latter being the end of the
/// test process; then it removes the files too.
const WATCHDOG: &str = r#"
directory=$1; shift
"$@" < /dev/null & server=$!
if read -r line; then kill -INT "$server"; wait "$server"
else kill -QUIT "$server"; wait "$server"; rm -rf -- "$directory"
fi
"#;

/// A server in a directory of its own, on a free port of loopback and on a Unix socket.
#[derive(Debug)]
pub struct PostgresServer {
    directory: TempDir,
    programs: PathBuf,
    account: Option<Account>,
    port: u16,
    watchdog: Option<Child>,
}

/// The account that runs the server, since it refuses to run as root.
#[derive(Debug, Clone, Copy)]
struct Account {
    user: u32,
    group: u32,
}

impl PostgresServer {
    /// Starts a server. Returns `None`, with a line on stderr, when PostgreSQL is not installed.
    ///
    /// # Panics
    ///
    /// When it does not start, or is not installed although `CREATIFY_REQUIRE_POSTGRES` is `1`.
    #[allow(clippy::print_stderr)] // says that a test is skipped
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            let is_required = env::var(REQUIRED).is_ok_and(|value| value == "1");
            assert!(!is_required, "PostgreSQL is not installed, and {REQUIRED} is 1");
            eprintln!("skipped: PostgreSQL is not installed");
            return None;
        };
        let directory = tempfile::Builder::new().prefix("creatify-pg-").tempdir();
        let directory = directory.expect("a directory for the server");
        let account = unprivileged();
        if let Some(Account { user, group }) = account {
            chown(directory.path(), Some(user), Some(group)).expect("root may do that");
        }
        let mut server = Self { directory, programs, account, port: 0, watchdog: None };
        server.create_cluster();
        server.run();
        Some(server)
    }

    /// Returns the URL of a database, with the user that owns all.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://creatify:s3cret@127.0.0.1:{}/{database}", self.port)
    }

    /// Creates an empty database, and returns its URL.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub fn create_database(&self, name: &str) -> String {
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(name)
    }

    /// Runs SQL in a database, and returns what it prints.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let output = self.psql(database, sql).output().expect("psql runs");
        let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
        assert!(output.status.success(), "{sql}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Stops the server, and ends all connections.
    ///
    /// # Panics
    ///
    /// When it does not stop.
    pub fn stop(&mut self) {
        let Some(mut watchdog) = self.watchdog.take() else { return };
        if let Some(mut input) = watchdog.stdin.take() {
            input.write_all(b"stop\n").expect("the watchdog reads");
        }
        let deadline = Instant::now() + PATIENCE;
        while watchdog.try_wait().expect("a child").is_none() {
            assert!(Instant::now() < deadline, "the server does not stop: {}", self.log());
            thread::sleep(PAUSE);
        }
    }

    /// Starts the server again, on the same port.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start_again(&mut self) {
        assert!(self.watchdog.is_none(), "it runs");
        self.run();
    }

    fn create_cluster(&self) {
        let password = self.path().join("password");
        fs::write(&password, "s3cret").expect("the directory is writable");
        let output = self
            .command("initdb")
            .args(["--username=creatify", "--auth=scram-sha-256", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync", "--pwfile"])
            .arg(password)
            .arg("--pgdata")
            .arg(self.path().join("data"))
            .output()
            .expect("initdb runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn run(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.try_run(deadline) {
            assert!(Instant::now() < deadline, "the server does not start: {}", self.log());
        }
    }

    /// Starts the server, and returns whether it is ready. It is not when another process took the
    /// port first.
    fn try_run(&mut self, deadline: Instant) -> bool {
        if self.port == 0 {
            let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
            self.port = listener.local_addr().expect("it is bound").port();
        }
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path().join("log"));
        let log = log.expect("the directory is writable");
        let mut postgres = self.command("postgres");
        postgres.arg("-D").arg(self.path().join("data")).arg("-k").arg(self.path());
        postgres.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        postgres.args(["-c", "fsync=off", "-c", "max_connections=100"]);
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "sh"])
            .arg(self.path())
            .arg(postgres.get_program())
            .args(postgres.get_args())
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("there is a shell");
        self.watchdog = Some(watchdog);
        // The watchdog goes on when the server has ended, until it reads a line; so the server is
        // asked, and its log.
        loop {
            let is_ready = self.psql("postgres", "SELECT 1").output();
            if is_ready.is_ok_and(|output| output.status.success()) {
                return true;
            }
            let is_taken = self.log().contains("could not create any TCP/IP sockets");
            if is_taken || Instant::now() > deadline {
                self.stop();
                fs::rename(self.path().join("log"), self.path().join("log.old")).ok();
                self.port = 0;
                return false;
            }
            thread::sleep(PAUSE);
        }
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
        psql.args(["--set", "ON_ERROR_STOP=1", "--dbname", &self.url(database), "--command", sql]);
        psql
    }

    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match self.account {
            None => Command::new(program),
            Some(Account { user, group }) => {
                let mut command = Command::new("setpriv");
                command.args(["--clear-groups", "--reuid", &user.to_string()]);
                command.args(["--regid", &group.to_string()]).arg(program);
                command
            }
        };
        command.current_dir(self.path());
        command
    }

    fn log(&self) -> String {
        let mut log = String::new();
        let file = fs::File::open(self.path().join("log"));
        file.and_then(|mut file| file.read_to_string(&mut log)).ok();
        log
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(mut watchdog) = self.watchdog.take() {
            drop(watchdog.stdin.take()); // the end of its input
            watchdog.wait().ok();
        }
    }
}

/// Returns the directory of the server's programs.
fn programs() -> Option<PathBuf> {
    let has_all = |directory: &PathBuf| {
        ["initdb", "postgres", "psql"].iter().all(|name| directory.join(name).is_file())
    };
    let mut packaged: Vec<_> = match fs::read_dir("/usr/lib/postgresql") {
        Ok(versions) => versions.flatten().map(|version| version.path().join("bin")).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => panic!("/usr/lib/postgresql: {error}"),
    };
    packaged.sort();
    let path = env::var_os("PATH").unwrap_or_default();
    packaged.into_iter().rev().chain(env::split_paths(&path)).find(has_all)
}

/// Returns the account `postgres`, or else `nobody`, if this is root.
fn unprivileged() -> Option<Account> {
    use std::os::unix::fs::MetadataExt as _;
    let own = fs::metadata("/proc/self").expect("this is Linux").uid();
    if own != 0 {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").expect("accounts");
    let find = |name: &str| {
        let mut fields = accounts
            .lines()
            .map(|line| line.split(':'))
            .find(|line| line.clone().next() == Some(name))?;
        let user = fields.nth(2)?.parse().ok()?;
        Some(Account { user, group: fields.next()?.parse().ok()? })
    };
    Some(find("postgres").or_else(|| find("nobody")).expect("an account to run the server"))
}
