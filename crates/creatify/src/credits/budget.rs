//! Budgets: a spending limit shared by many tasks. Each submission reserves its maximum first, and
//! settles with its charge.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Credits;

/// A spending limit, shared by all clones. Reserved and spent credits together never exceed it.
///
/// ```
/// use creatify::credits::Budget;
///
/// let budget = Budget::new(10.into());
/// let reservation = budget.reserve(8.into())?;
/// assert!(budget.reserve(3.into()).is_err()); // refused before anything is sent
/// reservation.settle(4.into()); // it cost less
/// assert_eq!(budget.state().available(), 6.into());
/// # Ok::<(), creatify::credits::OverBudget>(())
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "limit")]
#[doc(alias = "quota")]
pub struct Budget(Arc<Mutex<BudgetState>>);

/// The state of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetState {
    /// Credits that may be spent in all.
    pub limit: Credits,
    /// Maximum cost of open submissions, and of those of unknown outcome.
    pub reserved: Credits,
    /// Credits charged.
    pub spent: Credits,
}

/// Error for a reservation above what is left of the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OverBudget {
    /// Credits that were to be reserved.
    pub asked: Credits,
    /// State of the budget at the time.
    pub budget: BudgetState,
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BudgetState { limit, reserved, spent } = self.budget;
        write!(
            f,
            "may cost {}, which is above the budget: {spent} spent and {reserved} reserved of {}",
            self.asked.in_words(),
            limit.in_words()
        )
    }
}

impl std::error::Error for OverBudget {}

/// Credits set aside for one submission.
///
/// When it is dropped, the credits stay reserved: the outcome of the submission is not known then.
#[derive(Debug)]
#[must_use = "a reservation that is dropped stays reserved"]
pub struct Reservation {
    budget: Budget,
    amount: Credits,
}

impl BudgetState {
    /// Returns what may still be reserved. Negative when a charge was above its reservation.
    pub fn available(self) -> Credits {
        // Amounts that were added without overflow are subtracted without one.
        self.limit
            .checked_sub(self.reserved)
            .and_then(|left| left.checked_sub(self.spent))
            .unwrap_or(Credits::ZERO)
    }

    fn reserve(&mut self, amount: Credits) -> Result<(), OverBudget> {
        let refused = OverBudget { asked: amount, budget: *self };
        let reserved = self.reserved.checked_add(amount).ok_or(refused)?;
        if amount.is_negative() || amount > self.available() {
            return Err(refused);
        }
        self.reserved = reserved;
        Ok(())
    }

    fn settle(&mut self, reserved: Credits, charged: Credits) {
        self.reserved = self.reserved.checked_sub(reserved).unwrap_or(Credits::ZERO);
        // A negative charge is not known yet. A sum that is too large to hold is above every limit.
        let charged = charged.max(Credits::ZERO);
        self.spent = self.spent.checked_add(charged).unwrap_or(self.limit);
    }
}

impl Budget {
    /// Creates a budget of which nothing is reserved or spent.
    pub fn new(limit: Credits) -> Self {
        Self(Arc::new(Mutex::new(BudgetState {
            limit,
            reserved: Credits::ZERO,
            spent: Credits::ZERO,
        })))
    }

    /// Returns the current state.
    pub fn state(&self) -> BudgetState {
        *self.lock()
    }

    /// Reserves credits, all or none.
    ///
    /// # Errors
    ///
    /// When fewer are available, or the amount is negative.
    pub fn reserve(&self, amount: Credits) -> Result<Reservation, OverBudget> {
        self.lock().reserve(amount)?;
        Ok(Reservation { budget: self.clone(), amount })
    }

    fn lock(&self) -> MutexGuard<'_, BudgetState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // no change is left half made
    }
}

impl Reservation {
    /// Returns the reserved credits.
    pub fn amount(&self) -> Credits {
        self.amount
    }

    /// Replaces the reservation with the charge.
    pub fn settle(self, charged: Credits) {
        self.budget.lock().settle(self.amount, charged);
    }

