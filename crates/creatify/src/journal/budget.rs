//! Budgets: spending limits that hold for every process of a journal. Pure.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use super::Entry;
use crate::credits::Credits;

/// A spending limit of an account, or of the submissions with a label.
///
/// Every submission in scope reserves the most that it may cost before it is sent. Reserved and
/// spent credits together never exceed the limit, unless the service charges more than was
/// estimated.
///
/// ```
/// use creatify::journal::{Budget, Period};
///
/// let monthly = Budget::new("monthly", 500.into()).per(Period::Month);
/// let campaign = Budget::new("spring", 200.into()).label("spring");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[doc(alias = "quota")]
pub struct Budget {
    /// Name, unique for an account.
    pub name: String,
    /// Credits that may be spent in a period.
    pub limit: Credits,
    /// Period after which it starts anew.
    pub period: Period,
    /// Label of the submissions it is for; all of the account unless set.
    pub label: Option<String>,
}

/// Period of a budget, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Period {
    /// It never starts anew. It counts what is submitted after it was set first.
    Once,
    /// A calendar day.
    Day,
    /// A calendar month.
    Month,
}

/// The state of a budget in one period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BudgetState {
    /// The budget.
    #[serde(flatten)]
    pub budget: Budget,
    /// Time at which it was set first.
    pub since: DateTime<Utc>,
    /// Start of the period.
    pub period_start: DateTime<Utc>,
    /// Maximum cost of open submissions, and of those of unknown outcome.
    pub reserved: Credits,
    /// Credits charged.
    pub spent: Credits,
}

/// Error for a submission that may cost more than is left of a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OverBudget {
    /// Most that the submission may cost.
    pub asked: Credits,
    /// The budget as it was.
    pub budget: BudgetState,
}

impl Budget {
    /// Creates a budget that never starts anew.
    pub fn new(name: impl Into<String>, limit: Credits) -> Self {
        Self { name: name.into(), limit, period: Period::Once, label: None }
    }

    /// Sets the period after which it starts anew.
    pub fn per(mut self, period: Period) -> Self {
        self.period = period;
        self
    }

    /// Limits it to the submissions with a label.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }
}

impl Period {
    fn start(self, at: DateTime<Utc>, since: DateTime<Utc>) -> DateTime<Utc> {
        let day = at.date_naive();
        let start = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        match self {
            Self::Once => since,
            Self::Day => start(day),
            Self::Month => start(day.with_day(1).unwrap_or(day)), // every month has a first day
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Once => "once",
            Self::Day => "day",
            Self::Month => "month",
        })
    }
}

impl BudgetState {
    /// Creates the state of a budget that is set now.
    pub fn new(budget: Budget, now: DateTime<Utc>) -> Self {
        let period_start = budget.period.start(now, now);
        Self { budget, since: now, period_start, reserved: Credits::ZERO, spent: Credits::ZERO }
    }

    /// Returns the state in the period of another time, in which nothing is reserved or spent.
    pub fn in_period_of(&self, at: DateTime<Utc>) -> Self {
        Self {
            period_start: self.budget.period.start(at, self.since),
            reserved: Credits::ZERO,
            spent: Credits::ZERO,
            ..self.clone()
        }
    }

    /// Returns the state with these amounts.
    pub fn with_usage(self, reserved: Credits, spent: Credits) -> Self {
        Self { reserved, spent, ..self }
    }

    /// Returns the state of a budget after it was set again, with the same start.
    pub fn set(self, budget: Budget, now: DateTime<Utc>) -> Self {
        Self { budget, ..self }.in_period_of(now)
    }

    /// Returns whether it is for submissions with this label, or none.
    pub(super) fn is_for(&self, label: Option<&str>) -> bool {
        self.budget.label.is_none() || self.budget.label.as_deref() == label
    }

    /// Returns whether an entry counts towards this period of the budget.
    pub fn covers(&self, entry: &Entry) -> bool {
        self.is_for(entry.label.as_deref())
            && self.budget.period.start(entry.created_at, self.since) == self.period_start
            && entry.created_at >= self.period_start
    }

    /// Returns the state with the sums of all entries that it covers.
    pub fn recounted<'a>(self, entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let empty = self.with_usage(Credits::ZERO, Credits::ZERO);
        entries.into_iter().fold(empty, |mut state, entry| {
            if state.covers(entry) {
                state.replace((Credits::ZERO, Credits::ZERO), usage(entry));
            }
            state
        })
    }

    /// Returns what may still be reserved. Negative when a charge was above its reservation.
    pub fn available(&self) -> Credits {
        // Amounts that were added without overflow are subtracted without one.
        self.budget
            .limit
            .checked_sub(self.reserved)
            .and_then(|left| left.checked_sub(self.spent))
            .unwrap_or(Credits::ZERO)
    }

    /// Returns why an amount cannot be reserved, if the limit is this one.
    pub(super) fn refuses(&self, asked: Credits, limit: Credits) -> Option<OverBudget> {
        let mut budget = self.clone();
        budget.budget.limit = limit.min(self.budget.limit);
        let is_refused = asked.is_negative() || asked > budget.available();
        is_refused.then_some(OverBudget { asked, budget })
    }

    /// Replaces what an entry reserved and spent by other amounts.
    pub(super) fn replace(&mut self, before: (Credits, Credits), after: (Credits, Credits)) {
        let replaced = |sum: Credits, before: Credits, after: Credits| {
            let sum = sum.checked_sub(before).and_then(|sum| sum.checked_add(after));
            // On overflow the whole limit counts as used.
            sum.unwrap_or(self.budget.limit).max(Credits::ZERO)
        };
        (self.reserved, self.spent) =
            (replaced(self.reserved, before.0, after.0), replaced(self.spent, before.1, after.1));
    }
}

