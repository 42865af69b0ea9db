//! Both protocols against recorded answers, and uploads against a server that fails where the real ones do.

use std::io::Read as _;
use std::sync::Mutex;

use super::*;
use crate::forge::blob::PIECE;
use crate::forge::loopback::{Answer, Loopback, Received};
use crate::forge::recorded::{exchanges, play};

const TWIRP: &str = "/twirp/github.actions.results.api.v1.ArtifactService";
const V3_PATH: &str = "/api/actions_pipeline/_apis/pipelines/workflows";

fn name(text: &str) -> ArtifactName {
    text.parse().unwrap()
}

fn runtime(server: &Loopback, sub_path: &str) -> Runtime {
    Runtime {
        token: "runtime-secret".parse().unwrap(),
        results_url: Some(format!("{}{sub_path}", server.url()).parse().unwrap()),
        pipeline_url: Some(format!("{}{sub_path}/api/actions_pipeline/", server.url()).parse().unwrap()),
        job_id: Some(83),
        task_id: None,
    }
}

fn service<'a>(client: &'a Client, server: &Loopback, run: u64) -> Artifacts<'a> {
    Artifacts::new(client, &runtime(server, ""), run.try_into().unwrap()).unwrap()
}

fn find<'a>(listing: &'a Listing, wanted: &str) -> &'a Listed {
    listing.artifacts.iter().find(|listed| listed.name.as_str() == wanted).unwrap()
}

/// What one artifact of the listing comes to.
fn fetch(artifacts: &Artifacts<'_>, listed: &Listed, limits: &FetchLimits) -> Result<Fetched, ForgeError> {
    artifacts.fetch(&[listed], limits).remove(0)
}

