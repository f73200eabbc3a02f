//! What a shop's customers do, and what follows from it.
//!
//! - [`advice`]: what a shop may do next
//! - [`affinity`]: what is bought together
//! - [`rfm`]: how recently, how often and for how much each customer buys
//! - [`kmeans`]: customers into groups
//! - [`segment`]: what a group of customers is called
//! - [`sentiment`]: what reviews say
//! - [`persona`]: who the customers of a segment are, as far as that is known

pub mod advice;
pub mod affinity;
pub mod kmeans;
pub mod persona;
pub mod rfm;
pub mod segment;
pub mod sentiment;
