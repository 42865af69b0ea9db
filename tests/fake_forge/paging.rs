//! Pages: what a client asked for, what it gets, and the headers that say how much there is.
//! The forge's own limit wins over the client's, as an administrator may have lowered it.

use serde_json::Value;

use super::http::{Reply, Request};
use super::state::State;

#[derive(Clone, Copy)]
pub struct Paging {
    /// 0 where the client named no page.
    pub page: usize,
    pub limit: usize,
}

impl Paging {
    pub fn of(state: &State, request: &Request) -> Self {
        let number = |name: &str| request.query(name).and_then(|text| text.parse::<usize>().ok());
        let limit = number("limit").filter(|limit| *limit > 0).unwrap_or(state.default_paging_num);
        Self { page: number("page").unwrap_or(0), limit: limit.min(state.max_response_items) }
    }

    /// The page's items; no page is the first one.
    pub fn slice<T: Clone>(&self, items: &[T]) -> Vec<T> {
        let skip = self.page.saturating_sub(1) * self.limit;
        items.iter().skip(skip).take(self.limit).cloned().collect()
    }

    /// Runs and tasks give everything to a client that names no page, and never a header.
    pub fn slice_or_all<T: Clone>(&self, items: &[T]) -> Vec<T> {
        if self.page == 0 { items.to_vec() } else { self.slice(items) }
    }

    /// The page as a bare array with its headers.
    pub fn reply(&self, state: &State, request: &Request, items: &[Value]) -> Reply {
        self.headers(state, request, Reply::json(200, &Value::from(self.slice(items))), items.len())
    }

    /// `X-Total-Count`, and `Link` where there is more than one page.
    pub fn headers(&self, state: &State, request: &Request, reply: Reply, total: usize) -> Reply {
        let reply = reply.with("X-Total-Count", total.to_string());
        let links = self.links(state, request, total);
        if links.is_empty() {
            return reply.with("Access-Control-Expose-Headers", "X-Total-Count");
        }
        reply.with("Access-Control-Expose-Headers", "Link, X-Total-Count").with("Link", links)
    }

    fn last(&self, total: usize) -> usize {
        total.div_ceil(self.limit).max(1)
    }

    fn links(&self, state: &State, request: &Request, total: usize) -> String {
        let (page, last) = (self.page.max(1), self.last(total));
        let others = request.query.iter().filter(|(key, _)| key != "page" && key != "limit");
        let others = others
            .fold(String::new(), |out, (key, value)| out + "&" + key + "=" + &super::http::escape(value));
        let root = state.root_url.trim_end_matches('/');
        let link = |to: usize, rel: &str| {
            format!("<{root}{}?limit={}&page={to}{others}>; rel=\"{rel}\"", request.path, self.limit)
        };
        let mut links = Vec::new();
        if page < last {
            links.push(link(page + 1, "next"));
            links.push(link(last, "last"));
        }
        if page > 1 {
            links.push(link(1, "first"));
            links.push(link(page - 1, "prev"));
        }
        links.join(",")
    }

    /// The files and commits of a pull request carry these as well.
    pub fn more_headers(&self, reply: Reply, total: usize) -> Reply {
        let (page, last) = (self.page.max(1), self.last(total));
        let mut reply = reply;
        reply.headers.retain(|(name, _)| name != "Access-Control-Expose-Headers");
        reply
            .with("Access-Control-Expose-Headers", "X-Total-Count, X-Page, X-PerPage, X-PageCount, X-HasMore")
            .with("X-Page", page.to_string())
            .with("X-PerPage", self.limit.to_string())
            .with("X-PageCount", last.to_string())
            .with("X-HasMore", (page < last).to_string())
    }
}
