//! Which pages are dumped.
