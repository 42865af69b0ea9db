//! A credential. It can be given to the one place that sends it, and to no output: there is no `Display`,
//! no `Serialize`, and `Debug` shows nothing of it.

use std::fmt;
use std::str::FromStr;

/// A job token, a personal token or a runtime token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Why a text cannot be a token. The text itself is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token is empty")]
    Empty,
    #[error("the token is longer than {MAX_BYTES} bytes")]
    TooLong,
    #[error("the token has a space, a line break or a character outside ASCII")]
    Character,
}

/// The runtime token is a JWT of under a kilobyte; this leaves room for any other kind.
const MAX_BYTES: usize = 16 * 1024;

impl Token {
    /// The secret itself, for the header of a request to the origin it belongs to and for removing it from text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(TokenError::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(TokenError::TooLong);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(TokenError::Character);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_shows_itself() {
        let token: Token = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
        assert_eq!(format!("{token:?}"), "Token(***)");
        assert_eq!(format!("{:#?}", Some(&token)), "Some(\n    Token(***),\n)");
        assert_eq!(token.expose().len(), 40);
    }

    #[test]
    fn what_could_split_a_header_is_no_token() {
        let err = |text: &str| text.parse::<Token>().unwrap_err();
        assert_eq!(err(""), TokenError::Empty);
        assert_eq!(err("a\r\nX-Evil: 1"), TokenError::Character);
        assert_eq!(err("a b"), TokenError::Character);
        assert_eq!(err("é"), TokenError::Character);
        assert_eq!(err(&"x".repeat(MAX_BYTES + 1)), TokenError::TooLong);
        assert!(!err("se cret").to_string().contains("cret"));
    }
}
