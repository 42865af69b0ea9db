//! Which addresses may see a credential, and how an address the server wrote becomes one we can reach.
//! The server builds addresses from its `ROOT_URL`, which may differ from where the runner finds it (FORGEJO section 2.1).

use url::Url;

use crate::context::ServerUrl;

/// Whether two addresses have the same scheme, host and port.
pub(super) fn same(one: &Url, other: &Url) -> bool {
    // Opaque origins are equal to nothing, themselves included; http and https have none.
    one.origin() == other.origin()
}

/// Where the parts of the artifact service begin in a path; what stands before is the server's sub-path.
const SERVICE_PATHS: [&str; 2] =
    ["/twirp/github.actions.results.api.v1.ArtifactService/", "/api/actions_pipeline/"];

/// Turns an address the server returned into one that reaches the same server from here.
///
/// An address of the artifact service gets scheme, host, port and sub-path of `reachable`; the query, which
/// holds the signature, is kept to the byte. Any other address (object storage) is left as it is.
pub(super) fn reachable(returned: &Url, reachable: &ServerUrl) -> Url {
    let path = returned.path();
    let Some(at) = SERVICE_PATHS.iter().filter_map(|mark| path.find(mark)).min() else {
        return returned.clone();
    };
    // `ACTIONS_RUNTIME_URL` ends in the very path we look for.
    let base = reachable.sub_path();
    let base = base.strip_suffix("/api/actions_pipeline").unwrap_or(base);
    let mut url = reachable.url().clone();
    url.set_path(&format!("{base}{}", path.get(at..).unwrap_or(path)));
    url.set_query(returned.query());
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &str = "/twirp/github.actions.results.api.v1.ArtifactService/UploadArtifact?sig=a-b_c%3D=&expires=2026-11-21+10%3A30%3A29.5+%2B0000+UTC&artifactName=a%2Fb";

    fn rewrite(returned: &str, base: &str) -> String {
        reachable(&returned.parse().unwrap(), &base.parse().unwrap()).to_string()
    }

    #[test]
    fn the_servers_own_name_is_replaced_and_the_signature_kept() {
        let expected = format!("http://127.0.0.1:3000{SIGNED}");
        assert_eq!(rewrite(&format!("https://forge.example{SIGNED}"), "http://127.0.0.1:3000"), expected);
    }

    #[test]
    fn sub_paths_are_those_of_the_reachable_address() {
        let expected = format!("http://f.example/git{SIGNED}");
        assert_eq!(
            rewrite(&format!("https://other.example/forge{SIGNED}"), "http://f.example/git"),
            expected
        );
        assert_eq!(rewrite(&format!("https://other.example{SIGNED}"), "http://f.example/git/"), expected);
    }

    #[test]
    fn the_pipeline_path_is_not_doubled() {
        let returned =
            "https://x.example/api/actions_pipeline/_apis/pipelines/workflows/46/artifacts/1/download";
        assert_eq!(
            rewrite(returned, "http://f.example/sub/api/actions_pipeline/"),
            "http://f.example/sub/api/actions_pipeline/_apis/pipelines/workflows/46/artifacts/1/download"
        );
    }

    #[test]
    fn object_storage_is_left_alone() {
        let stored = "https://bucket.s3.example/artifacts/1?X-Amz-Signature=abc";
        assert_eq!(rewrite(stored, "http://f.example"), stored);
    }

    #[test]
    fn origins_are_scheme_host_and_port() {
        let url = |text: &str| text.parse::<Url>().unwrap();
        assert!(same(&url("https://f.example/a"), &url("https://f.example:443/b")));
        for other in ["http://f.example/", "https://f.example:8443/", "https://g.example/", "data:x"] {
            assert!(!same(&url("https://f.example/"), &url(other)), "{other}");
        }
    }
}
