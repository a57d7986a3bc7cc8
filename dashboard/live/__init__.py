"""Open pages that follow what happens: one hub a process reads each piece of news once and hands it to all."""
