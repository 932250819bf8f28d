//! A server with the one session that everybody shares who asks it something.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kneo_core::Name;
use kneo_core::call::CallContext;
use tokio::sync::Mutex;

use crate::credentials::Credentials;
use crate::definition::{Definition, Key};
use crate::problem::Problem;
use crate::session::{Endings, Greeting, Session, open};
use crate::settings::Settings;

/// A server that is connected to when it is first asked something, and again when the session is over.
#[derive(Debug)]
pub(crate) struct Connection {
    key: Arc<Key>,
    definition: Definition,
    secrets: Vec<Name>,
    settings: Arc<Settings>,
    endings: Endings,
    session: Mutex<Option<Arc<Session>>>,
    /// What kind of server it turned out to be, so that it is not asked again at the next start.
    is_legacy: AtomicBool,
    is_closed: AtomicBool,
}

impl Connection {
    pub(crate) fn new(
        key: Arc<Key>,
        definition: Definition,
        secrets: Vec<Name>,
        settings: Arc<Settings>,
        endings: Endings,
    ) -> Connection {
        Connection {
            key,
            definition,
            secrets,
            settings,
            endings,
            session: Mutex::default(),
            is_legacy: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The session, which is made if there is none that can be used.
    ///
    /// Secrets are resolved for each request: a session that was made with others, because they were changed since or
    /// are somebody else's, is not used. What is on its way on it goes on.
    ///
    /// # Errors
    /// The server cannot be reached.
    ///
    /// # Cancel safety
    /// Dropping the future ends a connection that is being made; one that was made stays for the next.
    pub(crate) async fn session(&self, context: &CallContext) -> Result<Arc<Session>, Problem> {
        tokio::select! {
            biased;
            () = context.cancel.cancelled() => Err(Problem::Cancelled),
            session = self.usable(context) => session,
        }
    }

    async fn usable(&self, context: &CallContext) -> Result<Arc<Session>, Problem> {
        let credentials = Credentials::resolve(self.secrets.clone(), context).await?;
        // Held while connecting: others wait for the connection that is being made.
        let mut session = self.session.lock().await;
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Problem::Closed);
        }
        if let Some(session) = &*session
            && session.is_usable(credentials.values())
        {
            return Ok(Arc::clone(session));
        }
        drop(session.take());
        let greeting = match self.is_legacy.load(Ordering::Relaxed) {
            true => Greeting::Handshake,
            false => Greeting::Either,
        };
        let opened = match self.open(&credentials, greeting).await {
            // It may have been replaced by a newer one since.
            Err(Problem::Protocol(_)) if greeting == Greeting::Handshake => {
                self.open(&credentials, Greeting::Either).await
            }
            opened => opened,
        };
        let opened = Arc::new(opened?);
        self.is_legacy.store(opened.is_legacy(), Ordering::Relaxed);
        *session = Some(Arc::clone(&opened));
        Ok(opened)
    }

    async fn open(&self, credentials: &Credentials, greeting: Greeting) -> Result<Session, Problem> {
        open(&self.definition, &self.settings, credentials, greeting, &self.endings).await
    }

    /// Ends the session and lets none be made any more.
    ///
    /// # Cancel safety
    /// Dropping the future lets the session end in the background.
    pub(crate) async fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        let session = self.session.lock().await.take();
        if let Some(session) = session {
            session.close().await;
        }
    }
}
