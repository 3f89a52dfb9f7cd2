//! Gives the calls of the store what they share: the deadline, and lists of documents.

use crate::connect::{DEADLINE, MongoStore};
use crate::error::CallError;
use loadcore::cluster::StoreError;
use loadcore::cluster::store::{Kind, Page};
use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use mongodb::{Collection, Cursor};
use tokio::time::timeout;

impl MongoStore {
    /// Ends a call in time.
    pub(crate) async fn in_time<T>(
        &self,
        doing: &'static str,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, StoreError> {
        let late = |_| {
            let text = format!("{}: not within {} s", self.server, DEADLINE.as_secs());
            CallError::Kind(Kind::Unavailable(text))
        };
        let answer = timeout(DEADLINE, call).await.map_err(late).flatten();
        answer.map_err(|fault| fault.doing(doing, &self.server))
    }
}

/// A page of a list, newest first.
pub(crate) async fn list(
    collection: &Collection<Document>,
    mut filter: Document,
    page: &Page,
) -> Result<Vec<Document>, Error> {
    let Some(most) = limit(page.most) else { return Ok(Vec::new()) };
    if let Some(after) = &page.after {
        filter.insert("_id", doc! { "$lt": after });
    }
    all(collection.find(filter).sort(doc! { "_id": -1 }).limit(most).await?).await
}

/// A limit as the server takes it; `None` for none at all, for which the server has no number.
pub(crate) fn limit(most: usize) -> Option<i64> {
    (most > 0).then(|| i64::try_from(most).unwrap_or(i64::MAX))
}

/// Everything that a cursor shows.
pub(crate) async fn all(mut cursor: Cursor<Document>) -> Result<Vec<Document>, Error> {
    let mut documents = Vec::new();
    while cursor.advance().await? {
        documents.push(cursor.deserialize_current()?);
    }
    Ok(documents)
}
