//! Files of rows that a shop sends: what their columns mean, and what their cells say.
//!
//! - [`field`]: the kinds of files, and the fields that their columns can hold
//! - `headers`: the names that people and programs give to fields
//! - [`layout`]: which column holds which field, from the headers and a sample of the rows
//! - [`number`], [`date`]: cells, as people in many countries write them
//! - [`row`]: a row, read
//! - [`parse`]: from the cells to the row, or to what is wrong with it

pub mod date;
pub mod field;
mod headers;
pub mod layout;
pub mod number;
pub mod parse;
pub mod row;
