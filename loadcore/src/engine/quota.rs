//! Reads from Linux's control groups how long their processor quotas have stopped this process.
//!
//! A container's limit on processors is the quota of its control group: once it is used up, all
//! threads of the group stand still to the end of the period (100 ms). `cpu.stat` says for how long
//! that was, added up over the processors.

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

/// The books of the groups that this process is in: its own and those above it, each of which may
/// have a quota. None: nobody tells.
#[derive(Debug)]
pub(super) struct Quotas {
    books: Vec<PathBuf>,
    /// One thread reads them, for all.
    reads: bool,
}

impl Quotas {
    pub(super) fn of_this_process(reads: bool) -> Self {
        let groups = read_to_string("/proc/self/cgroup").unwrap_or_default();
        let tells =
            |book: &PathBuf| read_to_string(book).is_ok_and(|it| throttled_ns(&it).is_some());
        Self { books: books(&groups).into_iter().filter(tells).collect(), reads }
    }

    /// Nanoseconds since the groups were made; always 0 for a thread that does not read them.
    pub(super) fn throttled_ns(&self) -> Option<u64> {
        if !self.reads {
            return (!self.books.is_empty()).then_some(0);
        }
        let of = |book: &PathBuf| throttled_ns(&read_to_string(book).ok()?);
        self.books.iter().map(of).sum::<Option<u64>>().filter(|_| !self.books.is_empty())
    }
}

/// Where the groups in the text of `/proc/self/cgroup` keep their books: lines of
/// `number:controllers:path`, without controllers in version 2.
fn books(groups: &str) -> Vec<PathBuf> {
    let mut books = Vec::new();
    for line in groups.lines() {
        let after_number = line.split_once(':').and_then(|(_, rest)| rest.split_once(':'));
        let Some((controllers, path)) = after_number else { continue };
        let roots: &[&str] = match controllers {
            "" => &["/sys/fs/cgroup", "/sys/fs/cgroup/unified"],
            it if it.split(',').any(|name| name == "cpu") => {
                &["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"]
            }
            _ => continue,
        };
        let root = roots.iter().map(Path::new).find(|root| root.join("cgroup.procs").exists());
        let Some(root) = root else { continue };
        // In a container the path may be the host's, of which only the root is seen here.
        let groups = Path::new(path.trim_start_matches('/')).ancestors();
        books.extend(groups.map(|group| root.join(group).join("cpu.stat")));
    }
    books
}

/// Microseconds in version 2, nanoseconds in version 1.
fn throttled_ns(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| {
        let (name, number) = line.split_once(' ')?;
        let unit = match name {
            "throttled_usec" => 1_000,
            "throttled_time" => 1,
            _ => return None,
        };
        number.trim().parse::<u64>().ok().map(|number| number.saturating_mul(unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_the_books_are_read() {
        let version_2 = "usage_usec 5\nnr_periods 3\nnr_throttled 2\nthrottled_usec 70\n";
        assert_eq!(throttled_ns(version_2), Some(70_000));
        let version_1 = "nr_periods 3\nnr_throttled 2\nthrottled_time 70123\n";
        assert_eq!(throttled_ns(version_1), Some(70_123));
        // The root of all groups has no quota.
        assert_eq!(throttled_ns("usage_usec 5\nuser_usec 3\n"), None);
    }

    #[test]
    fn without_books_nobody_tells() {
        assert_eq!(books("not a line\n3:memory:/x\n"), Vec::<PathBuf>::new());
        for reads in [false, true] {
            assert_eq!(Quotas { books: Vec::new(), reads }.throttled_ns(), None);
        }
        assert_eq!(Quotas { books: vec!["/x".into()], reads: false }.throttled_ns(), Some(0));
    }
}
