//! Reads every page of the documents as a newcomer would: links lead somewhere, scenarios run.

use loadcore::scenario::Scenario;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a readable page");
        for link in links(&text) {
            let path = link.split('#').next().unwrap_or_default();
            let folder = page.parent().expect("a page lies in a folder");
            if !path.is_empty() && !path.contains("://") && !folder.join(path).exists() {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "links to nothing:\n{}", dead.join("\n"));
}

#[test]
fn scenarios_in_pages_are_valid() {
    let mut seen = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a readable page");
        for block in blocks(&text, "yaml").into_iter().chain(blocks(&text, "json")) {
            // Other documents (results, replies) have no target.
            if block.contains("targetUrl") && !block.contains("schemaVersion") {
                // JSON is YAML too.
                let parsed = Scenario::from_yaml(&block);
                parsed.unwrap_or_else(|error| panic!("{}: {error}\n{block}", page.display()));
                seen += 1;
            }
        }
    }
    assert!(seen > 0, "no page shows a scenario");
}

/// Where the links of a page lead: what stands between `](` and `)`.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

/// The fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let open = format!("```{language}");
    let mut lines = text.lines();
    let mut found = Vec::new();
    while lines.by_ref().any(|line| line.trim() == open) {
        let block = lines.by_ref().take_while(|line| line.trim() != "```");
        found.push(block.collect::<Vec<_>>().join("\n"));
    }
    found
}

/// Folders in which others' pages lie: what was built, and what npm has installed.
const OTHERS: [&str; 2] = ["target", "node_modules"];

/// Every Markdown page of the repository.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in it");
    let (mut folders, mut pages) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() && !name.starts_with('.') && !OTHERS.contains(&name) {
                folders.push(path);
            } else if name.ends_with(".md") {
                pages.push(path);
            }
        }
    }
    pages
}
