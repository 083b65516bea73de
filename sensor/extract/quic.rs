//! Placeholder until its parser lands in the next commit.
