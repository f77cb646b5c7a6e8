//! One account's part of the journal, read without the service.

use std::sync::Arc;

use creatify::journal::{Account, Budget, BudgetState, Entry, Filter, Journal, JournalError};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::error::CliError;

/// The journal, and the account whose entries are meant.
pub(crate) struct AccountJournal {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) account: Account,
    pub(crate) location: String,
}

impl AccountJournal {
    /// Reads entries, oldest first.
    pub(crate) async fn entries(&self, filter: Filter) -> Result<Vec<Entry>, CliError> {
        let entries = self.journal.entries(&self.account, filter).await;
        entries.map_err(|error| self.unusable(error))
    }

    /// Reads the budgets in their present periods.
    pub(crate) async fn budgets(&self) -> Result<Vec<BudgetState>, CliError> {
        self.journal.budgets(&self.account).await.map_err(|error| self.unusable(error))
    }

    /// Creates or changes a budget.
    pub(crate) async fn set_budget(&self, budget: Budget) -> Result<(), CliError> {
        let set = self.journal.set_budget(&self.account, budget).await;
        set.map(drop).map_err(|error| self.unusable(error))
    }

    fn unusable(&self, error: JournalError) -> CliError {
        CliError::Journal { location: self.location.clone(), error }
    }
}

/// Returns the account, as a client with these settings has it.
pub(crate) fn account(base_url: &str, api_id: &SecretString) -> Account {
    let url = Url::parse(base_url.trim());
    let url = url.as_ref().map_or(base_url, Url::as_str);
    Account::new(url, api_id.expose_secret().trim())
}

#[cfg(test)]
mod tests {
    use creatify::{Client, Credentials};

    use super::*;

    #[test]
    fn the_account_is_that_of_a_client_with_the_same_settings() {
        for url in ["https://api.creatify.ai", "https://API.creatify.ai/ ", "http://[::1]:80/a/"] {
            let credentials = Credentials::new(" the-id ", "key").unwrap();
            let client = Client::builder().credentials(credentials).base_url(url).build().unwrap();
            assert_eq!(account(url, &" the-id ".into()), *client.account(), "{url}");
        }
    }
}
