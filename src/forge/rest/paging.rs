//! Lists in pages: until the count the server names is reached, and where it names none until a page brings nothing new.
//! A short page proves nothing: an administrator may lower the limit (FORGEJO section 8).

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::forge::body::{self, MAX_JSON};
use crate::forge::client::{Client, Reply};
use crate::forge::error::ForgeError;
use crate::forge::request::Request;

/// An entry of a list, told from others by a key.
pub(super) trait Entry: DeserializeOwned {
    fn key(&self) -> String;
}

/// What the server's count is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// Fewer entries than counted is an error.
    Exact,
    /// Counts entries it does not list (timelines).
    Rough,
}

/// The most a server gives by default (`MAX_RESPONSE_ITEMS`); it may give less.
const LIMIT: &str = "50";
/// More pages than any list worth reading; beyond it the list is incomplete, and said to be.
const MAX_PAGES: u32 = 400;

/// So many pages in a row may repeat what was seen, as they do when a whole page is added meanwhile.
const MAX_FRUITLESS: u32 = 3;

struct Page<T> {
    entries: Vec<Option<T>>,
    total: Option<u64>,
    /// Whether `Link` names a next page; `None` without the header.
    next: Option<bool>,
}

/// Every entry, in the server's order, each once.
pub(super) fn all<T: Entry>(client: &Client, request: &Request, count: Count) -> Result<Vec<T>, ForgeError> {
    while_wanted(client, request, count, |_| true)
}

/// As [`all`], ended early by the first entry that is not `wanted`: for lists that are newest first.
pub(super) fn while_wanted<T: Entry>(
    client: &Client,
    request: &Request,
    count: Count,
    wanted: impl Fn(&T) -> bool,
) -> Result<Vec<T>, ForgeError> {
    let mut kept = Vec::new();
    let mut keys = HashSet::new();
    let mut seen = 0_u64;
    // The smallest count of all pages: what is added meanwhile is not waited for, what is removed not missed.
    let mut total: Option<u64> = None;
    let mut fruitless = 0;
    for number in 1..=MAX_PAGES {
        let page: Page<T> = fetch(client, &numbered(request, number))?;
        total = [total, page.total].into_iter().flatten().min();
        let (before, empty) = (seen, page.entries.is_empty());
        for entry in page.entries {
            // A pull request the server cannot load is listed as `null` (FORGEJO section 7.4): counted, not kept.
            let Some(entry) = entry else {
                seen += 1;
                continue;
            };
            if !wanted(&entry) {
                return Ok(kept);
            }
            if keys.insert(entry.key()) {
                seen += 1;
                kept.push(entry);
            }
        }
        let reached = total.is_some_and(|total| seen >= total);
        let ended = total.is_none() && page.next == Some(false);
        if reached || ended {
            return Ok(kept);
        }
        fruitless = if seen == before { fruitless + 1 } else { 0 };
        if seen == before && (empty || total.is_none() || fruitless == MAX_FRUITLESS) {
            return match total {
                Some(total) if count == Count::Exact => {
                    Err(ForgeError::Incomplete { exchange: request.exchange(), got: seen, total })
                }
                _ => Ok(kept),
            };
        }
    }
    Err(ForgeError::Incomplete { exchange: request.exchange(), got: seen, total: u64::MAX })
}

/// A list the server gives whole when no page is asked for; read in pages where it did not.
pub(super) fn whole<T: Entry>(client: &Client, request: &Request) -> Result<Vec<T>, ForgeError> {
    let page: Page<T> = fetch(client, request)?;
    let got = page.entries.len() as u64;
    if page.next == Some(true) || page.total.is_some_and(|total| total > got) {
        return all(client, request, Count::Exact);
    }
    Ok(page.entries.into_iter().flatten().collect())
}

/// Always with `page`: without it the server lists everything there ever was (FORGEJO section 3.2).
fn numbered(request: &Request, page: u32) -> Request {
    let mut url: Url = request.url.clone();
    url.query_pairs_mut().append_pair("page", &page.to_string()).append_pair("limit", LIMIT);
    Request { url, ..request.clone() }
}

fn fetch<T: Entry>(client: &Client, request: &Request) -> Result<Page<T>, ForgeError> {
    client.call(request, |reply: Reply| {
        let exchange = reply.exchange().clone();
        let total = reply.header("x-total-count").and_then(|value| value.parse().ok());
        let next = reply.header("link").map(|value| value.contains("rel=\"next\""));
        let bytes = body::read(reply, MAX_JSON)?;
        let list = parse(&bytes).map_err(|err| super::malformed(exchange, &err.to_string()))?;
        Ok(Page { entries: list.entries.unwrap_or_default(), total: total.or(list.total_count), next })
    })
}

