//! Teams of organisations. Not recorded: the guards are the router's (`reqOrgMembership`, `reqTeamMembership`), which
//! let members in and nobody else, so that a job's own token is refused.

use serde_json::{Value, json};

use super::FakeForge;
use super::auth::Principal;
use super::http::{Reply, Request, api_error};
use super::paging::Paging;
use super::state::{State, Team};

impl State {
    pub fn team_routes(&self, who: &Principal, segments: &[&str], request: &Request) -> Reply {
        let member = |team: &Team| matches!(who, Principal::Person(login) if team.members.contains(login) || team.org == *login);
        let items: Vec<Value> = match segments {
            ["orgs", org, "teams"] => {
                let teams: Vec<&Team> = self.teams.iter().filter(|team| team.org == *org).collect();
                if !teams.iter().any(|team| member(team)) {
                    return api_error(&self.root_url, 403, "Must be an organization member");
                }
                teams
                    .iter()
                    .map(|team| json!({"id": team.id, "name": team.name, "permission": "write"}))
                    .collect()
            }
            ["teams", id, "members"] => {
                let team = self.teams.iter().find(|team| team.id.to_string() == *id);
                let Some(team) = team.filter(|team| member(team)) else { return self.hidden() };
                team.members.iter().map(|login| self.user_json(login)).collect()
            }
            _ => return self.hidden(),
        };
        Paging::of(self, request).reply(self, request, &items)
    }
}

impl FakeForge {
    /// A team of an organisation with these members.
    pub fn team(&self, org: &str, name: &str, members: &[&str]) {
        self.with(|state| {
            for login in members {
                state.ensure_user(login);
            }
            let id = 900 + state.teams.len();
            let members = members.iter().map(|login| (*login).to_owned()).collect();
            state.teams.push(Team { id, org: org.to_owned(), name: name.to_owned(), members });
        });
    }
}
