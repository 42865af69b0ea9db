//! The address of a forge: checked once, kept without the trailing slash, joined with paths the same way everywhere.
//! `ACTIONS_RESULTS_URL` comes without a slash and `ACTIONS_RUNTIME_URL` with one (LIVE section 1).

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::model::sanitize;

/// `http` or `https`, a host, perhaps a port and a sub-path; no credentials, no query, no fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl(Url);

/// Why a text is no address of a forge. The caller's or the runner's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    #[error("`{0}` is not an address such as `https://forge.example/sub`")]
    Unreadable(String),
    #[error("the address starts with `{0}:` instead of `http:` or `https:`")]
    Scheme(String),
    #[error("the address has credentials, a query or a fragment in it")]
    Extra,
}

impl ServerUrl {
    /// The address without a trailing slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The parsed address.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The sub-path the forge is installed under, without a trailing slash; empty at the root.
    pub fn sub_path(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }

    /// The address followed by `segments`, each percent-encoded as a whole, so that none can climb or split.
    ///
    /// `.` and `..` are encoded by no rule of URLs and would be resolved away, so they are refused as `None`.
    pub fn join<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Option<Url> {
        let mut url = self.0.clone();
        {
            let mut path = url.path_segments_mut().ok()?;
            path.pop_if_empty();
            for segment in segments {
                if segment.is_empty() || segment == "." || segment == ".." {
                    return None;
                }
                path.push(segment);
            }
        }
        Some(url)
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: Url = text.parse().map_err(|_| ServerUrlError::Unreadable(sanitize(text, 200)))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ServerUrlError::Scheme(sanitize(url.scheme(), 40)));
        }
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if plain { Ok(Self(url)) } else { Err(ServerUrlError::Extra) }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(base: &str, segments: &[&str]) -> Option<String> {
        let base: ServerUrl = base.parse().unwrap();
        base.join(segments.iter().copied()).map(String::from)
    }

    #[test]
    fn a_trailing_slash_changes_nothing() {
        for base in ["http://forge.example/sub", "http://forge.example/sub/"] {
            assert_eq!(join(base, &["api", "v1"]).unwrap(), "http://forge.example/sub/api/v1");
            assert_eq!(base.parse::<ServerUrl>().unwrap().sub_path(), "/sub");
        }
        assert_eq!("http://forge.example/".parse::<ServerUrl>().unwrap().as_str(), "http://forge.example");
    }

    #[test]
    fn a_segment_stays_one_segment() {
        assert_eq!(
            join("http://f.example", &["a/b", "é?x#y"]).unwrap(),
            "http://f.example/a%2Fb/%C3%A9%3Fx%23y"
        );
        for bad in ["", ".", ".."] {
            assert_eq!(join("http://f.example", &[bad]), None, "{bad:?}");
        }
    }

    #[test]
    fn an_address_carries_no_secret() {
        let err = |text: &str| text.parse::<ServerUrl>().unwrap_err();
        assert_eq!(err("http://user:pass@forge.example"), ServerUrlError::Extra);
        assert_eq!(err("http://forge.example/?token=x"), ServerUrlError::Extra);
        assert_eq!(err("file:///etc/passwd"), ServerUrlError::Scheme("file".to_owned()));
        assert!(matches!(err("forge.example"), ServerUrlError::Unreadable(_)));
    }
}
