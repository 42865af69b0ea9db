//! Who is in a team. The server tells it to members of the organisation only, so never to a job's own token:
//! a team is only seen with the token of a person (`v15:routers/api/v1/api.go`, `reqOrgMembership`).

use serde::Deserialize;

use super::paging::{self, Count, Entry};
use super::{Repo, WireUser};
use crate::context::Account;
use crate::forge::error::ForgeError;
use crate::forge::request::Request;

impl Repo<'_> {
    /// The members of a team; `None` where the organisation has no such team.
    ///
    /// # Errors
    /// [`ForgeError`]; 403 or 404 for a token that may not see the team.
    pub fn team_members(self, org: &str, team: &str) -> Result<Option<Vec<Account>>, ForgeError> {
        let ask = |segments: &[&str]| {
            Ok::<_, ForgeError>(Request { auth: self.auth, ..Request::get(self.client.api_url(segments)?) })
        };
        let request = ask(&["orgs", org, "teams"])?;
        let teams: Vec<WireTeam> = paging::all(self.client, &request, Count::Exact)?;
        let named = |one: &WireTeam| one.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(team));
        let Some(id) = teams.into_iter().find(named).and_then(|team| team.id) else { return Ok(None) };
        let request = ask(&["teams", &id.to_string(), "members"])?;
        let members: Vec<WireUser> = paging::all(self.client, &request, Count::Exact)?;
        Ok(Some(members.into_iter().filter_map(WireUser::account).collect()))
    }
}

#[derive(Deserialize)]
struct WireTeam {
    id: Option<u64>,
    name: Option<String>,
}

impl Entry for WireTeam {
    fn key(&self) -> String {
        self.id.unwrap_or(0).to_string()
    }
}

impl Entry for WireUser {
    fn key(&self) -> String {
        self.id.unwrap_or(0).to_string()
    }
}
