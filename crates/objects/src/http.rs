//! HTTP for `object_store` by way of ureq, which the download of releases uses too: no second client, no second TLS.

use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use ureq::Agent;
use ureq::http::{Method, Request};

/// For one request with its answer; objects are read in parts of few megabytes.
const LONGEST: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(5);
/// No answer comes near this.
const LARGEST: u64 = 1 << 30;

#[derive(Debug)]
pub(crate) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let config = Agent::config_builder()
            .timeout_global(Some(LONGEST))
            .timeout_connect(Some(CONNECT))
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("reorient/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(HttpClient::new(Client(config.into())))
    }
}

#[derive(Debug)]
struct Client(Agent);

#[async_trait::async_trait]
impl HttpService for Client {
    /// Blocks, as everything here does.
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let bytes = HttpResponseBody::new(body).bytes().await?;
        let has_body = !bytes.is_empty() || [Method::PUT, Method::POST].contains(&parts.method);
        let response = if has_body {
            self.0.run(Request::from_parts(parts, bytes.as_ref()))
        } else {
            self.0.run(Request::from_parts(parts, ()))
        };
        let (parts, body) = response.map_err(failed)?.into_parts();
        let bytes = body.into_with_config().limit(LARGEST).read_to_vec().map_err(failed)?;
        Ok(HttpResponse::from_parts(parts, bytes.into()))
    }
}

/// Whatever broke off may be asked again: a write without a condition writes the same once more, and whoever makes one with a
/// condition looks at what is there when it does not hold.
fn failed(error: ureq::Error) -> HttpError {
    let kind = match &error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => HttpErrorKind::Connect,
        ureq::Error::Timeout(_) | ureq::Error::Io(_) | ureq::Error::Protocol(_) => HttpErrorKind::Request,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}