#[test]
fn both_listings_make_one() {
    for version in ["v15.0.3", "v16.0"] {
        let server = play(exchanges(version, "push.json"), |record| record.name.starts_with("sibling"));
        let client = server.client("");
        let listing = service(&client, &server, 46).list().unwrap();
        assert!(listing.incomplete.is_none());
        assert_eq!(listing.artifacts.len(), 13, "{version}");
        assert!(listing.artifacts.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert_eq!(
            (find(&listing, "probe-two").held, find(&listing, "probe-two").size),
            (Held::Zip, Some(225))
        );
        assert_eq!(find(&listing, "probe-exp").held, Held::Unfinished);
        assert_eq!(find(&listing, "probe-v3").held, Held::Files);
        assert_eq!(find(&listing, "..").held, Held::Unfinished);
        assert_eq!(client.requests_sent(), 2);
    }
}

#[test]
fn a_zip_takes_two_requests_to_the_reachable_address() {
    let server = play(exchanges("v16.0", "again.json"), |record| record.name.starts_with("attempt-2/"));
    let client = server.client("");
    let artifacts = service(&client, &server, 60);
    let listing = artifacts.list().unwrap();
    let wanted: Vec<&Listed> = listing.artifacts.iter().collect();
    let fetched = artifacts.fetch(&wanted, &FetchLimits::default());
    assert_eq!(client.requests_sent(), 2 + 2 * 2);
    for result in fetched {
        let Ok(Fetched::Zip(mut zip)) = result else { panic!("{result:?}") };
        let mut bytes = Vec::new();
        zip.file.read_to_end(&mut bytes).unwrap();
        assert!(bytes.starts_with(b"PK"));
        assert_eq!((bytes.len() as u64, Digest::of(&bytes)), (zip.bytes, zip.digest));
    }
    // The signed address is asked for as it was written, and without a token.
    for request in server
        .received()
        .iter()
        .filter(|request| request.method == "GET" && request.target.starts_with(TWIRP))
    {
        assert!(request.target.contains("?sig=SIGNATURE&expires=2026-11-21+"), "{}", request.target);
        assert_eq!(request.header("authorization"), None);
    }
}

/// A run with artifacts of every kind, on a server whose own name is not the one it is reached by.
fn odd_run() -> Loopback {
    Loopback::start(|request: &Received| {
        let root = "https://root.example/elsewhere";
        let container = |name: &str| {
            format!(
                r#"{{"name":"{name}","fileContainerResourceUrl":"{root}{V3_PATH}/1/artifacts/{name}/download_url"}}"#
            )
        };
        let file = |name: &str, path: &str| {
            format!(
                r#"{{"path":"{name}/{path}","itemType":"file","contentLocation":"{root}{V3_PATH}/1/artifacts/{name}-{path}/download"}}"#
            )
        };
        let path = request.target.strip_prefix("/sub").unwrap();
        let body = String::from_utf8(request.body.clone()).unwrap();
        if path.starts_with(&format!("{V3_PATH}/1/artifacts?")) {
            let all = ["both", "files", "gone", "hollow", "zip"].map(container);
            return Answer::new(200, format!(r#"{{"count":5,"value":[{}]}}"#, all.join(",")));
        }
        if let Some((name, _)) = path
            .strip_prefix(&format!("{V3_PATH}/1/artifacts/"))
            .and_then(|rest| rest.split_once("/download_url"))
        {
            let files = match name {
                "both" => vec![file("both", "both.zip"), file("both", "a.txt")],
                "files" => vec![file("files", "b/c.xml"), file("files", "a.xml")],
                "hollow" => vec![file("hollow", "x")],
                _ => return Answer::new(404, "Not Found"),
            };
            return Answer::new(200, format!(r#"{{"value":[{}]}}"#, files.join(",")));
        }
        if path.contains("hollow-x/download") {
            return Answer::new(500, "serve content: unable to read");
        }
        if path.ends_with("/download") {
            assert_eq!(request.header("authorization"), Some("Bearer runtime-secret"));
            return Answer::new(200, "file");
        }
        if path == format!("{TWIRP}/ListArtifacts") {
            return Answer::new(
                200,
                r#"{"artifacts":[{"name":"zip","size":"3"},{"name":"cleaned","size":"3"},{"name":"begun"}]}"#,
            );
        }
        if path == format!("{TWIRP}/GetSignedArtifactURL") {
            let name =
                ["both", "zip", "cleaned"].into_iter().find(|name| body.contains(&format!("\"{name}\"")));
            return match name {
                Some(name) => Answer::new(
                    200,
                    format!(r#"{{"signedUrl":"{root}{TWIRP}/DownloadArtifact?sig=a=&artifactName={name}"}}"#),
                ),
                None => Answer::new(404, "Error artifact not found"),
            };
        }
        if path.ends_with("sig=a=&artifactName=zip") {
            return Answer::new(200, "zip");
        }
        Answer::new(500, "serve content: unable to read")
    })
}

#[test]
fn each_kind_ends_in_its_own_outcome() {
    let server = odd_run();
    let client = server.client("/sub");
    let artifacts = Artifacts::new(&client, &runtime(&server, "/sub"), 1.try_into().unwrap()).unwrap();
    let listing = artifacts.list().unwrap();
    let outcome = |wanted: &str| fetch(&artifacts, find(&listing, wanted), &FetchLimits::default()).unwrap();
    assert!(matches!(outcome("zip"), Fetched::Zip(zip) if zip.bytes == 3));
    assert!(matches!(outcome("begun"), Fetched::Unfinished));
    assert!(matches!(outcome("cleaned"), Fetched::Expired));
    assert!(matches!(outcome("both"), Fetched::Collides));
    assert!(matches!(outcome("gone"), Fetched::Missing));
    assert!(matches!(outcome("hollow"), Fetched::Unfinished));
    let files = outcome("files");
    assert_eq!((files.bytes(), files.digest().is_some()), (8, true));
    let Fetched::Files(files) = files else { panic!("no files") };
    assert_eq!(files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["a.xml", "b/c.xml"]);
}

#[test]
fn limits_hold_for_zips_files_and_all_together() {
    let server = odd_run();
    let client = server.client("/sub");
    let artifacts = Artifacts::new(&client, &runtime(&server, "/sub"), 1.try_into().unwrap()).unwrap();
    let listing = artifacts.list().unwrap();
    let too_large = |wanted: &str, limits: FetchLimits| {
        matches!(fetch(&artifacts, find(&listing, wanted), &limits).unwrap(), Fetched::TooLarge)
    };
    let bytes = |artifact_bytes| FetchLimits { artifact_bytes, ..FetchLimits::default() };
    assert!(too_large("zip", bytes(2)) && !too_large("zip", bytes(3)));
    assert!(too_large("files", bytes(7)) && !too_large("files", bytes(8)));
    assert!(too_large("files", FetchLimits { files: 1, ..FetchLimits::default() }));
    assert!(too_large("zip", FetchLimits { total_bytes: 2, ..FetchLimits::default() }));
}

#[test]
fn an_empty_run_is_no_error_and_silence_is() {
    let server = Loopback::start(|_| Answer::new(404, "Not Found"));
    let client = server.client("");
    assert!(service(&client, &server, 1).list().unwrap().artifacts.is_empty());
    let server = Loopback::start(|_| Answer::new(500, "Error runner api getting task"));
    let client = server.client("");
    assert_eq!(service(&client, &server, 1).list().unwrap_err().status(), Some(500));
    assert_eq!(client.requests_sent(), 2, "a bad token is not tried again");
}

#[test]
fn one_protocol_stands_in_for_the_other() {
    let server = play(exchanges("v16.0", "push.json"), |record| {
        record.name.starts_with("sibling-v3") || record.name == "v3-get-file"
    });
    let client = server.client("");
    let listing = service(&client, &server, 46).list().unwrap();
    assert!(listing.incomplete.is_none());
    assert_eq!((find(&listing, "probe-two").held, listing.artifacts.len()), (Held::Either, 13));

    let server = play(exchanges("v16.0", "push.json"), |record| record.name == "sibling-v4-list");
    let client = server.client("");
    let listing = service(&client, &server, 46).list().unwrap();
    assert!(listing.incomplete.is_some(), "what v3 alone would show may be missing");
    assert_eq!(find(&listing, "probe-two").held, Held::Zip);
}

#[test]
fn a_zip_that_v4_cannot_give_comes_by_v3() {
    let server = Loopback::start(|request| {
        let target = request.target.as_str();
        if target.ends_with("/ListArtifacts") {
            return Answer::new(200, r#"{"artifacts":[{"name":"z","size":"3"}]}"#);
        }
        if target.starts_with(&format!("{V3_PATH}/1/artifacts?")) {
            return Answer::new(
                200,
                format!(
                    r#"{{"value":[{{"name":"z","fileContainerResourceUrl":"http://x{V3_PATH}/1/artifacts/z/download_url"}}]}}"#
                ),
            );
        }
        if target.contains("/download_url") {
            return Answer::new(
                200,
                format!(
                    r#"{{"value":[{{"path":"z/z.zip","itemType":"file","contentLocation":"http://x{V3_PATH}/1/artifacts/7/download"}}]}}"#
                ),
            );
        }
        if target.ends_with("/7/download") { Answer::new(200, "zip") } else { Answer::new(500, "Error") }
    });
    let client = server.client("");
    let artifacts = service(&client, &server, 1);
    let listing = artifacts.list().unwrap();
    let fetched = fetch(&artifacts, find(&listing, "z"), &FetchLimits::default()).unwrap();
    assert!(matches!(fetched, Fetched::Zip(zip) if zip.bytes == 3));
}

/// A server that keeps v4 uploads as the real one does: finalizing uses up the blocks, whatever comes of it.
#[derive(Default)]
struct Uploads {
    blocks: Vec<(String, Vec<u8>)>,
    order: Vec<String>,
    appended: Vec<u8>,
    finished: Option<Vec<u8>>,
    finalizes: usize,
}

/// What becomes of a finalize.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Finalize {
    Works,
    /// It takes effect and its answer is lost.
    AnswerIsLost,
    Fails,
}

/// `finalize` is told how many there have been.
fn upload_server(finalize: impl Fn(usize) -> Finalize + Send + Sync + 'static) -> Loopback {
    let state = Mutex::new(Uploads::default());
    Loopback::start(move |request| {
        let mut state = state.lock().unwrap();
        let target = request.target.as_str();
        if target.ends_with("/CreateArtifact") {
            (state.finished, state.appended) = (None, Vec::new());
            return Answer::new(
                200,
                format!(
                    r#"{{"ok":true,"signedUploadUrl":"https://root.example{TWIRP}/UploadArtifact?sig=x=&artifactID=1"}}"#
                ),
            );
        }
        if let Some((_, id)) = target.split_once("sig=x=&artifactID=1&comp=block&blockid=") {
            state.blocks.push((id.to_owned(), request.body.clone()));
            return Answer::new(201, "\"appended\"");
        }
        if target.ends_with("sig=x=&artifactID=1&comp=appendBlock") {
            state.appended.extend_from_slice(&request.body);
            return Answer::new(201, "\"appended\"");
        }
        if target.ends_with("&comp=blocklist") {
            let text = String::from_utf8(request.body.clone()).unwrap();
            state.order = text
                .split("<Latest>")
                .skip(1)
                .map(|rest| rest.split('<').next().unwrap().to_owned())
                .collect();
            return Answer::new(201, "\"created\"");
        }
        if target.ends_with("/FinalizeArtifact") {
            state.finalizes += 1;
            let (blocks, order) = (std::mem::take(&mut state.blocks), std::mem::take(&mut state.order));
            let mut whole = std::mem::take(&mut state.appended);
            for id in &order {
                whole.extend(blocks.iter().rfind(|(key, _)| key == id).unwrap().1.clone());
            }
            let wire: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(wire["size"], whole.len().to_string());
            let outcome = finalize(state.finalizes);
            if outcome != Finalize::Fails && wire["hash"] == Digest::of(&whole).as_str() {
                state.finished = Some(whole);
            }
            return match outcome {
                Finalize::Works => Answer::new(200, r#"{"ok":true,"artifactId":"1"}"#),
                Finalize::AnswerIsLost => Answer::new(200, r#"{"ok":tr"#).cut_short(),
                Finalize::Fails => Answer::new(500, "Error merge chunks"),
            };
        }
        if target.ends_with("/GetSignedArtifactURL") {
            let url = format!("https://root.example{TWIRP}/DownloadArtifact?sig=x=");
            return Answer::new(200, format!(r#"{{"signedUrl":"{url}"}}"#));
        }
        if target.ends_with("/DownloadArtifact?sig=x=") {
            return match &state.finished {
                Some(bytes) => Answer::new(200, bytes.clone()),
                None => Answer::new(500, "serve content: unable to read"),
            };
        }
        Answer::new(599, target)
    })
}

fn upload(server: &Loopback, bytes: &[u8]) -> (Result<(), ForgeError>, Vec<Received>) {
    let client = server.client("");
    let result = service(&client, server, 1).upload(&name("r"), &Blob::of_bytes(bytes).unwrap(), None);
    (result, server.received())
}

#[test]
fn one_piece_takes_three_requests_and_more_their_number_and_three() {
    let server = upload_server(|_| Finalize::Works);
    let (result, received) = upload(&server, b"small");
    result.unwrap();
    assert_eq!(received.len(), 3);
    assert!(
        received[1].header("content-length") == Some("5") && received[1].header("authorization").is_none()
    );

    let pieces = 3;
    let size = usize::try_from(PIECE).unwrap() * 2 + 1;
    let bytes: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let server = upload_server(|_| Finalize::Works);
    let (result, received) = upload(&server, &bytes);
    result.unwrap();
    assert_eq!(received.len(), pieces + 3);
    let ids: std::collections::BTreeSet<&str> =
        received.iter().filter_map(|request| Some(request.target.split_once("blockid=")?.1)).collect();
    assert_eq!(ids.len(), pieces);
    assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_alphanumeric())), "{ids:?}");
}

#[test]
fn a_lost_answer_to_finalize_is_looked_up_and_not_sent_again() {
    let server = upload_server(|_| Finalize::AnswerIsLost);
    let (result, received) = upload(&server, b"small");
    result.unwrap();
    let methods: Vec<&str> =
        received.iter().filter_map(|request| request.target.rsplit('/').next()).collect();
    assert_eq!(methods.iter().filter(|method| **method == "FinalizeArtifact").count(), 1, "{methods:?}");
    assert_eq!(methods.last(), Some(&"DownloadArtifact?sig=x="));
}

#[test]
fn a_failed_finalize_uploads_everything_anew_once() {
    let server = upload_server(|count| if count == 1 { Finalize::Fails } else { Finalize::Works });
    let (result, received) = upload(&server, b"small");
    result.unwrap();
    assert_eq!(received.iter().filter(|request| request.target.ends_with("/CreateArtifact")).count(), 2);
    let server = upload_server(|_| Finalize::Fails);
    let (result, received) = upload(&server, b"small");
    assert_eq!(result.unwrap_err().status(), Some(500));
    assert_eq!(received.iter().filter(|request| request.target.ends_with("/FinalizeArtifact")).count(), 2);
}

#[test]
fn a_refused_upload_is_not_tried_again() {
    for status in [401, 403, 413] {
        let server = Loopback::start(move |_| Answer::new(status, "Quota exceeded"));
        let (result, received) = upload(&server, b"small");
        assert_eq!((result.unwrap_err().status(), received.len()), (Some(status), 1));
    }
    let server = Loopback::start(|_| Answer::new(200, ""));
    let (result, received) = upload(&server, b"");
    assert!(matches!(result, Err(ForgeError::Upload { .. })) && received.is_empty());
}

#[test]
fn names_that_some_client_could_not_fetch_are_refused() {
    let server = Loopback::start(|_| Answer::new(200, ""));
    let client = server.client("");
    let artifacts = service(&client, &server, 1);
    let blob = Blob::of_bytes(b"x").unwrap();
    for bad in ["a/b", "..", "a:b", "a\nb", &"x".repeat(256)] {
        let err = artifacts.upload(&name(bad), &blob, None).unwrap_err();
        assert!(matches!(err, ForgeError::ArtifactName { .. }), "{bad:?}");
    }
    assert!(server.received().is_empty());
}

#[test]
fn v3_uploads_carry_range_md5_and_length_and_are_looked_at_afterwards() {
    for listed in [true, false] {
        let server = Loopback::start(move |request| {
            let target = request.target.as_str();
            let container = format!("https://root.example{V3_PATH}/1/artifacts/abc");
            match request.method.as_str() {
                "POST" => Answer::new(
                    200,
                    format!(r#"{{"fileContainerResourceUrl":"{container}/upload?retentionDays=3"}}"#),
                ),
                "GET" if target.contains("download_url") => Answer::new(
                    200,
                    if listed {
                        format!(
                            r#"{{"value":[{{"path":"r/a b.json","itemType":"file","contentLocation":"{container}/download"}}]}}"#
                        )
                    } else {
                        r#"{"value":[]}"#.to_owned()
                    },
                ),
                "GET" => Answer::new(
                    200,
                    format!(
                        r#"{{"value":[{{"name":"r","fileContainerResourceUrl":"{container}/download_url"}}]}}"#
                    ),
                ),
                _ => Answer::new(200, r#"{"message":"success"}"#),
            }
        });
        let client = server.client("");
        let files = [("a b.json".parse().unwrap(), Blob::of_bytes(b"{\"hello\":\"v3\"}\n").unwrap())];
        let result = service(&client, &server, 1).upload_v3(&name("r"), &files, Some(3));
        assert_eq!(result.is_ok(), listed);
        let put = &server.received()[1];
        assert!(
            put.target.ends_with("/1/artifacts/abc/upload?retentionDays=3&itemPath=r%2Fa+b.json"),
            "{}",
            put.target
        );
        // As recorded for the same bytes.
        assert_eq!(put.header("x-actions-results-md5"), Some("nb12qp6dOGBe6JioT1eYgw=="));
        assert_eq!(put.header("content-range"), Some("bytes 0-14/15"));
        assert_eq!(put.header("authorization"), Some("Bearer runtime-secret"));
    }
}