/// Returns what an entry reserves and has spent.
pub(super) fn usage(entry: &Entry) -> (Credits, Credits) {
    let charged = entry.charged.unwrap_or(Credits::ZERO);
    (entry.reserved(), charged.max(Credits::ZERO)) // below zero, it is not known yet
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BudgetState { budget: Budget { name, limit, period, .. }, reserved, spent, .. } =
            &self.budget;
        let per = match period {
            Period::Once => String::new(),
            period => format!(" a {period}"),
        };
        write!(
            f,
            "the submission may cost {}, but the budget `{name}` of {limit}{per} has {} left \
             ({spent} spent, {reserved} reserved)",
            self.asked.in_words(),
            self.budget.available()
        )
    }
}

impl std::error::Error for OverBudget {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        credits::{BillableOperation, CreditRange},
        journal::{Account, Begun, Change, EntryState, FoundEntries, NewEntry},
    };

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn entry(at: &str, label: Option<&str>) -> Entry {
        let account = Account::new("https://a.example.com", "id");
        let key = "k".parse().unwrap();
        let mut new = NewEntry::new(account, key, BillableOperation::Create);
        new.estimate = Some(CreditRange { min: 1.into(), max: 5.into() });
        new.label = label.map(str::to_owned);
        let found =
            FoundEntries { now: time(at), latest: None, renders: Vec::new(), budgets: Vec::new() };
        let Begun::Started(entry) = new.plan(found).result else { panic!("nothing refuses it") };
        *entry
    }

    #[test]
    fn a_period_is_a_day_or_month_in_utc() {
        for (period, at, start) in [
            (Period::Day, "2026-02-28T23:59:59.999999Z", "2026-02-28T00:00:00Z"),
            (Period::Day, "2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z"),
            (Period::Month, "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z"),
            (Period::Month, "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z"),
            (Period::Once, "2030-01-01T00:00:00Z", "2026-01-05T10:00:00Z"),
        ] {
            let set_at = time("2026-01-05T10:00:00Z");
            let state = BudgetState::new(Budget::new("b", 9.into()).per(period), set_at);
            assert_eq!(state.in_period_of(time(at)).period_start, time(start), "{period} {at}");
        }
    }

    #[test]
    fn entries_count_in_the_period_in_which_they_were_created() {
        let daily = Budget::new("b", 9.into()).per(Period::Day);
        let state = BudgetState::new(daily, time("2026-05-04T09:00:00Z"));
        let entries = [
            entry("2026-05-03T23:59:59Z", None),
            entry("2026-05-04T00:00:00Z", None), // before it was set, on the same day
            entry("2026-05-04T23:59:59Z", Some("spring")),
            entry("2026-05-05T00:00:00Z", None),
        ];
        assert_eq!(state.clone().recounted(&entries).reserved, 10.into());
        let next = state.in_period_of(time("2026-05-05T12:00:00Z"));
        assert_eq!(next.reserved, Credits::ZERO);
        assert_eq!(next.recounted(&entries).reserved, 5.into());
        // One that ends on another day gives back what it reserved on its own day.
        let mut ended = entries[1].clone();
        (ended.state, ended.charged) = (EntryState::Settled, Some(4.into()));
        let mut own_day = state.recounted(&entries);
        own_day.replace(usage(&entries[1]), usage(&ended));
        assert_eq!((own_day.reserved, own_day.spent), (5.into(), 4.into()));
    }

    /// The budget was set later than the present time then.
    #[test]
    fn a_budget_without_a_period_holds_after_the_clock_was_set_back() {
        let set_at = time("2026-05-04T09:00:00Z");
        let state = BudgetState::new(Budget::new("b", 9.into()), set_at);
        let now = time("2026-05-04T08:00:00Z");
        let account = Account::new("https://a.example.com", "id");
        let begin = |state: &BudgetState| {
            let key = "k".parse().unwrap();
            let mut new = NewEntry::new(account.clone(), key, BillableOperation::Create);
            new.estimate = Some(CreditRange { min: 1.into(), max: 5.into() });
            let budgets = vec![state.in_period_of(now).with_usage(state.reserved, state.spent)];
            new.plan(FoundEntries { now, latest: None, renders: Vec::new(), budgets })
        };
        let planned = begin(&state);
        let (entry, state) = (planned.entry.unwrap(), &planned.budgets[0]);
        assert_eq!(state.reserved, 5.into());
        assert!(matches!(begin(state).result, Begun::OverBudget(_)));
        assert_eq!(state.clone().recounted([&entry]).reserved, 5.into());
        let released = Change::Released { reason: "refused".to_owned() };
        let planned = entry.plan(&released, now, vec![state.clone()]);
        assert_eq!(planned.budgets[0].reserved, Credits::ZERO);
    }

    #[test]
    fn a_budget_without_a_period_counts_from_its_first_setting() {
        let set_at = time("2026-05-04T09:00:00Z");
        let state = BudgetState::new(Budget::new("b", 9.into()).label("spring"), set_at);
        let entries = [
            entry("2026-05-04T08:59:59Z", Some("spring")),
            entry("2026-05-04T09:00:00Z", Some("spring")),
            entry("2027-05-04T09:00:00Z", Some("spring")),
            entry("2026-06-01T09:00:00Z", Some("autumn")),
            entry("2026-06-01T09:00:00Z", None),
        ];
        assert_eq!(state.clone().recounted(&entries).reserved, 10.into());
        let again = state.set(Budget::new("b", 99.into()), time("2026-07-01T00:00:00Z"));
        assert_eq!((again.since, again.period_start), (set_at, set_at));
        assert_eq!(again.recounted(&entries).reserved, 20.into());
    }
}
