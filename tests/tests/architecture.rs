//! Holds the code against `docs/architecture.md`: who may know whom, and where clocks are read.
//!
//! The rules are read from the tables of that page, not repeated here, so that the page and the
//! rules cannot drift apart: whoever changes the structure changes the page.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

type Rules = BTreeMap<String, BTreeSet<String>>;

/// What a file does, as its first line says it. Most files turn one thing into another.
const VERBS: &str = "\
    Answers Asks Asserts Checks Counts Decides Declares Deletes Describes Divides Drives Fetches Finds \
    Follows Gathers Gives Hands Holds Keeps Lists Loads Makes Measures Merges Names Orders \
    Plays Puts Reads Runs Says Starts Takes Tests Throws Turns Wraps Writes";

#[test]
fn crates_depend_only_on_what_the_page_allows() {
    let rules = rules("crate", "may use");
    let members = workspace_members();
    let known: BTreeSet<&str> = members.keys().map(String::as_str).collect();
    let written: BTreeSet<&str> = rules.keys().map(String::as_str).collect();
    assert_eq!(known, written, "the workspace's members and the page's table of crates");
    let mut faults = Vec::new();
    for (name, uses) in &members {
        for used in uses.iter().filter(|used| known.contains(used.as_str())) {
            if !rules[name].contains(used) {
                faults.push(format!("{name} may not use {used}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_library_stays_small() {
    // What a user of the library builds: normal and build dependencies with default features.
    let tree =
        cargo(&["tree", "--locked", "-p", "loadcore", "-e", "normal,build", "--prefix=none"]);
    let crates: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(" (").next())
        .filter(|line| !line.is_empty() && !line.starts_with("loadcore "))
        .collect();
    assert!(crates.len() > 20, "cargo tree said too little: {tree}");
    assert!(crates.len() < 90, "{} crates with default features: {crates:?}", crates.len());
}

#[test]
fn rooms_know_only_earlier_rooms() {
    let rooms = rooms_in_order();
    let direct = rules("module", "may use");
    for (place, room) in rooms.iter().enumerate() {
        for used in &direct[room] {
            let at = rooms.iter().position(|other| other == used);
            assert!(
                at.is_some_and(|at| at < place),
                "the page lets {room} use {used}, which is no earlier row"
            );
        }
    }
    let reachable = closure(&rooms, &direct);
    let mut faults = Vec::new();
    for file in rust_files(&root().join("loadcore/src")) {
        let Some(room) = room_of(&file) else { continue };
        let Some(allowed) = reachable.get(&room) else {
            faults.push(format!("{}: the page has no room `{room}`", shown(&file)));
            continue;
        };
        let code = without_comments_and_strings(&read(&file));
        for used in crate_paths(&code) {
            if rooms.contains(&used) && used != room && !allowed.contains(&used) {
                faults.push(format!("{}: `{room}` may not use `{used}`", shown(&file)));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn clocks_are_read_in_time_alone() {
    let faults: Vec<String> = rust_files(&root().join("loadcore/src"))
        .into_iter()
        .filter(|file| !file.ends_with("loadcore/src/time.rs"))
        .filter(|file| {
            let code = without_comments_and_strings(&read(file));
            code.contains("Instant::now") || code.contains("SystemTime::now")
        })
        .map(|file| shown(&file))
        .collect();
    assert!(faults.is_empty(), "clocks are read in loadcore::time, not in {faults:?}");
}

#[test]
fn every_file_opens_with_what_it_does() {
    let faults: Vec<String> = rust_files(&root())
        .into_iter()
        .filter(|file| {
            let text = read(file);
            !opens_with_a_verb(text.lines().next().unwrap_or_default())
        })
        .map(|file| shown(&file))
        .collect();
    assert!(
        faults.is_empty(),
        "files whose first line is not `//! ` and a sentence that begins with a verb of VERBS \
         (\"Turns ... into ...\"): {faults:?}"
    );
}

#[test]
fn every_member_takes_the_workspace_lints() {
    for package in packages() {
        let manifest = package["manifest_path"].as_str().expect("a path");
        assert!(read(Path::new(manifest)).contains("[lints]\nworkspace = true"), "{manifest}");
    }
}

/// Decision 0015: whoever has to, for an item and with a reason, is named here.
#[test]
fn nobody_lifts_the_ban_on_unsafe_code() {
    let manifest = read(&root().join("Cargo.toml"));
    assert!(manifest.contains("\nunsafe_code = \"deny\"\n"), "the workspace does not ban it");
    let lifting: Vec<String> = rust_files(&root())
        .into_iter()
        .filter(|file| lifts_the_ban(&without_comments_and_strings(&read(file))))
        .map(|file| shown(&file))
        .collect();
    assert!(lifting.is_empty(), "unsafe code is banned, and these allow it: {lifting:?}");
}

/// Whether an attribute sets the lint `unsafe_code`, alone or among others, to less than an error.
fn lifts_the_ban(code: &str) -> bool {
    let levels = ["allow(", "expect(", "warn("];
    levels.iter().any(|level| {
        let mut lists = code.split(level).skip(1).filter_map(|rest| rest.split(')').next());
        lists.any(|list| list.split(',').any(|lint| lint.trim() == "unsafe_code"))
    })
}

/// Whether a file's first line says what the file does.
fn opens_with_a_verb(line: &str) -> bool {
    // A crate's root may open with its README, and an example with how to run it.
    if line.starts_with("#![doc = include_str!(") || line.starts_with("//! Run with: cargo run ") {
        return true;
    }
    let Some((verb, rest)) = line.strip_prefix("//! ").and_then(|said| said.split_once(' ')) else {
        return false;
    };
    VERBS.split(' ').any(|known| known == verb.trim_end_matches(',')) && !rest.trim().is_empty()
}

/// Every workspace member with the names it depends on, as normal, build or dev dependency.
fn workspace_members() -> Rules {
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    packages()
        .iter()
        .map(|package| (name(package), list(&package["dependencies"]).iter().map(name).collect()))
        .collect()
}

fn packages() -> Vec<Value> {
    let text = cargo(&["metadata", "--no-deps", "--format-version=1"]);
    let metadata: Value = serde_json::from_str(&text).expect("cargo metadata is JSON");
    list(&metadata["packages"])
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().expect("a list").clone()
}

/// The table whose first column is headed `first`, as a map from that column to the names in the
/// column headed `column`.
fn rules(first: &str, column: &str) -> Rules {
    let rows = table(first);
    let at = rows[0].iter().position(|cell| cell == column).expect("the column stands in the page");
    rows[1..].iter().map(|row| (row[0].replace('`', ""), names(&row[at]))).collect()
}

fn rooms_in_order() -> Vec<String> {
    table("module")[1..].iter().map(|row| row[0].replace('`', "")).collect()
}

/// The rows of a table of the page, its head first and without the line below the head.
fn table(first: &str) -> Vec<Vec<String>> {
    let page = read(&root().join("docs/architecture.md"));
    let mut lines = page.lines().skip_while(|line| !line.starts_with(&format!("| {first} |")));
    let rows: Vec<Vec<String>> = lines
        .by_ref()
        .take_while(|line| line.starts_with('|'))
        .filter(|line| !line.starts_with("|--"))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert!(rows.len() > 2, "docs/architecture.md has no table headed `{first}`");
    rows
}

/// The names that a cell lists: `schedule, request (reasons)` are two, `nothing` is none.
fn names(cell: &str) -> BTreeSet<String> {
    let mut depth = 0_u32;
    let plain: String = cell
        .chars()
        .filter(|&c| {
            depth += u32::from(c == '(');
            let keep = depth == 0;
            depth -= u32::from(c == ')');
            keep
        })
        .collect();
    plain
        .split(',')
        .map(|item| {
            let name = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            item.trim().trim_start_matches('`').chars().take_while(name).collect::<String>()
        })
        .filter(|name| !name.is_empty() && name != "nothing")
        .collect()
}

/// What each room may use, and what these may use in turn. Earlier rows are done when a later one
/// asks for them.
fn closure(rooms: &[String], direct: &Rules) -> Rules {
    let mut all = Rules::new();
    for room in rooms {
        let mut reached = direct[room].clone();
        for used in &direct[room] {
            reached.extend(all[used].iter().cloned());
        }
        all.insert(room.clone(), reached);
    }
    all
}

/// The room that a file of the library belongs to; `None` for `lib.rs`, which shows all of them.
fn room_of(file: &Path) -> Option<String> {
    let inside = file.strip_prefix(root().join("loadcore/src")).expect("a file of the library");
    let first = inside.iter().next()?.to_str()?;
    (first != "lib.rs").then(|| first.trim_end_matches(".rs").to_owned())
}

/// The first names after `crate::`, those in braces as well: `use crate::{time, http::Reply}`.
fn crate_paths(code: &str) -> BTreeSet<String> {
    let ident = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate::` in a macro is the same crate; `other_crate::` is another.
        if code[..at].ends_with(ident) {
            continue;
        }
        let rest = code[at + "crate::".len()..].trim_start();
        let heads = rest.strip_prefix('{').map_or_else(|| vec![rest], heads_in_braces);
        found.extend(heads.iter().map(|head| head.chars().take_while(|&c| ident(c)).collect()));
    }
    found
}

/// The items of a `use` group, after its opening brace, each from its first name on.
fn heads_in_braces(group: &str) -> Vec<&str> {
    let (mut depth, mut from, mut heads) = (1_u32, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == ',') {
            heads.push(group[from..at].trim_start());
            from = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

/// The code alone, so that a link in a comment or a text that names a path is not taken for a use.
fn without_comments_and_strings(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("r\"") || rest.starts_with("r#") {
            raw_string(rest)
        } else if rest.starts_with('"') {
            string(rest)
        } else if rest.starts_with("'\\") {
            3 + rest[3..].find('\'').map_or(0, |end| end + 1)
        } else if rest.starts_with("'\"'") {
            3
        } else {
            0
        };
        if length > 0 {
            code.push(' ');
            at += length;
        } else {
            let c = rest.chars().next().expect("not at the end");
            code.push(c);
            at += c.len_utf8();
        }
    }
    code
}

/// The length of the string literal that `rest` opens with.
fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of the raw string that `rest` opens with; 0 if it is a raw name such as `r#type`.
fn raw_string(rest: &str) -> usize {
    let hashes = rest[1..].chars().take_while(|&c| c == '#').count();
    if !rest[1 + hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let from = 2 + hashes;
    rest[from..].find(&end).map_or(rest.len(), |at| from + at + end.len())
}

/// Every Rust file below a folder, without what was built.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() && !name.starts_with('.') && name != "target" {
                folders.push(path);
            } else if name.ends_with(".rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).display().to_string()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo can be started");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

#[test]
fn the_readers_of_this_file_read_rightly() {
    let set = |list: &[&str]| list.iter().map(|&s| s.to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(names("schedule, request (reasons, too)"), set(&["schedule", "request"]));
    assert_eq!(names("bucket, http's `Transport` role"), set(&["bucket", "http"]));
    assert_eq!(names("nothing"), set(&[]));
    let source = r##"
        use crate::{time::{Clock, Nanos}, http, request::Outcome};
        // use crate::run; is a comment, and so is
        /// [`crate::report`].
        let text = "crate::engine \" crate::engine"; let raw = r#"crate::bucket"#; let c = '"';
        $crate::record::X; other_crate::result; fn f<'a>(x: &'a str) {} crate::schedule::S
    "##;
    let code = without_comments_and_strings(source);
    assert_eq!(crate_paths(&code), set(&["time", "http", "request", "record", "schedule"]));
    let lint = "unsafe_code";
    assert!(lifts_the_ban(&format!("#![allow({lint})]")));
    assert!(lifts_the_ban(&format!("#[cfg_attr(x, expect(dead_code, {lint}, reason = ))]")));
    assert!(!lifts_the_ban(&format!("#[deny({lint})] #[allow(dead_code)] fn {lint}() {{}}")));
    for verb in ["//! Turns bytes into time.", "//! Asserts, as a user would, that it holds."] {
        assert!(opens_with_a_verb(verb), "{verb}");
    }
    for other in ["//! A schedule into tokens.", "//! Turns", "// Turns a into b.", "use std::fs;"]
    {
        assert!(!opens_with_a_verb(other), "{other}");
    }
}
