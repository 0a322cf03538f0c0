"""What happens to a review: read, prompt, engine, answer, store, report."""
