"""Service goals: what was promised, measured by the period, and never called met where too little is known."""
