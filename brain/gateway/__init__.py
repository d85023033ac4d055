"""The query engine: the steps of ``ask``, from question to answer."""