/// `[…]`, or `{"workflow_runs": […], "total_count": n}`; Gitea and GitHub wrap where Forgejo does not.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<List<T>> {
    if bytes.trim_ascii_start().starts_with(b"[") {
        let entries = serde_json::from_slice(bytes)?;
        return Ok(List { entries: Some(entries), total_count: None });
    }
    serde_json::from_slice(bytes)
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct List<T> {
    #[serde(alias = "workflow_runs", alias = "artifacts", alias = "jobs", alias = "data")]
    entries: Option<Vec<Option<T>>>,
    total_count: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::loopback::{Answer, Loopback, Received};
    use crate::forge::request::Request;

    #[derive(Deserialize)]
    struct Number {
        id: u64,
    }

    impl Entry for Number {
        fn key(&self) -> String {
            self.id.to_string()
        }
    }

    fn page_of(request: &Received) -> usize {
        let query = request.target.split_once("page=").unwrap().1;
        query.split('&').next().unwrap().parse().unwrap()
    }

    /// Entries 1 to 5 in pages of two, whatever limit is asked for.
    fn numbers(request: &Received) -> String {
        let ids: Vec<String> =
            (1..=5).skip((page_of(request) - 1) * 2).take(2).map(|id| format!("{{\"id\":{id}}}")).collect();
        ids.join(",")
    }

    fn list(server: &Loopback, count: Count) -> Result<Vec<u64>, ForgeError> {
        let request = Request::get(format!("{}/api/v1/x?name=a", server.url()).parse().unwrap());
        all::<Number>(&server.client(""), &request, count)
            .map(|list| list.iter().map(|number| number.id).collect())
    }

    #[test]
    fn a_lowered_limit_loses_nothing_however_the_count_is_given() {
        let servers = [
            Loopback::start(|r| Answer::new(200, format!("[{}]", numbers(r))).header("X-Total-Count", "5")),
            Loopback::start(|r| {
                Answer::new(200, format!("{{\"workflow_runs\":[{}],\"total_count\":5}}", numbers(r)))
            }),
            Loopback::start(|r| {
                let rel = if page_of(r) < 3 { "next" } else { "prev" };
                Answer::new(200, format!("[{}]", numbers(r)))
                    .header("Link", format!("<http://x/>; rel=\"{rel}\""))
            }),
            Loopback::start(|r| Answer::new(200, format!("[{}]", numbers(r)))),
        ];
        for (server, requests) in servers.iter().zip([3, 3, 3, 4]) {
            assert_eq!(list(server, Count::Exact).unwrap(), [1, 2, 3, 4, 5]);
            assert_eq!(server.received().len(), requests);
            assert!(server.received().iter().all(|r| r.target.contains("name=a&page=")));
        }
    }

    #[test]
    fn a_server_that_ignores_the_page_is_asked_no_longer_than_needed() {
        let server = Loopback::start(|_| Answer::new(200, r#"[{"id":1},{"id":2}]"#));
        assert_eq!(list(&server, Count::Exact).unwrap(), [1, 2]);
        assert_eq!(server.received().len(), 2);
    }

    #[test]
    fn fewer_than_counted_is_an_error_unless_the_count_is_rough() {
        let server =
            Loopback::start(|r| Answer::new(200, format!("[{}]", numbers(r))).header("X-Total-Count", "9"));
        assert!(matches!(list(&server, Count::Exact), Err(ForgeError::Incomplete { got: 5, total: 9, .. })));
        assert_eq!(list(&server, Count::Rough).unwrap(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn an_entry_added_while_reading_is_not_waited_for() {
        // Newest first: with 6 the pages shift by one, and the count grows.
        let server = Loopback::start(|r| match page_of(r) {
            1 => Answer::new(200, r#"[{"id":5},{"id":4}]"#).header("X-Total-Count", "5"),
            2 => Answer::new(200, r#"[{"id":4},{"id":3}]"#).header("X-Total-Count", "6"),
            3 => Answer::new(200, r#"[{"id":2},{"id":1}]"#).header("X-Total-Count", "6"),
            _ => Answer::new(200, "[]").header("X-Total-Count", "6"),
        });
        assert_eq!(list(&server, Count::Exact).unwrap(), [5, 4, 3, 2, 1]);
        assert_eq!(server.received().len(), 3);
    }

    #[test]
    fn a_whole_page_added_while_reading_loses_nothing() {
        let server = Loopback::start(|r| match page_of(r) {
            1 | 2 => Answer::new(200, r#"[{"id":3},{"id":2}]"#).header("X-Total-Count", "3"),
            _ => Answer::new(200, r#"[{"id":1}]"#).header("X-Total-Count", "5"),
        });
        assert_eq!(list(&server, Count::Exact).unwrap(), [3, 2, 1]);
    }

    #[test]
    fn entries_that_cannot_be_loaded_are_counted() {
        let server = Loopback::start(|_| Answer::new(200, r#"[{"id":1},null]"#).header("X-Total-Count", "2"));
        assert_eq!(list(&server, Count::Exact).unwrap(), [1]);
    }

    #[test]
    fn anything_else_than_a_list_is_malformed() {
        for bad in ["", "<html>", "[1]", "{\"workflow_runs\":{}}", "\"x\""] {
            let server = Loopback::start(move |_| Answer::new(200, bad));
            assert!(matches!(list(&server, Count::Exact), Err(ForgeError::Malformed { .. })), "{bad}");
        }
        for empty in ["[]", "{\"workflow_runs\":null,\"total_count\":0}"] {
            let server = Loopback::start(move |_| Answer::new(200, empty));
            assert!(list(&server, Count::Exact).unwrap().is_empty(), "{empty}");
        }
    }

    #[test]
    fn an_unpaged_list_is_one_request_and_falls_back_to_pages() {
        let server = Loopback::start(|r| {
            if r.target.contains("page=") {
                return Answer::new(200, format!("[{}]", numbers(r))).header("X-Total-Count", "5");
            }
            let total = if r.target.contains("cut") { "5" } else { "2" };
            Answer::new(200, r#"[{"id":1},{"id":2}]"#).header("X-Total-Count", total)
        });
        let client = server.client("");
        let ask = |path: &str| {
            let request = Request::get(format!("{}/api/v1/{path}", server.url()).parse().unwrap());
            whole::<Number>(&client, &request).unwrap().len()
        };
        assert_eq!(ask("plain"), 2);
        assert_eq!(server.received().len(), 1);
        assert_eq!(ask("cut"), 5);
    }
}
