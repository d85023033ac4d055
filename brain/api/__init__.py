"""HTTP routes: the same verbs for programs that pages and commands use."""
