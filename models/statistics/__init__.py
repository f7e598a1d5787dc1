"""What learners and tasks are made of: rates, scales, mixtures, paces, means of models; none of it is found by name."""