    /// Gives all credits back, when the submission was certainly not accepted.
    pub fn release(self) {
        self.settle(Credits::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credits(amount: u32) -> Credits {
        amount.into()
    }

    #[test]
    fn a_refusal_has_the_state_of_the_budget_and_changes_nothing() {
        let budget = Budget::new(credits(10));
        budget.reserve(credits(4)).unwrap().settle(credits(5));
        let held = budget.reserve(credits(3)).unwrap();
        let refused = budget.reserve(credits(3)).unwrap_err();
        assert_eq!((refused.asked, refused.budget), (credits(3), budget.state()));
        assert_eq!(
            refused.to_string(),
            "may cost 3 credits, which is above the budget: 5 spent and 3 reserved of 10 credits"
        );
        held.release();
        assert_eq!(budget.state().available(), credits(5));
    }

    #[test]
    fn a_dropped_reservation_stays_reserved() {
        let budget = Budget::new(credits(10));
        drop(budget.reserve(credits(10)).unwrap());
        assert!(budget.reserve(credits(1)).is_err());
    }

    #[test]
    fn negative_and_huge_amounts_free_nothing() {
        let budget = Budget::new(credits(10));
        assert!(budget.reserve("-1".parse().unwrap()).is_err());
        assert!(budget.reserve(Credits::from(rust_decimal::Decimal::MAX)).is_err());
        budget.reserve(credits(10)).unwrap().settle("-5".parse().unwrap());
        assert_eq!(budget.state().available(), credits(10));
        let held = budget.reserve(credits(1)).unwrap();
        held.settle(Credits::from(rust_decimal::Decimal::MAX));
        assert!(budget.reserve(credits(1)).is_err());
    }

    /// One step of a task. Each holds the lock for its whole change, so the interleavings of steps
    /// are all there are.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Reserve(u32),
        Settle(u32),
        Release,
    }

    /// Runs every interleaving of the tasks' steps, and checks the budget after each step.
    fn every_interleaving(limit: u32, tasks: &[&[Step]]) -> usize {
        fn walk(
            state: BudgetState,
            tasks: &[&[Step]],
            next: &mut [usize],
            held: &mut [Option<Credits>],
        ) -> usize {
            let mut ends = 0;
            for task in 0..tasks.len() {
                let Some(step) = tasks[task].get(next[task]) else { continue };
                let (mut state, held_before) = (state, held[task]);
                match *step {
                    Step::Reserve(amount) => {
                        held[task] = state.reserve(credits(amount)).is_ok().then(|| credits(amount))
                    }
                    Step::Settle(charged) => {
                        if let Some(amount) = held[task].take() {
                            state.settle(amount, credits(charged));
                        }
                    }
                    Step::Release => {
                        if let Some(amount) = held[task].take() {
                            state.settle(amount, Credits::ZERO);
                        }
                    }
                }
                let sum = state.reserved.checked_add(state.spent).unwrap();
                assert!(sum <= state.limit, "over-committed: {state:?}");
                let reserved = held
                    .iter()
                    .flatten()
                    .try_fold(Credits::ZERO, |sum, amount| sum.checked_add(*amount));
                assert_eq!(reserved, Some(state.reserved), "a reservation was lost or kept");
                next[task] += 1;
                ends += walk(state, tasks, next, held);
                next[task] -= 1;
                held[task] = held_before;
            }
            ends.max(usize::from(
                tasks.iter().zip(next.iter()).all(|(task, next)| *next == task.len()),
            ))
        }
        let state =
            BudgetState { limit: credits(limit), reserved: Credits::ZERO, spent: Credits::ZERO };
        walk(state, tasks, &mut vec![0; tasks.len()], &mut vec![None; tasks.len()])
    }

    #[test]
    fn no_interleaving_of_tasks_over_commits() {
        use Step::{Release, Reserve, Settle};
        let interleavings = every_interleaving(
            10,
            &[
                &[Reserve(6), Settle(6), Reserve(3), Release],
                &[Reserve(5), Settle(2), Reserve(5), Settle(5)],
                &[Reserve(4), Release, Reserve(4), Settle(1)],
            ],
        );
        assert_eq!(interleavings, 34_650); // all: 12! / (4!)³
    }

    #[test]
    fn concurrent_reservations_never_exceed_the_limit() {
        let budget = Budget::new(credits(200));
        let granted: usize = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        (0..125)
                            .filter(|_| {
                                budget
                                    .reserve(credits(1))
                                    .map(|held| held.settle(credits(1)))
                                    .is_ok()
                            })
                            .count()
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        assert_eq!(granted, 200);
        assert_eq!(budget.state().spent, credits(200));
    }
}
