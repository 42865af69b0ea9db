//! The one integration binary: cases run the product as a process, the fake forge sits beside them.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod fake_forge;
