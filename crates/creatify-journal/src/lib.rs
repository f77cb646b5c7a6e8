#![cfg_attr(feature = "sqlite", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "sqlite"), doc = "Journals of the `creatify` client.")]

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("choose a store: the feature `sqlite` or `postgres`");

mod budgets;
mod connection;
mod entries;
mod filter;
mod migrations;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod time;
mod transactions;

#[cfg(feature = "postgres")]
pub use postgres::PostgresJournal;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteJournal;
