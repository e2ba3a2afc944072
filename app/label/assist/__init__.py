"""What is proposed while somebody labels: by runs, the learner, alike boxes and neighbours; and what becomes of it."""
